import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Wallet } from '#native'
import {
  committee,
  decide,
  type Each,
  MINUTE,
  NO_RULES,
  NOW,
  PAYMENT,
  read,
  requestOf,
  withNonce,
} from '../helpers/native-committee.js'
import { changedAt, REWRITE, VIEWS } from '../helpers/native-views.js'

const views = Object.entries(VIEWS)
const EXPIRES = NOW + BigInt(MINUTE)

describe('the bytes that a wallet reads', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })

  it.each(views)('are taken out of %s', (_, lay) => {
    const reading = read({ wallets, payload: { ...PAYMENT, bytes: lay(PAYMENT.bytes) } })

    expect(reading.digests).toEqual(read({ wallets }).digests)
  })

  it.each(views)('are a copy: writing to %s changes nothing', (_, lay) => {
    const given = lay(PAYMENT.bytes)
    const reading = read({ wallets, payload: { ...PAYMENT, bytes: given } })

    given.fill(0)

    const decided = wallets.agent.authorize(reading, requestOf(), '[]', '[]', NOW, MINUTE)
    expect(decided.authorization?.digests).toEqual(read({ wallets }).digests)
    expect(reading.describe(0)).toBe(read({ wallets }).describe(0))
  })

  it('are taken once: what is shown is what the digest is of, while another thread rewrites them', async () => {
    const [low, high] = [PAYMENT.bytes, withNonce(8).bytes]
    const shared = new Uint8Array(new SharedArrayBuffer(low.length))
    shared.set(low)
    const writer = new Worker(REWRITE, { eval: true, workerData: { shared, low, high } })
    await once(writer, 'message')
    const shownOf = new Map(
      [PAYMENT, withNonce(8)].map((payload) => {
        const reading = read({ wallets, payload })
        return [String(reading.digests), reading.describe(0)]
      }),
    )

    try {
      for (let time = 0; time < 300; time += 1) {
        const reading = read({ wallets, payload: { ...PAYMENT, bytes: shared } })
        expect(reading.describe(0)).toBe(shownOf.get(String(reading.digests)))
      }
    } finally {
      await writer.terminate()
    }
  })
})

describe('the bytes that name a request', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })

  it.each(views)('are taken out of %s', (_, lay) => {
    const { requestId } = decide({ wallets })
    const [digest] = read({ wallets }).digests as [Uint8Array]

    wallets.agent.requestSigned(lay(requestId), NOW)
    wallets.agent.requestOutcome(lay(requestId), lay(digest), NOW, NOW)

    expect(() => wallets.agent.requestSigned(lay(requestId).fill(0), NOW)).toThrow(
      expect.objectContaining({ code: 'CEREMONY_REFUSED' }),
    )
  })

  it.each(views)('are those of the principal out of %s', (_, lay) => {
    const principal = new Uint8Array(32).fill(7)
    const hash = (key: Uint8Array) =>
      wallets.agent.principalHash(read({ wallets }), 'agent', 'request', key)

    expect(hash(lay(principal))).toEqual(hash(principal))
    expect(hash(changedAt(principal, 31))).not.toEqual(hash(principal))
  })
})

describe('the bytes that a person signed', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })
  afterAll(() => {
    for (const role of ['agent', 'user', 'recovery'] as const) wallets[role].close()
  })

  const asked = { initiator: 'user', cosigner: 'agent' } as const
  const statements: Record<string, () => Uint8Array> = {
    'an approval': () =>
      wallets.user.signApproval(
        read({ wallets, ...asked }),
        ...([requestOf(asked), 'approve', undefined, NOW] as const),
      ),
    'a freeze': () => wallets.user.signFreeze(true, NOW),
    'a policy': () =>
      wallets.user.signPolicy(wallets.user.draftPolicy(NO_RULES, NOW).policy, EXPIRES, NOW),
  }

  it.each(Object.entries(statements))('are nothing with any byte changed: %s', (_, sign) => {
    const [signed, policy] = [sign(), wallets.agent.policyHash]

    for (const position of signed.keys())
      expect(() => wallets.agent.takeStatement(changedAt(signed, position), NOW)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(
            /^(INVALID_INPUT|CEREMONY_REFUSED|POLICY_INVALID|POLICY_STALE)$/,
          ),
        }),
      )

    expect(wallets.agent.isFrozen(NOW)).toBe(false)
    expect(wallets.agent.policyHash).toEqual(policy)
  })

  it.each(Object.entries(statements))('are nothing with the last byte cut off: %s', (_, sign) => {
    const signed = sign()

    for (const cut of [signed.slice(0, -1), Uint8Array.from([...signed, 0])])
      expect(() => wallets.agent.takeStatement(cut, NOW)).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT' }),
      )
  })

  it.each(views)('are taken out of %s', async (_, lay) => {
    const { agent, user } = await committee()
    const draft = user.draftPolicy(NO_RULES, NOW).policy
    const proposal = user.signPolicy(lay(draft), EXPIRES, NOW)
    const freeze = user.signFreeze(true, NOW)

    expect(agent.takeStatement(lay(proposal), NOW)).toMatchObject({ kind: 'policy-in-force' })
    expect(agent.takeStatement(lay(freeze), NOW)).toMatchObject({ kind: 'frozen' })
  })

  it('are copies: writing to them changes nothing that was taken', async () => {
    const { agent, user } = await committee()
    const signed = user.signPolicy(user.draftPolicy(NO_RULES, NOW).policy, EXPIRES, NOW)
    agent.takeStatement(signed, NOW)
    const handed = agent.policyProposal(NOW)

    signed.fill(0)
    handed?.fill(0)

    expect(user.takeStatement(agent.policyProposal(NOW) as Uint8Array, NOW)).toMatchObject({
      kind: 'policy-in-force',
    })
  })
})
