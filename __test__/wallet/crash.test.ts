import { once } from 'node:events'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  type KeyShareStore,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  PolicyConfig,
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
import { payment } from '../helpers/payment.js'
import {
  addressesOf,
  type Each,
  each,
  keyWrapper,
  makeWallet,
  openWallet,
  PAIRS,
  type Records,
  recordsOf,
  refreshAll,
  signerOf,
  signersOfPairs,
  storesWith,
} from '../helpers/stored-committee.js'
import { inDirectory } from '../helpers/stores.js'

jest.setTimeout(PATIENCE_MS)

const ROLE = 'user'

/** A wallet of epoch 1, as its three stores hold it. */
let records: Each<Records>
let address: string
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  await using made = await makeWallet(stores)
  records = await recordsOf(stores)
  address = addressesOf(made.wallets)[0] ?? ''
})

/** Runs a ceremony in which the user's process dies, and gives the three stores as they are then. */
async function crash(
  ceremony: 'refresh' | 'sign' | 'cosign',
  step: Step,
  work: (wallets: Omit<Each<MpcAgentWallet>, 'user'>, signal: AbortSignal) => Promise<unknown>,
  then: (stores: Each<KeyShareStore>) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    await fillStore(directory, records.user)
    const others = await storesWith(records)
    const network = new MemoryNetwork()
    const open = async (role: 'agent' | 'recovery') => {
      const party = await Party.open({ store: others[role], unlock: { keyWrapper } })
      const transport = network.connect(party.identityKey)
      return await MpcAgentWallet.open({ party, transport })
    }
    const started = await startParty(directory, ROLE, ceremony, step)
    const { child } = started
    connect(started, network)
    const wallets = { agent: await open('agent'), recovery: await open('recovery') }
    const died = new AbortController()
    const ended = once(child, 'exit')

    child.send({ cards: [] })
    const working = work(wallets, died.signal).catch(() => {})
    expect(await ended).toEqual([null, 'SIGKILL'])
    died.abort()
    await working

    await Promise.all([wallets.agent.close(), wallets.recovery.close(), network.close()])
    const user = await openStore(directory)
    await then({ ...others, user })
    await user.close()
  })
}

describe('a user that is killed in a refresh', () => {
  // intent, shares, acknowledgement, certificate; envelopes to two peers in each round
  it.each([
    ...steps('commit', [1, 2, 3, 4], 'before', 'after'),
    ...steps('send', [2, 14], 'after'),
  ])('%s opens its store again, signs with both others and refreshes', async (_, step) => {
    const refreshing = async (
      { agent, recovery }: Omit<Each<MpcAgentWallet>, 'user'>,
      signal: AbortSignal,
    ) => await Promise.allSettled([agent.refresh({ signal }), recovery.refresh({ signal })])

    await crash('refresh', step, refreshing, async (stores) => {
      await using opened = await openWallet(stores)
      expect(addressesOf(opened.wallets)).toEqual([address, address, address])
      expect(await signersOfPairs(opened.wallets)).toEqual([address, address, address])
      await refreshAll(opened.wallets)
      expect(await signerOf(opened.wallets, PAIRS[0])).toBe(address)
    })
  })
})

describe('a user that is killed while it signs', () => {
  // the session is written down before its first message leaves; the shares leave in round 2
  it.each([...steps('commit', [1], 'before', 'after'), ...steps('send', [1, 2], 'after')])(
    '%s opens its store again and signs',
    async (_, step) => {
      const answering = async (
        { agent }: Omit<Each<MpcAgentWallet>, 'user'>,
        signal: AbortSignal,
      ) => {
        await using _ = agent.cosign({ approve: () => true })
        await once(signal, 'abort')
      }
      await crash('sign', step, answering, async (stores) => {
        await using opened = await openWallet(stores)
        expect(await signersOfPairs(opened.wallets)).toEqual([address, address, address])
      })
    },
  )

  it.each(steps('commit', [1], 'before', 'after'))(
    'for another one %s opens its store again and signs',
    async (_, step) => {
      const asking = async ({ agent }: Omit<Each<MpcAgentWallet>, 'user'>, signal: AbortSignal) =>
        await agent.signTransaction({ ...payment(), cosigner: 'user', signal })
      await crash('cosign', step, asking, async (stores) => {
        await using opened = await openWallet(stores)
        expect(await signersOfPairs(opened.wallets)).toEqual([address, address, address])
      })
    },
  )
})

describe('a user that is killed in a key generation', () => {
  it.each(steps('commit', [1, 2, 3, 4], 'before', 'after'))(
    '%s has a wallet that signs or none, and can make another',
    async (_, step) => {
      await inDirectory(async (directory) => {
        const network = new MemoryNetwork()
        const stores = { agent: new MemoryStore(), recovery: new MemoryStore() }
        const open = (role: 'agent' | 'recovery') =>
          Party.open({ role, store: stores[role], unlock: { keyWrapper } })
        const started = await startParty(directory, ROLE, 'keygen', step)
        const { child, card } = started
        connect(started, network)
        const parties = { agent: await open('agent'), recovery: await open('recovery') }
        const cards = [card, parties.agent.card, parties.recovery.card]
        const died = new AbortController()
        const join = (party: Party, how: 'create' | 'join') =>
          MpcAgentWallet[how]({
            ...{ party, cards, confirm: () => true, signal: died.signal },
            ...(how === 'create' ? { policy: PolicyConfig.permissive() } : {}),
            transport: network.connect(party.identityKey),
          })
        const ended = once(child, 'exit')

        child.send({ cards })
        const making = Promise.allSettled([
          join(parties.agent, 'create'),
          join(parties.recovery, 'join'),
        ])
        expect(await ended).toEqual([null, 'SIGKILL'])
        died.abort()
        for (const made of await making) if (made.status === 'fulfilled') await made.value.close()
        await network.close()

        const user = await openStore(directory)
        const all: Each<KeyShareStore> = { ...stores, user }
        const { walletIds } = await Party.open({ store: user, unlock: { keyWrapper } })
        const [walletId] = walletIds
        const reached = step.number * 2 + (step.when === 'after' ? 1 : 0)
        if (reached >= 7 && walletId !== undefined) {
          // everybody acknowledged, so everybody holds a share
          await using opened = await openWallet(all, { walletId })
          const signers = await signersOfPairs(opened.wallets)
          expect(new Set(signers).size).toBe(1)
        }
        await using again = await makeWallet(all)
        const [made] = addressesOf(again.wallets)
        expect(await signersOfPairs(again.wallets)).toEqual([made, made, made])
        await again.close()
        await user.close()
      })
    },
  )
})
