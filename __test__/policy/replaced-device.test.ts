import { beforeAll, describe, expect, it } from '@jest/globals'
import { MemoryStore, MpcAgentWallet, Party, PolicyConfig } from '../../src/index.js'
import {
  CHAIN,
  type Committee,
  cosignAll,
  ETHER,
  failureOf,
  type Kept,
  keyWrapper,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'
import { contents } from '../helpers/stores.js'

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(
    new PolicyConfig().withDailyLimit(CHAIN, ETHER).withAllotments({ user: 50, recovery: 50 }),
  )
})

/** Both persons replace the agent's device by a new one. */
async function replaceAgent({ network, agent, user, recovery }: Committee) {
  await agent.close() // it was lost
  const store = new MemoryStore()
  const party = await Party.open({ role: 'agent', store, unlock: { keyWrapper } })
  const transport = network.connect(party.identityKey)
  const replacement = party.card
  const documents = [
    await user.signRecovery({ replacement }),
    await recovery.signRecovery({ replacement }),
  ]
  const cards = [replacement, kept.cards.user, kept.cards.recovery]
  const [wallet] = await Promise.all([
    MpcAgentWallet.joinRecovery({ party, walletId: user.walletId, cards, transport }),
    user.recover({ replacement, documents }),
    recovery.recover({ replacement, documents }),
  ])
  return { wallet, store }
}

describe('a device that took the place of another', () => {
  it('does not know what was signed, and counts limits as used up until somebody looked', async () => {
    await using committee = await reopen(kept)
    const { wallet } = await replaceAgent(committee)
    await using _ = wallet
    await using cosigning = committee.user.cosign()

    expect(wallet.limitsFull).toBe(true)
    expect(await failureOf(wallet.signTransactions(paying(1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
      culprits: ['agent'],
    })

    await wallet.confirmLimits()

    expect(wallet.limitsFull).toBe(false)
    expect((await wallet.signTransactions(paying(1n, 1))).signatures).toHaveLength(1)
    await cosigning.close()
  })

  it('still does not know after a restart, and knows after somebody looked', async () => {
    await using committee = await reopen(kept)
    const { wallet, store } = await replaceAgent(committee)
    await wallet.close()
    const before = await contents(store)
    const again = await reopen({ records: { ...kept.records, agent: before } })
    expect(again.agent.limitsFull).toBe(true)
    await again.agent.confirmLimits()
    const after = await contents(again.stores.agent)
    await again.close()

    await using later = await reopen({ records: { ...kept.records, agent: after } })

    expect(later.agent.limitsFull).toBe(false)
  })

  it('does not bring back what the others have counted', async () => {
    await using committee = await reopen(kept)
    await using spending = cosignAll(committee)
    await committee.agent.signTransactions(paying(ETHER / 2n))
    await spending[Symbol.asyncDispose]()
    const { wallet } = await replaceAgent(committee)
    await using _ = wallet
    await wallet.confirmLimits()
    await using cosigning = committee.user.cosign()

    expect(committee.user.limitsFull).toBe(false)
    expect(await failureOf(wallet.signTransactions(paying(1n, 1)))).toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
    })
    await cosigning.close()
  })
})

describe('a co-signer that came back from a backup', () => {
  it('counts limits as used up until somebody looked', async () => {
    await using committee = await reopen(kept)
    const { network, agent, user, recovery } = committee
    const unlock = { password: 'correct horse battery staple' }
    const { file } = await user.backup({ unlock })
    await user.close() // its machine is gone
    const party = await Party.restore({
      file,
      unlock,
      store: new MemoryStore(),
      storeUnlock: { keyWrapper },
    })
    const transport = network.connect(party.identityKey)
    await using restored = await MpcAgentWallet.open({ party, transport })
    await Promise.all([agent.refresh(), restored.refresh(), recovery.refresh()])
    await using cosigning = restored.cosign()

    expect(restored.limitsFull).toBe(true)
    expect(await failureOf(agent.signTransactions(paying(1n)))).toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
    })

    await restored.confirmLimits()

    expect((await agent.signTransactions(paying(1n, 1))).signatures).toHaveLength(1)
    await cosigning.close()
  })
})
