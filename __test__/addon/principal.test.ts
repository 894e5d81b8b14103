import { generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  type Authorization,
  type Decided,
  type PayloadInput,
  type RequestInput,
  Session,
  type Wallet,
} from '#native'
import {
  authorizationIn,
  committee,
  type Each,
  invite,
  MINUTE,
  NOW,
  PAYMENT,
  PERMISSIVE,
  read,
  requestOf,
} from '../helpers/native-committee.js'
import { flipped } from '../helpers/native-envelope.js'

let wallets: Each<Wallet>
let others: Each<Wallet>
let principal: Principal

beforeAll(async () => {
  principal = newPrincipal()
  wallets = await committee(listing(principal))
  others = await committee(listing(principal))
})

const unsigned = expect.objectContaining({
  code: 'INVALID_INPUT',
  message: 'the principal did not sign this request',
  culprits: [],
})

describe('a request on behalf of a principal', () => {
  it('is authorised with its signature over exactly this request', () => {
    expect(authorizeAs(signedBy(principal)).digests).toEqual(read({ wallets }).digests)
  })

  const forgeries: Record<string, (signed: Signed) => RequestInput> = {
    'with another signature': (signed) => ({
      ...signed,
      principalSignature: flipped(signed.principalSignature),
    }),
    'by another name': (signed) => ({ ...signed, idempotencyKey: 'another' }),
    'of another principal': (signed) => ({ ...signed, principal: newPrincipal().key }),
    'of a key that every signature fits': (signed) => ({
      ...signed,
      principal: Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0)),
      principalSignature: new Uint8Array(64),
    }),
  }

  it.each(Object.entries(forgeries))('is refused %s', (_, forge) => {
    expect(() => authorizeAs(forge(signedBy(principal)))).toThrow(unsigned)
  })

  it('is refused for another amount than was signed', () => {
    const reading = read({ wallets, payload: withAnotherAmount() })

    expect(() =>
      wallets.agent.authorize(reading, signedBy(principal), '[]', '[]', NOW, MINUTE),
    ).toThrow(unsigned)
  })

  it('is refused in another wallet than was signed', () => {
    expect(() =>
      others.agent.authorize(
        read({ wallets: others }),
        ...([signedBy(principal), '[]', '[]', NOW, MINUTE] as const),
      ),
    ).toThrow(unsigned)
  })

  it('shows its principal and its name to the co-signer, which checks the signature itself', async () => {
    const asked = signedBy(principal)
    const session = Session.sign(wallets.agent, authorizeAs(asked), 'user', '', NOW, MINUTE)

    const { invitation } = await invite({ wallets }, session)

    expect(invitation.principal).toEqual(principal.key)
    expect(invitation.idempotencyKey).toBe(asked.idempotencyKey)
    const decided = invitation.authorize(wallets.user, '[]', '[]', NOW)
    expect(authorizationIn(decided).digests).toEqual(read({ wallets }).digests)
  })

  it('is rejected once its key has expired, and not just before', () => {
    const [reading, asked] = [read({ wallets }), signedBy(principal)]
    const end = NOW + BigInt(MINUTE)
    const rulingAt = (now: bigint) =>
      JSON.parse(wallets.agent.evaluate(reading, asked, '[]', '[]', now)).ruling

    expect(rulingAt(end - 1n)).toEqual({ type: 'approved' })
    expect(rulingAt(end)).toMatchObject({ type: 'rejected', ruleId: 'builtin/principal' })
  })

  it('is rejected where the policy does not list its principal', () => {
    const decided = decideAs(signedBy(newPrincipal()))

    expect(decided.authorization).toBeUndefined()
    expect(JSON.parse(decided.decision).ruling).toMatchObject({
      type: 'rejected',
      ruleId: 'builtin/principal',
    })
  })

  it('is another request than the same without one', () => {
    const asked = signedBy(principal)
    const { requester, cosigner, idempotencyKey } = asked
    const idOf = (named: RequestInput) =>
      wallets.agent.authorize(read({ wallets }), named, '[]', '[]', NOW, MINUTE).requestId

    expect(idOf({ requester, cosigner, idempotencyKey })).not.toEqual(idOf(asked))
  })
})

interface Principal {
  readonly key: Uint8Array
  readonly secret: KeyObject
}

type Signed = RequestInput & Required<Pick<RequestInput, 'principal' | 'principalSignature'>>

function newPrincipal(): Principal {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { key: new Uint8Array(Buffer.from(x, 'base64url')), secret: privateKey }
}

/** A permissive config that lists a principal for a minute. */
function listing({ key }: Principal): string {
  const expiresAt = String(NOW + BigInt(MINUTE))
  const listed = { expiresAt, key: Buffer.from(key).toString('base64url'), name: 'treasurer' }
  return JSON.stringify({ ...JSON.parse(PERMISSIVE), principals: [listed] })
}

/** {@link PAYMENT} of one wei more. */
function withAnotherAmount(): PayloadInput {
  const bytes = PAYMENT.bytes.slice()
  const last = bytes.length - 5 // before no data and the three fields of EIP-155
  bytes[last] = 1
  return { ...PAYMENT, bytes }
}

/** A request of the agent to the user for the payment, signed by a principal. */
function signedBy({ key, secret }: Principal): Signed {
  const request = requestOf()
  const hash = wallets.agent.principalHash(
    read({ wallets }),
    ...([request.requester, request.idempotencyKey, key] as const),
  )
  return {
    ...request,
    principal: key,
    principalSignature: new Uint8Array(signBytes(null, hash, secret)),
  }
}

function decideAs(asked: RequestInput): Decided {
  return wallets.agent.authorize(read({ wallets }), asked, '[]', '[]', NOW, MINUTE)
}

function authorizeAs(asked: RequestInput): Authorization {
  return authorizationIn(decideAs(asked))
}
