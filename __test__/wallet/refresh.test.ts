import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  type KeyShareStore,
  MemoryStore,
  type MpcAgentWallet,
  type PartyRole,
  type Transport,
} from '../../src/index.js'
import { Deferred } from '../../src/wallet/deferred.js'
import { FailingStore, type PowerCut } from '../helpers/failing-store.js'
import { noSessionLeft } from '../helpers/live-sessions.js'
import {
  addressesOf,
  type Each,
  each,
  makeWallet,
  type OpenCommittee,
  openWallet,
  PAIRS,
  type Records,
  ROLES,
  recordsOf,
  refreshAll,
  signerOf,
  signersOfPairs,
  storesWith,
} from '../helpers/stored-committee.js'
import { BACKENDS, directoryOf, inDirectory } from '../helpers/stores.js'
import { roundOf, sending } from '../helpers/transports.js'

/** A wallet of epoch 1, as its three stores hold it. */
let records: Each<Records>
let address: string
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  await using made = await makeWallet(stores)
  records = await recordsOf(stores)
  address = addressesOf(made.wallets)[0] ?? ''
})

const shareIds = (of: Iterable<string>): string[] =>
  [...of].filter((id) => id.includes('/share/')).map((id) => id.replace(/^.*share/, 'share'))
const shareOfEpoch = (epoch: number): string => `share/${String(epoch).padStart(20, '0')}/ecdsa`

/** What each party's refresh came to; when `first` has ended, the others are stopped. */
async function attempt({ wallets }: OpenCommittee, first: PartyRole): Promise<Each<string>> {
  const stop = new AbortController()
  return await each(async (role) => {
    try {
      await wallets[role].refresh(role === first ? {} : { signal: stop.signal })
      return 'done'
    } catch (error) {
      return String((error as { code?: unknown }).code)
    } finally {
      if (role === first) stop.abort()
    }
  })
}

/** After whatever happened: every pair signs for the same address, and the next refresh succeeds. */
async function goesOn(wallets: Each<MpcAgentWallet>): Promise<void> {
  expect(addressesOf(wallets)).toEqual([address, address, address])
  expect(await signersOfPairs(wallets)).toEqual([address, address, address])
  await refreshAll(wallets)
  expect(new Set(ROLES.map((role) => wallets[role].epoch)).size).toBe(1)
  expect(await signerOf(wallets, PAIRS[0])).toBe(address)
}

describe.each(BACKENDS)('a refresh over $name stores', (backend) => {
  it('gives every party another share of the same key, and leaves none of the old', async () => {
    await inDirectory(async (directory) => {
      const stores = await each((role) => backend.open(directoryOf(directory, role)))
      await each(async (role) => {
        const writes = [...records[role]].map(
          ([id, value]) => ({ kind: 'put', id, value }) as const,
        )
        await stores[role].commit({ writes, readBack: [] })
      })
      await using opened = await openWallet(stores)

      await refreshAll(opened.wallets)

      expect(ROLES.map((role) => opened.wallets[role].epoch)).toEqual([2n, 2n, 2n])
      expect(addressesOf(opened.wallets)).toEqual([address, address, address])
      expect(await signersOfPairs(opened.wallets)).toEqual([address, address, address])
      for (const role of ROLES)
        expect(shareIds(await stores[role].list())).toEqual([shareOfEpoch(2)])
      await opened.close()
      await using again = await openWallet(stores)
      expect(await signersOfPairs(again.wallets)).toEqual([address, address, address])
      await again.close()
      await each((role) => stores[role].close())
    })
  })
})

describe('the old share of a refresh over SQLite', () => {
  it('is in no file any more when the refresh is done, not even sealed', async () => {
    const [{ open }] = BACKENDS.filter(({ name }) => name === 'SQLite') as [(typeof BACKENDS)[0]]
    await inDirectory(async (directory) => {
      const store = await open(directory)
      const stores: Each<KeyShareStore> = { ...(await storesWith(records)), agent: store }
      const writes = [...records.agent].map(([id, value]) => ({ kind: 'put', id, value }) as const)
      await store.commit({ writes, readBack: [] })
      const [id = '', sealed = Buffer.of()] =
        [...records.agent].find(([one]) => one.includes('/share/')) ?? []
      /** Behind what all records begin with. A page of the database is 4 kB, so most of these are whole. */
      const pieces = Array.from({ length: sealed.length >> 10 }, (_, at) =>
        Buffer.from(sealed.subarray(64 + 1_000 * at, 88 + 1_000 * at)),
      )
      const found = (): number => {
        const files = ['wallet.db', 'wallet.db-wal'].map((name) =>
          readFileSync(`${directory}/store/${name}`),
        )
        return pieces.filter((piece) => files.some((file) => file.includes(piece))).length
      }
      await using opened = await openWallet(stores)
      expect(found()).toBeGreaterThan(20)

      await refreshAll(opened.wallets)

      expect(await store.exists(id)).toBe(false)
      expect(found()).toBe(0)
      await opened.close()
      await store.close()
    })
  })
})

