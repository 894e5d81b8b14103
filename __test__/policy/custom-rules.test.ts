import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  PartyRole,
  PolicyConfig,
  type PolicyContext,
  type TransactionRequest,
} from '../../src/index.js'
import { payee } from '../helpers/payment.js'
import {
  CHAIN,
  type Committee,
  cosignAll,
  ETHER,
  failureOf,
  type Kept,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'
import { ruleThat } from '../helpers/policy-requests.js'

const says = (evaluate: Parameters<typeof ruleThat>[0]) => ruleThat(evaluate, { id: 'known-host' })
const yes = says(() => ({ approved: true }))

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(new PolicyConfig().withPerTxLimit(CHAIN, ETHER).withCustomRule(yes))
})

/** The agent's rule says yes; the co-signer's is another. */
async function withCosignersRule(rules: readonly ReturnType<typeof says>[]): Promise<Committee> {
  return await reopen(kept, { rules: { agent: [yes], user: rules } })
}

describe('a rule in code', () => {
  it('is asked at both signers, about what each of them read', async () => {
    const seen: [TransactionRequest, PolicyContext][] = []
    const rule = says((tx, context) => {
      seen.push([tx, context])
      return { approved: true }
    })
    await using committee = await reopen(kept, { rules: { agent: [rule], user: [rule] } })
    await using _ = cosignAll(committee)

    const { signatures } = await committee.agent.signTransactions(paying(ETHER))

    expect(signatures).toHaveLength(1)
    expect(seen).toHaveLength(2)
    for (const [tx, { effects }] of seen) {
      expect(tx).toEqual({ chain: CHAIN, to: payee, value: String(ETHER) })
      expect(effects).toContainEqual(expect.objectContaining({ kind: 'transfer' }))
    }
  })

  it('allows nothing that another rule forbids', async () => {
    await using committee = await reopen(kept, { rules: { agent: [yes], user: [yes] } })
    await using _ = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(paying(ETHER + 1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })

  it('stops a request at the agent with its reason', async () => {
    const no = says(() => ({ approved: false, reason: 'not in the directory' }))
    await using committee = await reopen(kept, { rules: { agent: [no], user: [yes] } })
    await using _ = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(paying(1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
      message: 'known-host: not in the directory',
      culprits: ['agent'],
    })
  })

  it.each<[string, readonly ReturnType<typeof says>[]]>([
    ['says no', [says(() => ({ approved: false, reason: 'no' }))]],
    [
      'throws',
      [
        says(() => {
          throw new Error('the directory is down')
        }),
      ],
    ],
    ['rejects', [says(async () => Promise.reject(new Error('the directory is down')))]],
    ['says something else', [says(() => 'yes')]],
    ['says nothing', [says(() => undefined)]],
    [
      'says two things',
      [says(() => ({ approved: true, requiresAdditionalApproval: true, reason: '' }))],
    ],
    ['is not loaded', []],
    ['is loaded under another name', [ruleThat(() => ({ approved: true }), { id: 'other' })]],
  ])('stops a request at the co-signer where it %s', async (_, rules) => {
    await using committee = await withCosignersRule(rules)
    await using _cosigning = cosignAll(committee)
    const { agent, user } = committee
    const decisions: unknown[] = []
    user.on('decided', ({ decision }) => decisions.push(decision.ruling))

    expect(await failureOf(agent.signTransactions(paying(1n)))).toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
      signatureMayExist: false,
    })
    expect(decisions).toEqual([expect.objectContaining({ type: 'rejected', ruleId: 'known-host' })])
  })

  it('stops a request at the co-signer where it gives no verdict in time', async () => {
    const late = says(async (_, { signal }) => {
      await delay(60_000, undefined, { signal, ref: false })
      return { approved: true }
    })
    await using committee = await withCosignersRule([late])
    await using _ = cosignAll(committee)

    expect(
      await failureOf(committee.agent.signTransactions({ ...paying(1n), timeoutMs: 20_000 })),
    ).toMatchObject({ code: 'CEREMONY_REFUSED', culprits: ['user'], signatureMayExist: false })
  })

  it('can have persons asked', async () => {
    const asks = says(() => ({ requiresAdditionalApproval: true, reason: 'a new host' }))
    await using committee = await reopen(kept, { rules: { agent: [asks], user: [asks] } })
    await using _ = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(paying(1n)))).toMatchObject({
      code: 'APPROVAL_REQUIRED',
      message: expect.stringContaining('a new host'),
    })
  })

  it('is not asked at a party where the policy does not name it', async () => {
    const atUserAlone = await makeUnder(
      new PolicyConfig()
        .withPerTxLimit(CHAIN, ETHER)
        .withCustomRule(yes, { roles: [PartyRole.User] }),
    )
    await using committee = await reopen(atUserAlone, { rules: { user: [yes] } })
    await using _ = cosignAll(committee)

    expect((await committee.agent.signTransactions(paying(1n))).signatures).toHaveLength(1)
  })
})
