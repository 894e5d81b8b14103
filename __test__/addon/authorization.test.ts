import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { type Authorization, Intent, Invitation, Session, Store, type Wallet } from '#native'
import {
  authorizationIn,
  authorize,
  authorizeInvited,
  committee,
  decide,
  type Each,
  MINUTE,
  NOW,
  PAYMENT,
  type Request,
  read,
  request,
  requestOf,
  strangers,
  withNonce,
} from '../helpers/native-committee.js'
import { flipped } from '../helpers/native-envelope.js'

const require = createRequire(import.meta.url)

type Class = new (...values: unknown[]) => object

/** Everything that only the addon makes. */
const HANDLES = [
  'Authorization',
  'Identity',
  'Intent',
  'Invitation',
  'Pairing',
  'Reading',
  'Session',
  'Wallet',
]

let wallets: Each<Wallet>
let others: Each<Wallet>
let real: Record<string, object>

beforeAll(async () => {
  wallets = await committee()
  others = await committee()
  const { identities, pairings } = strangers()
  const { session, invitation } = await request({ wallets })
  real = {
    Authorization: authorize({ wallets }),
    Identity: identities.agent,
    Intent: Intent.parse(PAYMENT),
    Invitation: invitation,
    Pairing: pairings.agent,
    Reading: read({ wallets }),
    Session: session,
    Wallet: wallets.agent,
  }
})

const refused = (message: string): unknown =>
  expect.objectContaining({ code: 'INVALID_INPUT', message, culprits: [] })
const SPENT =
  'an authorization serves one session, and none after a person or a new policy stopped it'
const notAnInstance = expect.objectContaining({ code: 'InvalidArg' })

describe('what only the addon makes', () => {
  it.each(HANDLES)('has no constructor: %s', (name) => {
    const Handle = classOf(name)
    class Derived extends Handle {}

    expect(() => new Handle()).toThrow('Class contains no `constructor`')
    expect(() => new Derived()).toThrow('Class contains no `constructor`')
    expect(() => Reflect.construct(Handle, [], Store)).toThrow('Class contains no `constructor`')
  })

  it.each(HANDLES)('cannot be got by giving another object its prototype: %s', (name) => {
    const Handle = classOf(name)
    const lookalikes = [
      {},
      Object.create(Handle.prototype),
      Object.setPrototypeOf(new Store(), Handle.prototype),
      Reflect.construct(Store, [], Handle),
      new Proxy(real[name] ?? {}, {}),
    ]

    const members = Object.getOwnPropertyDescriptors(Handle.prototype)
    for (const lookalike of lookalikes)
      for (const [member, { get, value }] of Object.entries(members))
        if (member !== 'constructor')
          expect(() => (get ?? value).call(lookalike)).toThrow(
            /^(Illegal invocation|Value is not an instance|Failed to unwrap)/,
          )
  })

  it('does not survive being cloned or written as JSON', () => {
    const authorization = authorize({ wallets })

    const clone = structuredClone(authorization)

    expect(() => signWith(clone)).toThrow(notAnInstance)
    expect(JSON.stringify([authorization, wallets.agent])).toBe('[{},{}]')
  })
})