describe('a refresh in which the power of one party is cut', () => {
  /** Intent, shares, acknowledgement, certificate. */
  const COMMITS = 4
  const cases = Array.from({ length: COMMITS }, (_, at) => at + 1).flatMap((at) =>
    (['before', 'after'] as const).map(
      (cut, position) => [at, cut, ROLES[(at + position) % 3]] as const,
    ),
  )
  it.each(cases)(
    'at commit %s, %s it is on disk, at the %s, costs nothing',
    async (at, cut, role) => {
      await cutPower(at, cut, role ?? 'agent')
    },
  )

  async function cutPower(at: number, cut: PowerCut, role: PartyRole): Promise<void> {
    const stores = await storesWith(records)
    const failing = new FailingStore(stores[role])
    const opened = await openWallet({ ...stores, [role]: failing })
    const { commits } = failing
    failing.cutIn(at, cut)

    const outcomes = await attempt(opened, role)

    await opened.close()
    expect(failing.commits - commits).toBe(at)
    expect(outcomes[role]).toBe('STORE_UNAVAILABLE')
    await using again = await openWallet(stores)
    await goesOn(again.wallets)
  }
})

describe('a refresh without one party', () => {
  it('ends when time runs out, names who is missing, and costs nothing', async () => {
    const stores = await storesWith(records)
    const opened = await openWallet(stores)
    const { agent, user } = opened.wallets

    const settled = await Promise.allSettled(
      [agent, user].map((wallet) => wallet.refresh({ timeoutMs: 600 })),
    )

    for (const one of settled)
      expect(one).toMatchObject({ reason: { code: 'PROTOCOL_TIMEOUT', culprits: ['recovery'] } })
    expect(await signersOfPairs(opened.wallets)).toEqual([address, address, address])
    await opened.close()
    await using again = await openWallet(stores)
    await goesOn(again.wallets)
    await noSessionLeft()
  })
})

describe('a refresh in which messages of one party are lost', () => {
  it.each([[[1]], [[2]], [[3]], [[4]], [[5]], [[6]], [[7, 8]]])(
    'in rounds %j stops there, and costs nothing',
    async (rounds) => {
      let lossy = true
      let lost = 0
      const allLost = new Deferred()
      const stores = await storesWith(records)
      const lose = (transport: Transport, role: PartyRole): Transport =>
        sending(transport, async (envelope, pass) => {
          if (role !== 'user' || !lossy || !rounds.includes(roundOf(envelope)))
            return await pass(envelope)
          lost += 1
          if (lost === 2 * rounds.length) allLost.resolve()
        })
      await using opened = await openWallet(stores, { wrapTransport: lose })
      const { agent, recovery } = opened.wallets
      const stop = new AbortController()
      const stalled = Promise.all([agent, recovery].map((wallet) => stalling(wallet, rounds[0])))

      const refreshing = ROLES.map((role) => opened.wallets[role].refresh({ signal: stop.signal }))
      const settled = Promise.allSettled(refreshing)
      await Promise.all([stalled, allLost.promise])
      const isDone = rounds.includes(8) // it has everybody's acknowledgement, and nobody has its own
      if (isDone) await refreshing[1]
      stop.abort()

      const aborted = { reason: { code: 'ABORTED' } }
      expect(await settled).toMatchObject([
        aborted,
        isDone ? { status: 'fulfilled' } : aborted,
        aborted,
      ])
      lossy = false
      await goesOn(opened.wallets)
      await noSessionLeft()
    },
  )

  /** Resolves when all that a party still waits for in a round is the user. */
  async function stalling(wallet: MpcAgentWallet, round = 0): Promise<void> {
    await new Promise<void>((resolve) => {
      wallet.on('ceremony', (progress) => {
        if (progress.round === round && progress.missing.join() === 'user') resolve()
      })
    })
  }
})
