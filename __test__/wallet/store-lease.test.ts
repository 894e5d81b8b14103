import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  type KeyShareStore,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  MpcWalletError,
  Party,
  type Unlock,
} from '../../src/index.js'
import { FailingStore } from '../helpers/failing-store.js'
import { payment } from '../helpers/payment.js'
import {
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

const unlock: Unlock = { keyWrapper }

let records: Each<Records>
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  await using made = await makeWallet(stores)
  await made.close()
  records = await recordsOf(stores)
})

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'done',
    (error: unknown) => MpcWalletError.wrap(error).code,
  )

async function openAgent(store: KeyShareStore) {
  const party = await Party.open({ store, unlock })
  const transport = new MemoryNetwork().connect(party.identityKey)
  const open = () => MpcAgentWallet.open({ party, transport })
  return { party, transport, open }
}

describe('a store that a party has open', () => {
  it('opens no other party while a wallet of it is open', async () => {
    const store = await storeWith(records.agent)
    const { open } = await openAgent(store)
    const wallet = await open()

    expect(await codeOf(Party.open({ store, unlock }))).toBe('SESSION_BUSY')
    await wallet.close()
    expect(await codeOf(Party.open({ store, unlock }))).toBe('done')
  })

  it('opens no other party while one makes a wallet, and does when that has ended', async () => {
    const store = new MemoryStore()
    const party = await Party.open({ role: 'user', store, unlock })
    const others = ['agent', 'recovery'] as const
    const cards = [party, ...others.map((role) => Party.create({ role }))].map(({ card }) => card)
    const transport = new MemoryNetwork().connect(party.identityKey)
    const stop = new AbortController()
    const { signal } = stop
    const making = codeOf(
      MpcAgentWallet.join({ party, cards, transport, confirm: () => true, signal }),
    )

    expect(await codeOf(Party.open({ store, unlock }))).toBe('SESSION_BUSY')
    stop.abort()
    expect(await making).toBe('ABORTED')
    expect(await codeOf(Party.open({ store, unlock }))).toBe('done')
  })

  it('opens one of two that are opened at once', async () => {
    const store = await storeWith(records.agent)
    const opening = [Party.open({ store, unlock }), Party.open({ store, unlock })]

    expect(await Promise.all(opening.map(codeOf))).toEqual(['done', 'SESSION_BUSY'])
  })

  it('is lost by a party with nothing open to the one that is opened after it', async () => {
    const store = await storeWith(records.agent)
    const first = await openAgent(store)
    const second = await openAgent(store)

    expect(await codeOf(first.open())).toBe('SESSION_CLOSED')
    expect(await codeOf(first.party.rewrap({ unlock }))).toBe('SESSION_CLOSED')
    await (await second.open()).close()
  })

  it('is kept by its party when opening another one fails', async () => {
    const store = await storeWith(records.agent)
    const { open } = await openAgent(store)

    expect(await codeOf(Party.open({ store, unlock: { password: 'wrong' } }))).toBe(
      'WRONG_PASSWORD',
    )
    await (await open()).close()
  })

  it('is free again after a wallet that could not be opened', async () => {
    const inner = await storeWith(records.agent)
    const store = new FailingStore(inner)
    const { open } = await openAgent(store)
    store.cutIn(1, 'before')

    expect(await codeOf(open())).not.toBe('done')
    store.repair()
    expect(await codeOf(Party.open({ store, unlock }))).toBe('done')
  })
})

describe('a party that is locked', () => {
  it('ends what is under way with a code, closes its wallets and begins nothing more', async () => {
    const stores = await storesWith(records)
    await using opened = await openWallet(stores)
    const { agent, user } = opened.wallets
    const answering = user.cosign({ approve: () => true })
    const refreshing = codeOf(user.refresh())
    const asking = codeOf(user.signTransaction({ ...payment(), cosigner: 'agent' }))

    await opened.parties.user.lock()

    const closed = 'SESSION_CLOSED'
    expect(await Promise.all([refreshing, asking])).toEqual([closed, closed])
    await answering.finished
    expect(await codeOf(user.status())).toBe(closed)
    const transport = opened.network.connect(opened.parties.user.identityKey)
    expect(await codeOf(MpcAgentWallet.open({ party: opened.parties.user, transport }))).toBe(
      closed,
    )
    expect(await codeOf(opened.parties.user.rewrap({ unlock }))).toBe(closed)
    expect(await codeOf(agent.status())).toBe('done')
  })

  it('ends a key generation that waits for the others', async () => {
    const party = await Party.open({ role: 'user', store: new MemoryStore(), unlock })
    const others = ['agent', 'recovery'] as const
    const cards = [party, ...others.map((role) => Party.create({ role }))].map(({ card }) => card)
    const transport = new MemoryNetwork().connect(party.identityKey)
    const join = () => MpcAgentWallet.join({ party, cards, transport, confirm: () => true })
    const making = codeOf(join())

    await party.lock()

    expect(await making).toBe('SESSION_CLOSED')
    expect(await codeOf(join())).toBe('SESSION_CLOSED')
  })

  it('is locked once however often it is asked, also in memory, and is opened anew from its store', async () => {
    const store = await storeWith(records.agent)
    const { party, open } = await openAgent(store)
    const wallet = await open()

    await Promise.all([party.lock(), party.lock(), wallet.close()])
    await party.lock()
    await Party.create({ role: 'agent' }).lock()

    await (await (await openAgent(store)).open()).close()
  })
})
