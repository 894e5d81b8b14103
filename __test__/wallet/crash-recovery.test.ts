import { once } from 'node:events'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  type KeyShareStore,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  type PartyRole,
} from '../../src/index.js'
import { PATIENCE_MS } from '../helpers/native-process.js'
import {
  connect,
  fillStore,
  openStore,
  type Step,
  startParty,
  steps,
} from '../helpers/party-process.js'
import {
  addressesOf,
  type Each,
  each,
  keyWrapper,
  makeWallet,
  openWallet,
  type Records,
  recordsOf,
  refreshAll,
  signerOf,
  signersOfPairs,
  storeWith,
} from '../helpers/stored-committee.js'
import { contents, inDirectory } from '../helpers/stores.js'

jest.setTimeout(PATIENCE_MS)

const unlock = { keyWrapper }
/** Whose device was lost. The other two survive, and a device of this role is new. */
const LOST = 'agent'
const SURVIVORS = ['user', 'recovery'] as const

/** A wallet of epoch 1, the new device's store, and what the survivors' persons signed for it. */
let records: Each<Records>
let address: string
let documents: string[]
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  const made = await makeWallet(stores)
  address = addressesOf(made.wallets)[0] ?? ''
  const device = new MemoryStore()
  const { card: replacement } = await Party.open({ role: LOST, store: device, unlock })
  documents = await Promise.all(
    SURVIVORS.map((role) => made.wallets[role].signRecovery({ replacement })),
  )
  for (const role of SURVIVORS) await made.wallets[role].recoveryStatus({ replacement, documents })
  await made.close()
  records = { ...(await recordsOf(stores)), [LOST]: await contents(device) }
})

/** One party of a recovery in this process. */
async function takePart(
  role: PartyRole,
  party: Party,
  network: MemoryNetwork,
  { cards, replacement, signal }: { cards: string[]; replacement: string; signal?: AbortSignal },
): Promise<MpcAgentWallet> {
  const transport = network.connect(party.identityKey)
  const stop = signal === undefined ? {} : { signal }
  if (role === LOST) {
    const walletId = await walletIdOf()
    return await MpcAgentWallet.joinRecovery({ party, cards, walletId, transport, ...stop })
  }
  const wallet = await MpcAgentWallet.open({ party, transport })
  try {
    await wallet.recover({ replacement, documents, ...stop })
    return wallet
  } catch (error) {
    await wallet.close()
    throw error
  }
}

async function walletIdOf() {
  const { walletIds } = await Party.open({ store: await storeWith(records.user), unlock })
  const [walletId] = walletIds
  if (walletId === undefined) throw new Error('a survivor without a wallet')
  return walletId
}

/** Runs a recovery in which one of the three dies in a process of its own; gives the stores as they are then. */
async function crash(
  killed: PartyRole,
  step: Step,
  then: (stores: Each<KeyShareStore>) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    await fillStore(directory, records[killed])
    const network = new MemoryNetwork()
    const started = await startParty(directory, killed, killed === LOST ? 'join' : 'recover', step)
    const { child } = started
    connect(started, network)
    const stores = await each(async (role) =>
      role === killed ? undefined : await storeWith(records[role]),
    )
    const parties = await each(async (role) => {
      const store = stores[role]
      return store && (await Party.open({ store, unlock }))
    })
    const cards = (['agent', 'user', 'recovery'] as const).map(
      (role) => parties[role]?.card ?? started.card,
    )
    const [replacement = ''] = cards
    const died = new AbortController()
    const ended = once(child, 'exit')
    const working = Promise.allSettled(
      (['agent', 'user', 'recovery'] as const).flatMap((role) => {
        const party = parties[role]
        if (party === undefined) return []
        return takePart(role, party, network, { cards, replacement, signal: died.signal })
      }),
    )
    child.send({ cards, documents, replacement, walletId: await walletIdOf() })

    expect(await ended).toEqual([null, 'SIGKILL'])
    died.abort()
    for (const part of await working) if (part.status === 'fulfilled') await part.value.close()
    await network.close()
    const store = await openStore(directory)
    await then(await each(async (role) => stores[role] ?? store))
    await store.close()
  })
}

