import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { parseGwei } from 'viem'
import {
  type ApprovalRequested,
  type MpcAgentWallet,
  PolicyConfig,
  type RequestParameters,
} from '../../src/index.js'
import { payee } from '../helpers/payment.js'
import {
  CHAIN,
  type Committee,
  cosignAll,
  ETHER,
  failureOf,
  heard,
  type Kept,
  keptBy,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'

const LARGE = 2n * ETHER

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(
    new PolicyConfig().withAdditionalApprovalThreshold(CHAIN, ETHER, { id: 'large' }),
  )
})

/** A payment that persons are asked about, by a name. */
const large = (fields: Partial<RequestParameters> = {}): RequestParameters => ({
  ...paying(LARGE),
  idempotencyKey: 'invoice 17',
  ...fields,
})

/** Asks both persons, and gives what each was asked. */
async function ask({ agent, user, recovery }: Committee, request: RequestParameters) {
  const asked = [user, recovery].map((wallet) => heard(wallet, 'approvalRequested'))
  await agent.requestApproval(request)
  return (await Promise.all(asked)) as [ApprovalRequested, ApprovalRequested]
}

/** Both persons say yes, and their word has arrived at the agent. */
async function approved(committee: Committee, request: RequestParameters): Promise<void> {
  const [user, recovery] = await ask(committee, request)
  await committee.user.approve({ request: user })
  await committee.recovery.approve({ request: recovery })
  await committee.agent.waitForApproval({ ...request, timeoutMs: 5_000 })
}

describe('a request that needs approval', () => {
  it('is not signed before, and says which rule asks whom', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)

    const failure = await failureOf(committee.agent.signTransactions(large()))

    expect(failure).toMatchObject({ code: 'APPROVAL_REQUIRED', signatureMayExist: false })
    expect(failure.message).toMatch(/large.*user.*recovery/)
    expect((await committee.agent.signTransactions(paying(ETHER))).signatures).toHaveLength(1)
  })

  it('reaches both persons with what their own parties read, and is signed when both said yes', async () => {
    await using committee = await reopen(kept)
    const { agent, user, recovery } = committee
    await using _ = cosignAll(committee)

    const [atUser, atRecovery] = await ask(committee, large({ memo: 'November' }))
    const waiting = agent.waitForApproval(large({ timeoutMs: 10_000 }))
    for (const asked of [atUser, atRecovery])
      expect(asked).toMatchObject({
        from: 'agent',
        cosigner: 'user',
        idempotencyKey: 'invoice 17',
        memo: 'November',
        items: [
          {
            chain: CHAIN,
            effects: expect.arrayContaining([
              expect.objectContaining({ kind: 'transfer', to: `${CHAIN}:${payee}` }),
            ]),
          },
        ],
      })
    await user.approve({ request: atUser })
    expect(await agent.evaluatePolicy(large())).toMatchObject({
      ruling: { type: 'requiresAdditionalApproval' },
    })
    await recovery.approve({ request: atRecovery })

    expect(await waiting).toMatchObject({ ruling: { type: 'approved' } })
    expect((await agent.signTransactions(large())).signatures).toHaveLength(1)
  })

  it('takes two persons: one who says yes twice is one', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const [atUser] = await ask(committee, large())

    await committee.user.approve({ request: atUser })
    await committee.user.approve({ request: atUser })

    expect(await failureOf(committee.agent.signTransactions(large()))).toMatchObject({
      code: 'APPROVAL_REQUIRED',
    })
  })

  it('is approved by persons only: the agent has no word to give', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const atAgent = heard(committee.agent, 'approvalRequested')
    await ask(committee, large())

    expect(await failureOf(committee.agent.approve({ request: await atAgent }))).toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('is refused when a person said no, also if that person then says yes', async () => {
    await using committee = await reopen(kept)
    const { agent, user, recovery } = committee
    await using _ = cosignAll(committee)
    const [atUser, atRecovery] = await ask(committee, large())
    await recovery.approve({ request: atRecovery })
    await user.approve({ request: atUser, verdict: 'reject' })

    await user.approve({ request: atUser }).catch(() => {})

    expect(await agent.evaluatePolicy(large())).not.toMatchObject({ ruling: { type: 'approved' } })
    expect(await failureOf(agent.signTransactions(large()))).toMatchObject({
      code: expect.stringMatching(/^(POLICY_REJECTED|APPROVAL_REQUIRED)$/),
      signatureMayExist: false,
    })
  })

  it('ends for whoever waits when a person said no', async () => {
    await using committee = await reopen(kept)
    const { agent, user } = committee
    await using _ = cosignAll(committee)
    const [atUser] = await ask(committee, large())
    const waiting = failureOf(agent.waitForApproval(large({ timeoutMs: 5_000 })))

    await user.approve({ request: atUser, verdict: 'reject' })

    expect(await waiting).toMatchObject({ code: 'POLICY_REJECTED' })
  })

  it('is not signed after a person took the yes back', async () => {
    await using committee = await reopen(kept)
    const { agent, user, recovery } = committee
    await using _ = cosignAll(committee)
    const [atUser, atRecovery] = await ask(committee, large())
    await user.approve({ request: atUser })
    await recovery.approve({ request: atRecovery })
    await agent.waitForApproval(large({ timeoutMs: 5_000 }))

    const said = heard(agent, 'statement')
    await recovery.approve({ request: atRecovery, verdict: 'withdraw' })
    await said

    expect(await agent.evaluatePolicy(large())).not.toMatchObject({ ruling: { type: 'approved' } })
    expect(await failureOf(agent.signTransactions(large()))).toMatchObject({
      signatureMayExist: false,
    })
  })

  it('is not signed when the yes has expired', async () => {
    await using committee = await reopen(kept)
    const { agent, user, recovery } = committee
    await using _ = cosignAll(committee)
    const [atUser, atRecovery] = await ask(committee, large())
    await user.approve({ request: atUser, expiresInMs: 700 })
    await recovery.approve({ request: atRecovery })
    await agent.waitForApproval(large({ timeoutMs: 5_000 }))

    await delay(800)

    expect(await failureOf(agent.signTransactions(large()))).toMatchObject({
      code: 'APPROVAL_REQUIRED',
    })
  })

  it('stays approved over a restart of all parties', async () => {
    const later = await (async () => {
      await using committee = await reopen(kept)
      await using _ = cosignAll(committee)
      await approved(committee, large())
      await committee.close()
      return await keptBy(committee)
    })()
    await using committee = await reopen(later)
    await using _ = cosignAll(committee)

    expect((await committee.agent.signTransactions(large())).signatures).toHaveLength(1)
  })
})

