import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  type KeyShareStore,
  type KeyWrapper,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  SqliteStore,
  type Unlock,
} from '../../src/index.js'
import { FailingStore, type PowerCut } from '../helpers/failing-store.js'
import { kmsKeyWrapper, LocalKms } from '../helpers/local-kms.js'
import { payment } from '../helpers/payment.js'
import {
  addressesOf,
  type Each,
  each,
  keyWrapper,
  makeWallet,
  openWallet,
  type Records,
  recordsOf,
  storesWith,
  storeWith,
} from '../helpers/stored-committee.js'
import { contents, inDirectory } from '../helpers/stores.js'

/** Key wrappers that cost no password hash, and whose keys are their own. */
const wrapperOf = (seed: number, name = 'aws-kms'): KeyWrapper => ({
  ...kmsKeyWrapper({
    kms: new LocalKms({ test: new Uint8Array(32).fill(seed) }),
    keyId: 'test',
    party: 'any',
  }),
  name,
})
const old: Unlock = { keyWrapper }
const next: Unlock = { keyWrapper: wrapperOf(8, 'next') }
const third: Unlock = { keyWrapper: wrapperOf(9, 'third') }

let records: Each<Records>
let address: string
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  await using made = await makeWallet(stores)
  address = addressesOf(made.wallets)[0] ?? ''
  await made.close()
  records = await recordsOf(stores)
})

