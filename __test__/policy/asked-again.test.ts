import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { PolicyConfig, type Transport } from '../../src/index.js'
import { ABORT_ROUND, roundOf } from '../helpers/native-envelope.js'
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
import { sending } from '../helpers/transports.js'

const COUNT = 8
const LATE_MS = 200

const rejected = { ruling: { type: 'rejected' } }

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(new PolicyConfig().withDailyLimit(CHAIN, ETHER))
})

describe('a request that is asked again', () => {
  it('is signed when the co-signer is back, which finds both askings', async () => {
    await using committee = await reopen(kept)
    const { agent } = committee
    const requests = Array.from({ length: COUNT }, (_, nonce) => ({
      ...paying(ETHER / BigInt(COUNT), nonce),
      idempotencyKey: `invoice ${nonce}`,
    }))
    const first = requests.map((request) =>
      failureOf(agent.signTransactions({ ...request, timeoutMs: 300 })),
    )
    for (const failure of await Promise.all(first)) expect(failure.code).toBe('COSIGNER_OFFLINE')

    await using _ = cosignAll(committee)
    const signed = await Promise.all(requests.map((request) => agent.signTransactions(request)))

    expect(signed).toHaveLength(COUNT)
  })

  it('is signed, and counted, although the first asking is taken back late', async () => {
    const wrapTransport = (transport: Transport): Transport =>
      sending(transport, async (envelope, pass) => {
        if (roundOf(envelope) === ABORT_ROUND)
          void delay(LATE_MS)
            .then(() => pass(envelope))
            .catch(() => {})
        else await pass(envelope)
      })
    await using committee = await reopen(kept, { wrapTransport })
    const { agent, user } = committee
    await using _ = user.cosign({
      approve: async (_, { signal }) => {
        await delay(3 * LATE_MS, undefined, { signal })
        return true
      },
    })
    const request = { ...paying(ETHER), idempotencyKey: 'invoice 17' }
    await failureOf(agent.signTransactions({ ...request, timeoutMs: LATE_MS }))

    const { signatures } = await agent.signTransactions({ ...request, timeoutMs: 5_000 })

    expect(signatures).toHaveLength(1)
    expect(await agent.evaluatePolicy(paying(1n, 1))).toMatchObject(rejected)
    expect(await user.evaluatePolicy(paying(1n, 2))).toMatchObject(rejected)
  })

  it('is signed when a person said no to a first asking under another name', async () => {
    await using committee = await reopen(kept)
    await using no = cosignAll(committee, { approve: () => false })
    await failureOf(committee.agent.signTransactions(paying(ETHER)))
    await no[Symbol.asyncDispose]()
    await using _ = cosignAll(committee)

    expect((await committee.agent.signTransactions(paying(ETHER))).signatures).toHaveLength(1)
  })

  it('counts once: the same bytes under one name, as often as they are asked for', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { agent } = committee
    const request = { ...paying(ETHER / 2n), idempotencyKey: 'half' }

    const [first, second] = [
      await agent.signTransactions(request),
      await agent.signTransactions(request),
    ]

    expect(second.signatures).toEqual(first.signatures)
    expect((await agent.signTransactions(paying(ETHER / 2n, 1))).signatures).toHaveLength(1)
    expect(await failureOf(agent.signTransactions(paying(1n, 2)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })
})