describe('an approval', () => {
  it.each<[string, RequestParameters]>([
    ['another name', large({ idempotencyKey: 'invoice 18' })],
    ['another amount under the same name', large(paying(LARGE + 1n))],
    [
      'another recipient under the same name',
      large(paying(LARGE, 0, { to: `0x${'11'.repeat(20)}` })),
    ],
    ['another account under the same name', large({ transactions: [{ ...one(), path: 'm/1' }] })],
    ['the same payment twice', large({ transactions: [one(), one(1)] })],
    ['another co-signer', large({ cosigner: 'recovery' })],
  ])('does not serve a request with %s', async (_, other) => {
    await using committee = await reopen(kept)
    await using _cosigning = cosignAll(committee)
    await approved(committee, large())

    const decision = await decisionAbout(committee.agent, other)

    expect(decision).not.toBe('approved')
    expect(await failureOf(committee.agent.signTransactions(other))).toMatchObject({
      signatureMayExist: false,
    })
  })

  it('serves a bump of the fee on the same nonce, as far as the persons allowed', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    await approved(committee, large())
    const at = (gwei: string) => large(paying(LARGE, 0, { maxFeePerGas: parseGwei(gwei) }))
    await committee.agent.signTransactions(large())

    expect(await decisionAbout(committee.agent, at('40'))).toBe('approved') // twice what it was
    expect(await decisionAbout(committee.agent, at('41'))).not.toBe('approved')
  })

  it('does not serve a second nonce once it served one', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    await approved(committee, large())
    await committee.agent.signTransactions(large())

    const again = committee.agent.signTransactions(large(paying(LARGE, 1)))

    expect(await failureOf(again)).toMatchObject({ signatureMayExist: false })
  })
})

function one(nonce = 0) {
  const [transaction] = paying(LARGE, nonce).transactions
  if (transaction === undefined) throw new Error('a payment is one transaction')
  return transaction
}

async function decisionAbout(agent: MpcAgentWallet, request: RequestParameters): Promise<string> {
  try {
    return (await agent.evaluatePolicy(request)).ruling.type
  } catch {
    return 'refused'
  }
}
