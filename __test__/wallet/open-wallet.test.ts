import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  type KeyShareStore,
  type KeyWrapper,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  type Unlock,
  type WalletId,
} from '../../src/index.js'
import { writeLog } from '../helpers/audit.js'
import { FailingStore } from '../helpers/failing-store.js'
import { kmsKeyWrapper, LocalKms } from '../helpers/local-kms.js'
import {
  addressesOf,
  type Each,
  each,
  fingerprint,
  fingerprintOf,
  keyWrapper,
  makeWallet,
  openWallet,
  type Records,
  refreshAll,
  sealedRecordsOf,
  signersOfPairs,
  storesWith,
  storeWith,
} from '../helpers/stored-committee.js'
import { BACKENDS, contents, directoryOf, inDirectory } from '../helpers/stores.js'
import { taggedHash } from '../helpers/vault-format.js'

const password = 'correct horse battery staple'

describe.each(BACKENDS)('a wallet whose shares are in $name stores', (backend) => {
  it('is opened after it was closed, with its address, and every pair signs', async () => {
    await inDirectory(async (directory) => {
      const open = () => each((role) => backend.open(directoryOf(directory, role)))
      const stores = await open()
      const made = await makeWallet(stores)
      const [address] = addressesOf(made.wallets)
      const { walletId } = made.wallets.agent
      await made.close()
      const isMemory = backend.name === 'memory' // which a restart would empty
      if (!isMemory) await each((role) => stores[role].close())
      const again = isMemory ? stores : await open()

      const opened = await openWallet(again)

      expect(opened.parties.user.walletIds).toEqual([walletId])
      expect(opened.wallets.user.walletId).toBe(walletId)
      expect(addressesOf(opened.wallets)).toEqual([address, address, address])
      expect(await signersOfPairs(opened.wallets)).toEqual([address, address, address])
      await opened.close()
      await each((role) => again[role].close())
    })
  })
})

/** One wallet after one refresh, and the records before it. */
let before: Each<Records>
let records: Each<Records>
let address: string
/** The same with a second wallet of the same parties. */
let both: Each<Records>
let second: { readonly walletId: WalletId; readonly address: string }
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  const made = await makeWallet(stores)
  before = await sealedRecordsOf(stores)
  await refreshAll(made.wallets)
  records = await sealedRecordsOf(stores)
  address = addressesOf(made.wallets)[0] ?? ''
  await made.close()
  await using other = await makeWallet(stores)
  both = await sealedRecordsOf(stores)
  const [secondAddress = ''] = addressesOf(other.wallets)
  second = { walletId: other.wallets.agent.walletId, address: secondAddress }
})

/** Opens the agent's side. */
async function openAgent(store: KeyShareStore, unlock: Unlock = { keyWrapper }) {
  const party = await Party.open({ store, unlock })
  const network = new MemoryNetwork()
  const transport = network.connect(party.identityKey)
  return await MpcAgentWallet.open({ party, transport })
}