describe('signing', () => {
  it('starts from an authorization alone, never from a digest', () => {
    const { digest } = Intent.parse(PAYMENT)
    const decided = decide({ wallets })
    const inPlaceOfAuthorization = [
      ...[digest, { digest }, Buffer.from(digest), Intent.parse(PAYMENT), read({ wallets })],
      ...[decided, decided.decision, decided.requestId],
    ]

    for (const value of inPlaceOfAuthorization)
      expect(() => signWith(value as unknown as Authorization)).toThrow(notAnInstance)
  })

  it('is of every payload that was decided about, in their order', () => {
    const payloads = [PAYMENT, withNonce(8), PAYMENT]
    const reading = wallets.agent.read(payloads, [[0], [], [0]], NOW)

    const authorization = authorizationIn(
      wallets.agent.authorize(reading, requestOf(), '[]', '[]', NOW, MINUTE),
    )

    expect(reading.digests).toEqual(payloads.map((payload) => Intent.parse(payload).digest))
    expect(authorization.digests).toEqual(reading.digests)
    expect(signWith(authorization).sessionId).toHaveLength(32)
  })

  it('is of no digest but those that were decided about', async () => {
    const payload = withNonce(8)
    const [decided] = authorize({ wallets }).digests
    const { invitation } = await request({ wallets, payload })
    const [invited] = authorizeInvited(wallets, { cosigner: 'user', invitation }).digests

    expect(decided).toEqual(Intent.parse(PAYMENT).digest)
    expect(invited).toEqual(Intent.parse(payload).digest)
    expect(invited).not.toEqual(decided)
  })

  it('is of 1 to 64 payloads, and of one path for each', () => {
    const reading = (payloads: number, paths = payloads) =>
      wallets.agent.read(new Array(payloads).fill(PAYMENT), new Array(paths).fill([]), NOW)

    expect(reading(64).digests).toHaveLength(64)
    for (const count of [0, 65, 100_000])
      expect(() => reading(count)).toThrow(refused('a request has 1 to 64 items'))
    expect(() => reading(2, 1)).toThrow(refused('one path for each payload'))
    expect(() => reading(2, 3)).toThrow(refused('one path for each payload'))
  })

  it('is what an authorization serves once', () => {
    const authorization = authorize({ wallets })

    signWith(authorization)

    expect(() => signWith(authorization)).toThrow(refused(SPENT))
  })

  it('spends the authorization even if the session is refused', () => {
    const authorization = authorize({ wallets })

    expect(() => Session.sign(wallets.agent, authorization, 'user', '\u0007', NOW, MINUTE)).toThrow(
      refused('the memo has control or invisible characters'),
    )

    expect(() => signWith(authorization)).toThrow(refused(SPENT))
  })

  it('is refused with the authorization of another wallet, which is not spent by it', () => {
    const authorization = authorize({ wallets: others })

    expect(() => signWith(authorization)).toThrow(refused('the authorization is of another wallet'))

    expect(signWith(authorization, others.agent).sessionId).toHaveLength(32)
  })

  it('is refused with the authorization of another party of the same wallet', () => {
    const authorization = authorize({ wallets, initiator: 'user', cosigner: 'agent' })

    expect(() => signWith(authorization)).toThrow(refused('the authorization is of another wallet'))
  })

  it.each([
    ['just before', -1n, true],
    ['when', 0n, false],
    ['just after', 1n, false],
  ])('is judged by the expiry of the authorization: %s it expires', (_, after, starts) => {
    const authorization = authorize({ wallets })
    const start = (): Session =>
      Session.sign(
        wallets.agent,
        authorization,
        'user',
        '',
        authorization.expiresAtMs + after,
        MINUTE,
      )

    if (starts) expect(start().sessionId).toHaveLength(32)
    else expect(start).toThrow(refused('the authorization has expired'))
  })

  it.each([
    ['513 bytes', 'x'.repeat(513)],
    ['513 bytes of longer characters', '€'.repeat(171)],
    ['a line break', 'rent\nand more'],
    ['an escape', 'rent\u001b[2J'],
    ['a null', 'rent\0'],
    ['a change of direction', 'rent\u202e'],
  ])('is refused with a memo that could deceive: %s', (_, memo) => {
    const start = (): Session =>
      Session.sign(wallets.agent, authorize({ wallets }), 'user', memo, NOW, MINUTE)

    expect(start).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  it.each([
    ['just under', 3_600_000 - 1, true],
    ['at', 3_600_000, true],
    ['just over', 3_600_000 + 1, false],
    ['far over', Number.MAX_SAFE_INTEGER, false],
  ])('lives for an hour at most: %s', (_, lifetime, starts) => {
    const start = (): Session =>
      Session.sign(wallets.agent, authorize({ wallets }), 'user', '', NOW, lifetime)

    if (starts) expect(start().sessionId).toHaveLength(32)
    else expect(start).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })
})

describe('joining', () => {
  it('is what the yes to an invitation serves once', async () => {
    const requested = await request({ wallets })
    const yes = authorizeInvited(wallets, requested)
    const join = (): Session => Session.join(wallets.user, requested.invitation, yes, NOW)

    join()

    expect(join).toThrow(refused(SPENT))
  })

  it('is refused with the yes to another invitation', async () => {
    const [one, another] = [await request({ wallets }), await request({ wallets })]
    const yes = authorizeInvited(wallets, another)

    expect(() => Session.join(wallets.user, one.invitation, yes, NOW)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_CONFIG', culprits: [] }),
    )
  })

  it("is refused with this party's own consent in place of the yes", async () => {
    const { invitation } = await request({ wallets })
    const own = authorize({ wallets, initiator: 'user', cosigner: 'agent' })

    expect(() => Session.join(wallets.user, invitation, own, NOW)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_CONFIG', culprits: [] }),
    )
  })

  it('and deciding are refused with another wallet than the one that opened the invitation', async () => {
    const requested = await request({ wallets })
    const { invitation } = requested
    const opened = refused('the invitation was opened by another wallet')

    for (const wallet of [wallets.agent, wallets.recovery, others.user]) {
      const yes = authorizeInvited(wallets, requested)
      expect(() => Session.join(wallet, invitation, yes, NOW)).toThrow(opened)
      expect(() => invitation.authorize(wallet, '[]', '[]', NOW)).toThrow(opened)
    }
  })

  it('and saying yes are refused when the request has expired, and not just before', async () => {
    const requested = await request({ wallets })
    const { invitation } = requested
    const end = invitation.expiresAtMs
    const decideAt = (now: bigint) => invitation.authorize(wallets.user, '[]', '[]', now)
    const yes = authorizationIn(decideAt(end - 1n))

    expect(() => decideAt(end)).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_CONFIG',
        message: 'the descriptor has expired',
        culprits: [],
      }),
    )
    expect(() => Session.join(wallets.user, invitation, yes, end)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_CONFIG', culprits: [] }),
    )
  })

  it('starts no session of its own: the yes to an invitation is no right to ask', async () => {
    const yes = authorizeInvited(wallets, await request({ wallets }))

    expect(() => signWith(yes, wallets.user)).toThrow(
      refused('the authorization is for signing with another party'),
    )
  })
})

