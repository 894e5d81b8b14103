import { beforeAll, describe, expect, it } from '@jest/globals'
import { PolicyConfig } from '../../src/index.js'
import {
  CHAIN,
  cosignAll,
  ETHER,
  failureOf,
  type Kept,
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
