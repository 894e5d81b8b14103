import { beforeAll, describe, expect, it } from '@jest/globals'
import { PolicyConfig } from '../../src/index.js'
import { payee } from '../helpers/payment.js'
import {
  CHAIN,
  cosignAll,
  ETHER,
  failureOf,
  type Kept,
  keptBy,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'

describe('a limit per transaction', () => {
  let kept: Kept

  beforeAll(async () => {
    kept = await makeUnder(new PolicyConfig().withPerTxLimit(CHAIN, ETHER, { id: 'most-at-once' }))
  })

  it.each([
    ['just under', ETHER - 1n],
    ['at', ETHER],
  ])('lets through what is %s it', async (_, value) => {
    await using committee = await reopen(kept)
    await using _cosigning = cosignAll(committee)

    const { signatures } = await committee.agent.signTransactions(paying(value))

    expect(signatures).toHaveLength(1)
  })

  it('stops what is just over it at the agent, which says which rule and why', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)

    const failure = await failureOf(committee.agent.signTransactions(paying(ETHER + 1n)))

    expect(failure).toMatchObject({
      code: 'POLICY_REJECTED',
      culprits: ['agent'],
      signatureMayExist: false,
      message: expect.stringContaining('most-at-once'),
    })
    expect(failure.explain?.join('\n')).toContain('most-at-once')
  })

  it('counts all transactions of a batch together', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const half = ETHER / 2n
    const batch = (last: bigint) => ({
      transactions: [paying(half).transactions, paying(last, 1).transactions].flat(),
    })

    expect(await failureOf(committee.agent.signTransactions(batch(half + 1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
    expect((await committee.agent.signTransactions(batch(half))).signatures).toHaveLength(2)
  })
})

describe('a daily limit', () => {
  let kept: Kept

  beforeAll(async () => {
    kept = await makeUnder(new PolicyConfig().withDailyLimit(CHAIN, 3n * ETHER))
  })

  it('is of everything that was signed, up to the last wei', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const sign = (value: bigint, nonce: number) =>
      committee.agent.signTransactions(paying(value, nonce))

    await sign(ETHER, 0)
    await sign(2n * ETHER - 1n, 1)

    expect(await failureOf(sign(2n, 2))).toMatchObject({ code: 'POLICY_REJECTED' })
    await sign(1n, 3)
    expect(await failureOf(sign(1n, 4))).toMatchObject({ code: 'POLICY_REJECTED' })
  })

  it('is not spent again after a restart', async () => {
    const spent = await (async () => {
      await using committee = await reopen(kept)
      await using _ = cosignAll(committee)
      await committee.agent.signTransactions(paying(3n * ETHER))
      await committee.close()
      return await keptBy(committee)
    })()
    await using committee = await reopen(spent)
    await using _ = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(paying(1n, 1)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })

  it('is not spent again by an agent that brings back an older copy of its store', async () => {
    const spent = await (async () => {
      await using committee = await reopen(kept)
      await using _ = cosignAll(committee)
      await committee.agent.signTransactions(paying(3n * ETHER))
      await committee.close()
      return await keptBy(committee)
    })()
    const records = { ...spent.records, agent: kept.records.agent }
    await using committee = await reopen({ records })
    await using _ = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(paying(1n, 1)))).toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
    })
  })

  it('is not spent again with the other co-signer, which asks persons', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    await committee.agent.signTransactions(paying(3n * ETHER))

    const again = committee.agent.signTransactions({
      ...paying(1n, 1),
      cosigner: 'recovery',
    })

    expect(await failureOf(again)).toMatchObject({ code: 'APPROVAL_REQUIRED' })
  })

  it('is shared as the policy says', async () => {
    const shared = await makeUnder(
      new PolicyConfig()
        .withDailyLimit(CHAIN, 10n * ETHER)
        .withAllotments({ user: 70, recovery: 30 }),
    )
    await using committee = await reopen(shared)
    await using _ = cosignAll(committee)
    const sign = (value: bigint, nonce: number, cosigner: 'user' | 'recovery') =>
      committee.agent.signTransactions({ ...paying(value, nonce), cosigner })

    await sign(7n * ETHER, 0, 'user')
    await sign(3n * ETHER, 1, 'recovery')

    expect(await failureOf(sign(1n, 2, 'user'))).toMatchObject({ code: 'POLICY_REJECTED' })
    expect(await failureOf(sign(1n, 3, 'recovery'))).toMatchObject({ code: 'POLICY_REJECTED' })
  })

  it('is not used up by what was refused', async () => {
    await using committee = await reopen(kept)
    await using no = cosignAll(committee, { approve: () => false })
    expect(await failureOf(committee.agent.signTransactions(paying(3n * ETHER)))).toMatchObject({
      code: 'CEREMONY_REFUSED',
    })
    await no[Symbol.asyncDispose]()
    await using _ = cosignAll(committee)

    expect((await committee.agent.signTransactions(paying(3n * ETHER))).signatures).toHaveLength(1)
  })
})

describe('a list of recipients', () => {
  const stranger = `0x${'22'.repeat(20)}` as const

  it('lets nobody else be paid', async () => {
    const kept = await makeUnder(new PolicyConfig().withWhitelist(CHAIN, [payee]))
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const pay = (to: `0x${string}`, nonce: number) =>
      committee.agent.signTransactions(paying(1n, nonce, { to }))

    await pay(payee, 0)

    expect(await failureOf(pay(stranger, 1))).toMatchObject({ code: 'POLICY_REJECTED' })
  })

  it('keeps somebody from being paid, also where another list has them', async () => {
    const kept = await makeUnder(
      new PolicyConfig()
        .withWhitelist(CHAIN, [payee, stranger])
        .withBlacklist(CHAIN, [stranger], { id: 'never' }),
    )
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const pay = (to: `0x${string}`, nonce: number) =>
      committee.agent.signTransactions(paying(1n, nonce, { to }))

    await pay(payee, 0)

    expect(await failureOf(pay(stranger, 1))).toMatchObject({
      code: 'POLICY_REJECTED',
      message: expect.stringContaining('never'),
    })
  })
})
