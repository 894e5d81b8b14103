import { generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { type Authorization, Session } from '#native'
import {
  accept,
  authorizationIn,
  authorize,
  committee,
  decide,
  invite,
  MINUTE,
  NOW,
  ONE_A_DAY,
  PAYMENT,
  PERMISSIVE,
  read,
  requestOf,
  run,
  withNonce,
} from '../helpers/native-committee.js'

const rulingOf = ({ decision }: { decision: string }) => JSON.parse(decision).ruling

describe('what was decided', () => {
  it('does not release a reservation whose share has left', async () => {
    const wallets = await committee(ONE_A_DAY)
    const decided = decide({ wallets })
    const session = Session.sign(wallets.agent, authorizationIn(decided), 'user', '', NOW, MINUTE)
    const requested = await invite({ wallets }, session)
    await run({ agent: session, user: accept(wallets, requested) }, { agent: requested.begun })

    wallets.agent.releaseRequest(decided.authorization as Authorization, NOW)

    expect(rulingOf(decide({ wallets }))).toMatchObject({ type: 'rejected' })
  })

  it('serves the pair that was decided about', async () => {
    const wallets = await committee()
    const authorization = authorize({ wallets, cosigner: 'user' })
    expect(() => Session.sign(wallets.agent, authorization, 'recovery', '', NOW, MINUTE)).toThrow()
  })

  it('is asked for by a party in its own name alone', async () => {
    const wallets = await committee()
    const reading = read({ wallets, initiator: 'user' })
    const asked = { ...requestOf(), requester: 'agent', cosigner: 'recovery' } as const
    expect(() => wallets.user.authorize(reading, asked, '[]', '[]', NOW, MINUTE)).toThrow()
  })

  it('takes one signature of a principal for one payment', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const key = new Uint8Array(
      Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    )
    const text = Buffer.from(key).toString('base64url')
    const listed = { expiresAt: String(NOW + 60_000n), key: text, name: 'p' }
    const config = { ...JSON.parse(PERMISSIVE), principals: [listed] }
    const wallets = await committee(JSON.stringify(config))
    const named = requestOf()
    const hash = wallets.agent.principalHash(read({ wallets }), 'agent', named.idempotencyKey, key)
    const principalSignature = new Uint8Array(signBytes(null, hash, privateKey))
    const asked = { ...named, principal: key, principalSignature }
    const decide = (payload: ReturnType<typeof withNonce>) => () =>
      wallets.agent.authorize(read({ wallets, payload }), asked, '[]', '[]', NOW, MINUTE)

    expect(rulingOf(decide(PAYMENT)())).toMatchObject({ type: 'approved' })
    expect(decide(withNonce(8))).toThrow(
      expect.objectContaining({ message: 'the principal did not sign this request' }),
    )
  })

  it('does not count a request against itself that is decided again', async () => {
    const wallets = await committee(ONE_A_DAY)
    const [reading, asked] = [read({ wallets }), requestOf()]
    const again = () =>
      rulingOf(wallets.agent.authorize(reading, asked, '[]', '[]', NOW, MINUTE)).type
    expect([again(), again()]).toEqual(['approved', 'approved'])
  })

  it('takes fees of an approval as decimal numbers in an object', async () => {
    const wallets = await committee()
    const reading = read({ wallets, initiator: 'user' })
    const sign = (fees: unknown) => () =>
      wallets.user.signApproval(reading, requestOf(), 'approve', fees as never, NOW, MINUTE)
    const accepted = [
      1,
      1n,
      true,
      [],
      ['1'],
      Symbol('x'),
      () => 1,
      ...['', '_', '1_0', '01'].map((fee) => JSON.stringify({ 'eip155:1/slip44:60': fee })),
    ].filter((fees) => {
      try {
        sign(fees)()
        return true
      } catch {
        return false
      }
    })
    expect(accepted).toEqual([])
  })

  it('refuses a name that nothing can be asked by everywhere', async () => {
    const wallets = await committee()
    const named = { ...requestOf(), idempotencyKey: 'rent\nand more' }
    expect(() => wallets.agent.evaluate(read({ wallets }), named, '[]', '[]', NOW)).toThrow()
    expect(() =>
      wallets.user.signApproval(
        read({ wallets, initiator: 'user' }),
        named,
        'approve',
        undefined,
        NOW,
      ),
    ).toThrow()
  })

  it('calls an invitation that has expired PROTOCOL_CONFIG', async () => {
    const wallets = await committee()
    const { invitation } = await invite(
      { wallets },
      Session.sign(wallets.agent, authorize({ wallets }), 'user', '', NOW, MINUTE),
    )
    expect(() => invitation.authorize(wallets.user, '[]', '[]', invitation.expiresAtMs)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_CONFIG' }),
    )
  })

  it('starts no session for a request that was released', async () => {
    const wallets = await committee(ONE_A_DAY)
    const first = decide({ wallets })
    wallets.agent.releaseRequest(first.authorization as Authorization, NOW)
    const second = decide({ wallets })
    const start = (decided: typeof first) =>
      Session.sign(wallets.agent, authorizationIn(decided), 'user', '', NOW, MINUTE)
    start(second)
    expect(() => start(first)).toThrow()
  })
})