/** Whether the recovery is certified at somebody: then it is complete at all three once they meet. */
async function isComplete(stores: Each<KeyShareStore>): Promise<boolean> {
  for (const role of ['agent', 'user', 'recovery'] as const) {
    const party = await Party.open({ store: stores[role], unlock })
    const transport = new MemoryNetwork().connect(party.identityKey)
    const wallet = await MpcAgentWallet.open({ party, transport }).catch(({ code }) => {
      expect([role, code]).toEqual([LOST, 'SHARE_ABSENT']) // a device that has no share yet
    })
    if (wallet === undefined) continue
    const { epochAge } = await wallet.status()
    await wallet.close()
    if (epochAge !== undefined && epochAge.epoch > 1n) return true
  }
  return false
}

/** The two survivors sign with each other, whatever became of the recovery. */
async function survivorsSign(stores: Each<KeyShareStore>): Promise<string[]> {
  const network = new MemoryNetwork()
  const open = async (role: PartyRole) => {
    const party = await Party.open({ store: stores[role], unlock })
    return await MpcAgentWallet.open({ party, transport: network.connect(party.identityKey) })
  }
  await using user = await open('user')
  await using recovery = await open('recovery')
  const wallets = { user, recovery, agent: user }
  return [
    await signerOf(wallets, ['user', 'recovery']),
    await signerOf(wallets, ['recovery', 'user']),
  ]
}

/** The same device and documents again, as after a restart of all three. */
async function recoverAgain(stores: Each<KeyShareStore>): Promise<void> {
  const network = new MemoryNetwork()
  const parties = await each((role) => Party.open({ store: stores[role], unlock }))
  const cards = [parties.agent, parties.user, parties.recovery].map(({ card }) => card)
  const replacement = parties[LOST].card
  const wallets = await each((role) =>
    takePart(role, parties[role], network, { cards, replacement }),
  )
  for (const wallet of Object.values(wallets)) await wallet.close()
  await network.close()
}

async function rollsForwardOrBack(stores: Each<KeyShareStore>): Promise<'forward' | 'back'> {
  expect(await survivorsSign(stores)).toEqual([address, address])
  const complete = await isComplete(stores)
  if (!complete) await recoverAgain(stores)
  await using opened = await openWallet(stores)
  expect(await signersOfPairs(opened.wallets)).toEqual([address, address, address])
  await refreshAll(opened.wallets)
  expect(addressesOf(opened.wallets)).toEqual([address, address, address])
  expect(await signerOf(opened.wallets, ['agent', 'user'])).toBe(address)
  return complete ? 'forward' : 'back'
}

/** Before the acknowledgement a recovery is made anew; once somebody has the certificate it is complete. */
function expectedAt(rolled: 'forward' | 'back', { number }: Step, acknowledgement: number): void {
  if (number < acknowledgement) expect(rolled).toBe('back')
  if (number > acknowledgement) expect(rolled).toBe('forward')
}

describe('a survivor that is killed in a recovery', () => {
  // what was approved (three); the session, the shares, the acknowledgement, the certificate
  const cases = SURVIVORS.flatMap((role) =>
    steps('commit', [1, 4, 5, 6, 7], 'before', 'after').map(
      ([name, step]) => [role, name, step] as const,
    ),
  )

  it.each(cases)(
    'as the %s %s loses nothing: every pair signs from the address',
    async (role, _, step) => {
      await crash(role, step, async (stores) => {
        expectedAt(await rollsForwardOrBack(stores), step, 6)
      })
    },
  )
})

describe('a new device that is killed in a recovery', () => {
  // the session, the shares, the acknowledgement, the certificate
  it.each(steps('commit', [1, 2, 3, 4], 'before', 'after'))(
    '%s loses nothing: every pair signs from the address',
    async (_, step) => {
      await crash(LOST, step, async (stores) => {
        expectedAt(await rollsForwardOrBack(stores), step, 3)
      })
    },
  )
})
