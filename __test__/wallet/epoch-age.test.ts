import { describe, expect, it, jest } from '@jest/globals'
import { type KeyShareStore, MemoryStore, MpcAgentWallet, Party } from '../../src/index.js'
import { sharedCommittee } from '../helpers/committee.js'
import {
  type Each,
  each,
  keyWrapper,
  makeWallet,
  openWallet,
  refreshAll,
} from '../helpers/stored-committee.js'

const DAY_MS = 24 * 3_600_000
const unlock = { keyWrapper }
const inMemory = sharedCommittee()

/** Runs with a clock that can be set forward. */
async function withClock(
  run: (clock: { now(): number; set(days: number, ms?: number): void }) => Promise<void>,
): Promise<void> {
  const began = Date.now()
  let now = began
  const spy = jest.spyOn(Date, 'now').mockImplementation(() => now)
  try {
    await run({
      now: () => now,
      set: (days, ms = 0) => {
        now = began + days * DAY_MS + ms
      },
    })
  } finally {
    spy.mockRestore()
  }
}

const newStores = (): Promise<Each<KeyShareStore>> => each(async () => new MemoryStore())

describe('the age of the shares', () => {
  it('counts from when everybody held them, also after a restart, and is due at 90 days', async () => {
    await withClock(async ({ now, set }) => {
      const stores = await newStores()
      const made = await makeWallet(stores)
      const age = { epoch: 1n, certifiedAtMs: now(), days: 0, refreshDue: false }
      for (const role of ['agent', 'user', 'recovery'] as const)
        expect((await made.wallets[role].status()).epochAge).toEqual(age)
      await made.close()

      await using opened = await openWallet(stores)
      const { agent } = opened.wallets
      set(90, -1)
      expect((await agent.status()).epochAge).toEqual({ ...age, days: 89 })
      set(90)
      expect((await agent.status()).epochAge).toEqual({ ...age, days: 90, refreshDue: true })
      set(-1)
      expect((await agent.status()).epochAge).toEqual(age)
    })
  })

  it('is due when the operator says', async () => {
    await withClock(async ({ set }) => {
      await using made = await makeWallet(await newStores())
      const { agent } = made.wallets
      const due = async (refreshAfterDays: number) =>
        (await agent.status({ refreshAfterDays })).epochAge?.refreshDue

      set(1)
      expect([await due(1), await due(2)]).toEqual([true, false])
      set(3_650)
      expect(await due(3_650)).toBe(true)
      for (const wrong of [0, -1, 1.5, 3_651, Number.NaN, '90' as never])
        await expect(agent.status({ refreshAfterDays: wrong })).rejects.toMatchObject({
          code: 'INVALID_INPUT',
        })
    })
  })

  it('begins anew with a refresh, and nothing is left of the time of the old ones', async () => {
    await withClock(async ({ now, set }) => {
      const stores = await newStores()
      await using made = await makeWallet(stores)
      set(100)

      await refreshAll(made.wallets)

      for (const role of ['agent', 'user', 'recovery'] as const) {
        const { epochAge } = await made.wallets[role].status()
        expect(epochAge).toEqual({ epoch: 2n, certifiedAtMs: now(), days: 0, refreshDue: false })
        expect(await stores[role].list('epoch-time/')).toHaveLength(1)
      }
    })
  })

  it('of a party that came back from a backup counts from that backup', async () => {
    await withClock(async ({ now, set }) => {
      const made = await makeWallet(await newStores())
      set(10)
      const exportedAtMs = now()
      const { file } = await made.wallets.user.backup({ unlock })
      await made.close()
      set(30)
      const store = new MemoryStore()

      const party = await Party.restore({ file, unlock, store, storeUnlock: unlock })

      const transport = made.network.connect(party.identityKey)
      await using wallet = await MpcAgentWallet.open({ party, transport })
      expect((await wallet.status()).epochAge).toMatchObject({
        certifiedAtMs: exportedAtMs,
        days: 20,
      })
    })
  })

  it('is not told where nothing says since when', async () => {
    const stores = await newStores()
    await using made = await makeWallet(stores)
    const [id = ''] = await stores.agent.list('epoch-time/')

    for (const value of [new Uint8Array(7), new Uint8Array(9), new Uint8Array(8).fill(255)]) {
      await stores.agent.store(id, value)
      expect(await made.wallets.agent.status()).not.toHaveProperty('epochAge')
    }
    await stores.agent.delete(id)
    expect(await made.wallets.agent.status()).not.toHaveProperty('epochAge')
    expect(await inMemory().agent.status()).not.toHaveProperty('epochAge')
  })
})