/** What opening the agent's wallet comes to: that it opened, or the code. */
async function outcome(store: KeyShareStore, unlock: Unlock): Promise<string> {
  try {
    const party = await Party.open({ store, unlock })
    const transport = new MemoryNetwork().connect(party.identityKey)
    await using wallet = await MpcAgentWallet.open({ party, transport })
    return wallet.address('evm') === address ? 'opened' : 'another address'
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

describe('rewrap', () => {
  it('makes the new password or wrapper the only one that opens the store, for what is in it and what comes', async () => {
    const store = await storeWith(records.agent)
    const party = await Party.open({ store, unlock: old })

    await party.rewrap({ unlock: { password: 'of the spring' } })

    const transport = new MemoryNetwork().connect(party.identityKey)
    const wallet = await MpcAgentWallet.open({ party, transport })
    await wallet.backup({ unlock: { keyWrapper } }) // writes a record under the new key
    await wallet.close()
    expect(await outcome(store, old)).toBe('WRONG_PASSWORD')
    expect(await outcome(store, { password: 'of the spring' })).toBe('opened')
    expect((await store.list('vault')).length).toBe(1)
  })

  it('leaves nothing under the old key, and the bodies of the records as they were', async () => {
    const store = await storeWith(records.agent)
    const party = await Party.open({ store, unlock: old })

    await party.rewrap({ unlock: next })

    const body = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(-40)).toString('hex')
    const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(6, 38)).toString('hex')
    const sealed = (of: Records) =>
      [...of].filter(([id]) => /^(identity|session\/|count\/|wallet\/)/.test(id))
    const after = await contents(store)
    expect(sealed(after).map(([id, value]) => [id, body(value)])).toEqual(
      sealed(records.agent).map(([id, value]) => [id, body(value)]),
    )
    const before = new Set(sealed(records.agent).map(([, value]) => keyOf(value)))
    const now = new Set(sealed(after).map(([, value]) => keyOf(value)))
    expect([before.size, now.size]).toEqual([1, 1])
    expect([...now]).not.toEqual([...before])
  })

  it('works again and again, also back to the first one', async () => {
    const store = await storeWith(records.agent)
    for (const unlock of [next, third, old, old]) {
      const party = await Party.open({
        store,
        unlock: unlock === next ? old : await current(store),
      })
      await party.rewrap({ unlock })
      expect(await outcome(store, unlock)).toBe('opened')
    }
  })

  /** Which of the three opens the store. */
  async function current(store: KeyShareStore): Promise<Unlock> {
    for (const unlock of [old, next, third])
      if ((await outcome(store, unlock)) === 'opened') return unlock
    throw new Error('nothing opens the store')
  }

  it('moves more records than are read at once, in a store on the disk', async () => {
    await inDirectory(async (directory) => {
      const open = () => SqliteStore.open({ path: `${directory}/store/wallet.db` })
      const store = await open()
      const writes = [...records.agent].map(([id, value]) => ({ kind: 'put', id, value }) as const)
      await store.commit({ writes, readBack: [] })
      const { user, recovery } = await storesWith(records)
      const opened = await openWallet({ agent: store, user, recovery })
      const cosigning = opened.wallets.user.cosign({ approve: () => true })
      for (let signed = 0; signed < 520; signed += 40)
        await Promise.all(
          Array.from({ length: 40 }, () => opened.wallets.agent.signTransaction(payment())),
        )
      await cosigning.close()
      await opened.close()
      expect((await store.list('session/')).length).toBeGreaterThan(512)

      await opened.parties.agent.rewrap({ unlock: next })

      await store.close()
      const reopened = await open()
      expect(await outcome(reopened, old)).toBe('WRONG_PASSWORD')
      expect(await outcome(reopened, next)).toBe('opened')
      await reopened.close()
    })
  })

  it('asks whoever asks for the password once', async () => {
    const store = await storeWith(records.agent)
    const party = await Party.open({ store, unlock: old })
    let asked = 0

    await party.rewrap({
      unlock: {
        password: () => {
          asked += 1
          return 'of the autumn'
        },
      },
    })

    expect(asked).toBe(1)
    expect(await outcome(store, { password: 'of the autumn' })).toBe('opened')
  })

  it('changes nothing for a wrapper that does not give back what it took', async () => {
    const store = await storeWith(records.agent)
    const before = await contents(store)
    const party = await Party.open({ store, unlock: old })
    const forgetful = { ...wrapperOf(8, 'next'), unwrap: async () => new Uint8Array(32) }

    await expect(party.rewrap({ unlock: { keyWrapper: forgetful } })).rejects.toMatchObject({
      code: 'WRONG_PASSWORD',
    })
    expect(await contents(store)).toEqual(before)
    expect(await outcome(store, old)).toBe('opened')
  })

  it('is refused while a wallet is open, and a wallet is while it runs', async () => {
    const store = await storeWith(records.agent)
    const party = await Party.open({ store, unlock: old })
    const transport = new MemoryNetwork().connect(party.identityKey)
    const wallet = await MpcAgentWallet.open({ party, transport })

    await expect(party.rewrap({ unlock: next })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    await wallet.close()
    const rewrapping = party.rewrap({ unlock: next })
    await expect(MpcAgentWallet.open({ party, transport })).rejects.toMatchObject({
      code: 'SESSION_BUSY',
    })
    await expect(party.rewrap({ unlock: third })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    await rewrapping
    await (await MpcAgentWallet.open({ party, transport })).close()
  })

  it('makes a copy of the store from before an older one', async () => {
    const store = await storeWith(records.agent)
    let outside: bigint | undefined
    const counter = {
      read: async () => outside,
      advance: async (to: bigint) => {
        outside = to
      },
    }
    const party = await Party.open({ store, unlock: old, counter })
    const before = await storeWith(await contents(store))

    await party.rewrap({ unlock: next })

    expect(outside).toBe(1n)
    await Party.open({ store, unlock: next, counter })
    await expect(Party.open({ store: before, unlock: old, counter })).rejects.toMatchObject({
      code: 'ROLLBACK',
    })
  })

  it('is nothing for a party in memory', async () => {
    const party = Party.create({ role: 'agent' })

    await expect(party.rewrap({ unlock: next })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a rewrapping whose power is cut', () => {
  // the next header; identity, seen sessions, wallet; the end
  const LAST = 5
  const cuts = [1, 2, 3, 4, LAST, LAST + 1].flatMap((at) =>
    (['before', 'after'] as const).map((cut): [number, PowerCut] => [at, cut]),
  )

  async function interrupted(at: number, cut: PowerCut) {
    const inner = await storeWith(records.agent)
    const store = new FailingStore(inner)
    const party = await Party.open({ store, unlock: old })
    store.cutIn(at, cut)
    const failed = await party.rewrap({ unlock: next }).then(
      () => false,
      () => true,
    )
    return { records: await contents(inner), failed }
  }

  it.each(cuts)(
    'at commit %s, %s it is on disk, opens by the old or the new one',
    async (at, cut) => {
      const { records: left, failed } = await interrupted(at, cut)
      const [byOld, byNew] = [
        await outcome(await storeWith(left), old),
        await outcome(await storeWith(left), next),
      ]
      const done = at > LAST || (at === LAST && cut === 'after')
      const begun = left.has('vault/next')

      expect({ at, cut, failed, begun, byOld, byNew }).toEqual({
        at,
        cut,
        failed: at <= LAST,
        begun: !done && (at > 1 || cut === 'after'),
        byOld: done ? 'WRONG_PASSWORD' : 'opened',
        byNew: at > 1 || cut === 'after' ? 'opened' : 'WRONG_PASSWORD',
      })
    },
  )

  it.each([
    [1, 'after'],
    [2, 'before'],
    [2, 'after'],
    [3, 'after'],
    [4, 'after'],
    [LAST, 'before'],
  ] as const)(
    'at commit %s, %s it is on disk, goes on when the new one opens it, and stays as it is when the old one does',
    async (at, cut) => {
      const { records: left } = await interrupted(at, cut)
      const store = await storeWith(left)

      expect([await outcome(store, old), await outcome(store, old)]).toEqual(['opened', 'opened'])
      expect(await store.exists('vault/next')).toBe(true)
      expect(await outcome(store, third)).toBe('WRONG_PASSWORD')
      expect(await outcome(store, next)).toBe('opened')
      expect(await store.list('vault')).toEqual(['vault'])
      expect(await outcome(store, old)).toBe('WRONG_PASSWORD')
    },
  )

  it.each([
    ['the same', next],
    ['another one', third],
  ])('is made good by calling it again with %s', async (_, unlock) => {
    const { records: left } = await interrupted(2, 'after')
    const store = await storeWith(left)
    const party = await Party.open({ store, unlock: old })

    await party.rewrap({ unlock })

    expect(await store.list('vault')).toEqual(['vault'])
    const outcomes = [await outcome(store, old), await outcome(store, unlock)]
    expect(outcomes).toEqual(['WRONG_PASSWORD', 'opened'])
  })

  it('may be cut again, at every commit of going on', async () => {
    for (const at of [1, 2, 3, 4])
      for (const cut of ['before', 'after'] as const) {
        const { records: left } = await interrupted(2, 'before')
        const inner = await storeWith(left)
        const failing = new FailingStore(inner, { at, cut })
        await expect(Party.open({ store: failing, unlock: next })).rejects.toThrow()

        const again = await storeWith(await contents(inner))
        expect(await outcome(again, next)).toBe('opened')
        expect(await outcome(again, old)).toBe('WRONG_PASSWORD')
      }
  })

  it('opens nothing of a move whose keys are missing or of another move', async () => {
    const { records: left } = await interrupted(2, 'before')
    const { records: another } = await interrupted(2, 'before')
    const without = (id: string) => new Map([...left].filter(([one]) => one !== id))
    const swapped = (id: string) => new Map([...left, [id, another.get(id) ?? new Uint8Array()]])

    for (const [id, unlock] of [
      ['vault/back', next],
      ['vault/forward', old],
    ] as const) {
      for (const wrong of [without(id), swapped(id)])
        expect(await outcome(await storeWith(wrong), unlock)).toBe('SHARE_UNREADABLE')
    }
  })
})
