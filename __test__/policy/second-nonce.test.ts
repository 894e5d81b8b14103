/** What a refused second use of an approval leaves behind at the co-signer. */
import { beforeEach, describe, expect, it } from '@jest/globals'
import { toBytes } from 'viem'
import { PolicyConfig } from '../../src/index.js'
import { type Answer, HostileAgent } from '../helpers/hostile-agent.js'
import { payment } from '../helpers/payment.js'
import {
  CHAIN,
  type Committee,
  cosignAll,
  ETHER,
  heard,
  type Kept,
  keptBy,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'

const LARGE = 2n * ETHER

let kept: Kept

beforeEach(async () => {
  kept = await makeUnder(
    new PolicyConfig()
      .withAdditionalApprovalThreshold(CHAIN, ETHER)
      .withDailyLimit(CHAIN, 2n * LARGE),
  )
})

/** The agent's device is in other hands once both persons approved one payment. */
async function stolenAgent(committee: Committee) {
  const { agent, user, recovery, network } = committee
  const request = { ...paying(LARGE), idempotencyKey: 'approved' }
  const asked = [user, recovery].map(async (wallet) => ({
    wallet,
    request: await heard(wallet, 'approvalRequested'),
  }))
  const { policyHash } = await agent.requestApproval(request)
  for (const { wallet, request } of await Promise.all(asked)) await wallet.approve({ request })
  await agent.close()
  const hostile = await HostileAgent.of(kept, (identityKey) => network.connect(identityKey))
  return async (idempotencyKey: string, value: bigint, nonce: number): Promise<Answer> =>
    await hostile.ask({
      items: [{ transaction: toBytes(payment({ value, nonce }).transaction) }],
      idempotencyKey,
      policyHash: toBytes(policyHash),
    })
}

describe('a second nonce under an approval that was used', () => {
  it('is refused, and the store of the co-signer opens as before', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const ask = await stolenAgent(committee)
    expect(await ask('approved', LARGE, 0)).toBe('joined')

    expect(await ask('approved', LARGE, 1)).toBe('refused')

    expect(await ask('small', 1n, 2)).toBe('joined')
    await using again = await reopen(await keptBy(committee))
    expect(again.user.role).toBe('user')
  })

  it('is refused, and what was reserved under it stays reserved', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const ask = await stolenAgent(committee)
    expect(await ask('approved', LARGE, 0)).toBe('joined')
    expect(await ask('approved', LARGE, 1)).toBe('refused')

    expect(await ask('rest', ETHER, 2)).toBe('joined')
    expect(await ask('the very rest', ETHER, 4)).toBe('joined')
    expect(await ask('more', 1n, 3)).toBe('refused')
  })
})