/** What opening comes to; a wallet that opens is closed. */
async function outcome(store: KeyShareStore, unlock?: Unlock): Promise<string> {
  try {
    const wallet = await openAgent(store, unlock)
    const opened = wallet.address('evm') === address ? 'opened' : 'another address'
    await wallet.close()
    return opened
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

describe('what opens a store', () => {
  const wrapping = (wrapper: KeyWrapper): Unlock => ({ keyWrapper: wrapper })

  it('is its password, as text, as bytes or from whoever asks for it, and nothing else', async () => {
    const store = new MemoryStore()
    const made = await Party.open({ role: 'user', store, unlock: { password } })
    const sealed = await contents(store)
    const attempt = async (unlock: Unlock): Promise<unknown> => {
      try {
        const { identityKey } = await Party.open({ store, unlock })
        return Buffer.compare(identityKey, made.identityKey)
      } catch (error) {
        return (error as { code: unknown }).code
      }
    }

    expect([
      await attempt({ password }),
      await attempt({ password: new TextEncoder().encode(password) }),
      await attempt({ password: async () => password }),
      await attempt({ password: `${password} ` }),
      await attempt(wrapping(keyWrapper)),
    ]).toEqual([0, 0, 0, 'WRONG_PASSWORD', 'WRONG_PASSWORD'])
    expect(await contents(store)).toEqual(sealed)
  })

  it('is the key-management service that keeps its key, asked once each time', async () => {
    const kms = new LocalKms({ 'alias/agent': new Uint8Array(32).fill(1) })
    const of = (party: string) => kmsKeyWrapper({ kms, keyId: 'alias/agent', party })
    const store = new MemoryStore()
    const made = await Party.open({ role: 'agent', store, unlock: wrapping(of('agent')) })

    const opened = await Party.open({ store, unlock: wrapping(of('agent')) })

    expect(opened.identityKey).toEqual(made.identityKey)
    expect(kms.decryptions).toBe(1)
    await expect(Party.open({ store, unlock: wrapping(of('user')) })).rejects.toMatchObject({
      code: 'UNLOCK_UNAVAILABLE',
    })
  })

  it('is neither a password nor another wrapper where one wrapper keeps the key', async () => {
    const store = await storeWith(records.agent)
    const renamed = { ...keyWrapper, name: 'keychain' }
    const wrong = { ...keyWrapper, unwrap: async () => new Uint8Array(32).fill(9) }
    const short = { ...keyWrapper, unwrap: async () => new Uint8Array(31) }

    expect([
      await outcome(store, { password }),
      await outcome(store, wrapping(renamed)),
      await outcome(store, wrapping(wrong)),
      await outcome(store, wrapping(short)),
    ]).toEqual(Array(4).fill('WRONG_PASSWORD'))
    expect(await outcome(store)).toBe('opened')
    expect(await fingerprintOf(store)).toBe(fingerprint(records.agent))
  })

  it('is asked in vain where it fails: that is no wrong password, and its own error is the cause', async () => {
    const cause = new Error('unreachable')
    const fail = async () => {
      throw cause
    }
    const store = await storeWith(records.agent)
    const failure = { code: 'UNLOCK_UNAVAILABLE', retryable: true, cause }

    for (const made of [store, new MemoryStore()])
      for (const unlock of [{ keyWrapper: { ...keyWrapper, unwrap: fail, wrap: fail } }])
        await expect(Party.open({ role: 'agent', store: made, unlock })).rejects.toMatchObject(
          failure,
        )
    const asked = new MemoryStore()
    await expect(
      Party.open({ role: 'agent', store: asked, unlock: { password: fail } }),
    ).rejects.toMatchObject(failure)
    expect(await asked.list()).toEqual([])
  })
})

describe('a store', () => {
  it('opens as the party that it holds and as no other', async () => {
    const store = await storeWith(records.agent)

    await expect(Party.open({ role: 'user', store, unlock: { keyWrapper } })).rejects.toMatchObject(
      { code: 'INVALID_INPUT', message: expect.stringContaining('agent') },
    )
    expect(await fingerprintOf(store)).toBe(fingerprint(records.agent))
  })

  it('that is new needs to be told the role, and then has a party without a wallet', async () => {
    const store = new MemoryStore()

    await expect(Party.open({ store, unlock: { keyWrapper } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    const party = await Party.open({ role: 'agent', store, unlock: { keyWrapper } })
    expect(party.walletIds).toEqual([])
    expect(await outcome(store)).toBe('SHARE_ABSENT')
  })

  it.each([
    [1, 'before'],
    [1, 'after'],
    [2, 'before'],
    [2, 'after'],
  ] as const)(
    'whose power is cut at commit %s, %s it is on disk, gets its party the next time',
    async (at, cut) => {
      const store = new MemoryStore()
      const failing = new FailingStore(store, { at, cut })
      const unlock = { keyWrapper }
      await expect(Party.open({ role: 'agent', store: failing, unlock })).rejects.toThrow()

      const made = await Party.open({ role: 'agent', store, unlock })

      expect((await Party.open({ store, unlock })).identityKey).toEqual(made.identityKey)
      expect(await store.list()).toEqual(['identity', 'vault'])
    },
  )

  it('that an audit log is in already gets its party beside it', async () => {
    const store = new MemoryStore()
    await writeLog(store, 1)

    const made = await Party.open({ role: 'agent', store, unlock: { keyWrapper } })
    const opened = await Party.open({ store, unlock: { keyWrapper } })

    expect(opened.identityKey).toEqual(made.identityKey)
  })

  it('holds several wallets, each opened by its id', async () => {
    const stores = await storesWith(both)

    expect(await outcome(stores.agent)).toBe('INVALID_INPUT')
    const opened = await openWallet(stores, { walletId: second.walletId })
    expect(await signersOfPairs(opened.wallets)).toEqual(Array(3).fill(second.address))
    await opened.close()
    const { walletIds } = opened.parties.agent
    const [first] = walletIds.filter((id) => id !== second.walletId)
    expect(walletIds).toHaveLength(2)
    await using reopened = await openWallet(stores, first === undefined ? {} : { walletId: first })
    expect(addressesOf(reopened.wallets)).toEqual([address, address, address])
  })
})

describe('records that were tampered with', () => {
  it('open if they were not', async () => {
    expect(await tampered(records.agent)).toBe('opened')
  })

  /** What opening the agent's store with other records comes to. */
  async function tampered(changes: Records, removed: readonly string[] = []): Promise<string> {
    const wrong = new Map([...records.agent, ...changes])
    for (const id of removed) wrong.delete(id)
    const store = await storeWith(wrong)
    const result = await outcome(store)
    // nothing is lost and nothing written, so with the right records back it opens
    expect(await fingerprintOf(store)).toBe(fingerprint(wrong))
    return result
  }

  const kindOf = (id: string): string => id.replace(/\/[0-9a-f]{64}|\/\d{20}/g, '')
  const idOf = (kind: string, of: Records = records.agent): string =>
    [...of.keys()].find((id) => kindOf(id) === kind) ?? ''
  const value = (id: string, of: Records = records.agent): Uint8Array => of.get(id) ?? Buffer.of()
  const flipped = (bytes: Uint8Array, position: number): Uint8Array =>
    bytes.map((byte, at) => (at === position ? byte ^ 1 : byte))

  it('are not opened with one bit changed, whichever record it is and wherever the bit', async () => {
    const outcomes: [kind: string, code: string][] = []
    for (const [id, bytes] of records.agent)
      for (const position of [0, 40, 70, bytes.length - 1])
        outcomes.push([kindOf(id), await tampered(new Map([[id, flipped(bytes, position)]]))])

    const ofEpoch = ['acknowledged', 'certificate', 'intent', 'prepared', 'share/ecdsa']
    const kinds = [...ofEpoch, 'policy/state', 'spending/state']
    expect(new Set(outcomes.map(([kind]) => kind))).toEqual(
      new Set(['identity', 'session', 'vault', ...kinds.map((kind) => `wallet/${kind}`)]),
    )
    expect(new Set(outcomes.map(([, code]) => code))).toEqual(new Set(['SHARE_UNREADABLE']))
  })

  it('are not opened cut short or made longer', async () => {
    for (const [id, bytes] of records.agent) {
      const longer = new Uint8Array([...bytes, 0])
      for (const wrong of [bytes.subarray(0, -1), longer, new Uint8Array(0)])
        expect(await tampered(new Map([[id, wrong]]))).toBe('SHARE_UNREADABLE')
    }
  })

  it('are not opened in the place of another record of the same store', async () => {
    const ids = [...records.agent.keys()]
    for (const [position, id] of ids.entries()) {
      const next = ids[(position + 1) % ids.length] ?? ''
      const swapped = new Map([
        [id, value(next)],
        [next, value(id)],
      ])
      expect(await tampered(swapped)).toBe('SHARE_UNREADABLE')
    }
  })

  it('are not opened in the place of the same record of another epoch', async () => {
    for (const kind of ['share/ecdsa', 'prepared', 'certificate', 'acknowledged', 'intent']) {
      const old = value(idOf(`wallet/${kind}`, before.agent), before.agent)
      const id = idOf(`wallet/${kind}`)

      expect(old.length).toBeGreaterThan(0)
      expect(await tampered(new Map([[id, old]]))).toBe('SHARE_UNREADABLE')
    }
  })

  it('are not opened in the place of the same record of another wallet', async () => {
    const ofSecond = [...both.agent].filter(([id]) => id.includes(second.walletId.slice(2)))

    expect(ofSecond).toHaveLength(7)
    for (const [id, bytes] of ofSecond)
      expect(await tampered(new Map([[idOf(kindOf(id)), bytes]]))).toBe('SHARE_UNREADABLE')
  })

  it('are not opened in the store of another party', async () => {
    for (const kind of ['identity', 'wallet/share/ecdsa', 'vault']) {
      const theirs = value(idOf(kind, records.user), records.user)
      expect(await tampered(new Map([[idOf(kind), theirs]]))).toBe('SHARE_UNREADABLE')
    }
  })

  it('are missed where the wallet cannot do without them', async () => {
    const without = async (...kinds: string[]): Promise<string> =>
      await tampered(
        new Map(),
        kinds.map((kind) => idOf(kind)),
      )

    expect([
      await without('vault'),
      await without('identity'),
      await without('wallet/share/ecdsa'),
      await without('wallet/prepared'),
      await without('wallet/prepared', 'wallet/certificate'),
    ]).toEqual([
      'STORE_CORRUPT',
      'STORE_CORRUPT',
      'SHARE_UNREADABLE',
      'SHARE_UNREADABLE',
      'SHARE_ABSENT',
    ])
  })
})

describe('the header of a vault', () => {
  const store = new MemoryStore()
  let header: Uint8Array
  beforeAll(async () => {
    await Party.open({ role: 'agent', store, unlock: { password } })
    header = (await store.load('vault')) ?? Buffer.of()
  })

  /** As whoever knows the format would write it, with the right checksum. */
  function withKdf([memoryKib, iterations, lanes]: readonly number[]) {
    const body = Buffer.from(header.subarray(0, -32))
    for (const [position, number] of [memoryKib, iterations, lanes].entries())
      body.writeUInt32BE(number ?? 0, 7 + 4 * position)
    return new Uint8Array([...body, ...taggedHash('vault-header', [body])])
  }

  it.each([
    ['weaker than it was made', [8_192, 1, 1], 'WRONG_PASSWORD'],
    ['too weak', [8_191, 1, 1], 'SHARE_UNREADABLE'],
    ['of more memory than the machine has', [0xffff_ffff, 3, 4], 'SHARE_UNREADABLE'],
    ['of more passes than a day has time for', [65_536, 0xffff_ffff, 4], 'SHARE_UNREADABLE'],
    ['of more lanes than it may have', [65_536, 3, 17], 'SHARE_UNREADABLE'],
  ])('with parameters %s opens nothing, at once', async (_, parameters, code) => {
    await store.store('vault', withKdf(parameters))
    const began = performance.now()

    expect(await outcome(store, { password })).toBe(code)
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('opens what it did when it is put back', async () => {
    await store.store('vault', header)

    expect(await outcome(store, { password })).toBe('SHARE_ABSENT')
  })
})