describe('an invitation', () => {
  const openings: Record<string, (asked: Opening) => Opening> = {
    'by a party that was not asked': (asked) => ({ ...asked, wallet: wallets.recovery }),
    'by the one who asks': (asked) => ({ ...asked, wallet: wallets.agent }),
    'by another wallet': (asked) => ({ ...asked, wallet: others.user }),
    'when it has expired': (asked) => ({ ...asked, now: NOW + BigInt(MINUTE) }),
    'from the future': (asked) => ({ ...asked, now: NOW - 120_001n }),
    'with another descriptor': (asked) => ({ ...asked, descriptor: flipped(asked.descriptor) }),
    'with another signature': (asked) => ({ ...asked, signature: flipped(asked.signature) }),
    'without a signature': (asked) => ({ ...asked, signature: new Uint8Array(64) }),
    'with another body': (asked) => ({ ...asked, round0: flipped(asked.round0) }),
  }

  it.each(Object.entries(openings))('is not opened %s', async (_, change) => {
    const { wallet, descriptor, signature, round0, now } = change(await opening({ wallets }))

    await expect(Invitation.open(wallet, descriptor, signature, round0, now)).rejects.toMatchObject(
      { code: 'PROTOCOL_CONFIG', culprits: [] },
    )
  })

  it('is not opened with the request of another session', async () => {
    const [one, another] = [await opening({ wallets }), await opening({ wallets })]

    await expect(
      Invitation.open(wallets.user, one.descriptor, one.signature, another.round0, NOW),
    ).rejects.toMatchObject({ code: 'PROTOCOL_CONFIG', culprits: [] })
  })

  it('says who asks, what for, and until when', async () => {
    const asked = { wallets, initiator: 'recovery', cosigner: 'agent', path: [44, 60] } as const
    const reading = read({ ...asked, path: [44, 60] })
    const { invitation, session } = await request({ ...asked, path: [44, 60], memo: 'inheritance' })

    expect({
      from: invitation.from,
      memo: invitation.memo,
      paths: invitation.paths,
      expiresAtMs: invitation.expiresAtMs,
      sessionId: invitation.sessionId,
      principal: invitation.principal,
      payload: JSON.parse(invitation.describe(0)),
    }).toEqual({
      from: 'recovery',
      memo: 'inheritance',
      paths: [[44, 60]],
      expiresAtMs: NOW + BigInt(MINUTE),
      sessionId: session.sessionId,
      principal: null,
      payload: JSON.parse(reading.describe(0)),
    })
  })
})

interface Opening {
  readonly wallet: Wallet
  readonly descriptor: Uint8Array
  readonly signature: Uint8Array
  readonly round0: Uint8Array
  readonly now: bigint
}

/** What the user needs to open an invitation. */
async function opening(asked: Request): Promise<Opening> {
  const { session, round0 } = await request(asked)
  const { descriptor, descriptorSignature: signature } = session
  return { wallet: wallets.user, descriptor, signature, round0, now: NOW }
}

function signWith(authorization: Authorization, wallet = wallets.agent): Session {
  const cosigner = wallet.role === 'user' ? 'agent' : 'user'
  return Session.sign(wallet, authorization, cosigner, '', NOW, MINUTE)
}

function classOf(name: string): Class {
  return require('#native')[name]
}
