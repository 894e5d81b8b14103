import { beforeAll, describe, expect, it } from '@jest/globals'
import { type RoundOutcome, Session, type Wallet } from '#native'
import {
  accept,
  authorize,
  committee,
  deliver,
  type Each,
  envelopesOf,
  keygenOf,
  MINUTE,
  NOW,
  PAYMENT,
  ROLES,
  read,
  request,
  requestOf,
  run,
  sign,
  signatureIn,
  strangers,
  untilLongestRound,
  untilWords,
} from '../helpers/native-committee.js'
import { ABORT_ROUND, FIELDS, flipped, HEADER_BYTES, roundOf } from '../helpers/native-envelope.js'

let wallets: Each<Wallet>

beforeAll(async () => {
  wallets = await committee()
})

const none = new Uint8Array()
const closed = expect.objectContaining({ code: 'SESSION_CLOSED', culprits: [] })
const busy = expect.objectContaining({ code: 'SESSION_BUSY', culprits: [] })

describe('a session during a round', () => {
  const calls: Record<string, (session: Session) => unknown> = {
    begin: (session) => session.begin(NOW, []),
    receive: (session) => session.receive(NOW, [new Uint8Array(8)]),
    confirm: (session) => session.confirm(NOW, ['word']),
  }

  it.each(Object.entries(calls))(
    'refuses %s as busy every time, and signs all the same',
    async (_, call) => {
      const requested = await request({ wallets })
      const user = accept(wallets, requested)

      const first = user.begin(NOW, envelopesOf(requested.begun))
      for (let time = 0; time < 10; time += 1) expect(() => call(user)).toThrow(busy)

      const outcomes = await run(
        { agent: requested.session, user },
        { agent: withoutEnvelopes(requested.begun), user: await first },
      )
      expect(signatureIn(outcomes.agent)).toEqual(signatureIn(outcomes.user))
    },
  )

  it('takes what a refused call brought when it is brought again', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)
    const round1 = envelopesOf(requested.begun)

    const first = user.begin(NOW, [])
    expect(() => user.receive(NOW, round1)).toThrow(busy)
    await first

    expect(await user.receive(NOW, round1)).toMatchObject({ kind: 'continue', dropped: [] })
  })

  it('rejects the round when it is disposed, and is closed', async () => {
    const { sessions, round } = await inLongestRound()

    sessions.agent.dispose()

    await expect(round).rejects.toEqual(closed)
    expect(() => sessions.agent.receive(NOW, [])).toThrow(closed)
  })

  it('stops at once when it is cancelled: its round ends before one that started with it', async () => {
    const { sessions, round, userRound } = await inLongestRound()

    sessions.agent.cancel()
    const first = await Promise.race([round, userRound])

    expect(first).toMatchObject({ kind: 'aborted', code: 'ABORTED', culprits: [] })
    expect(first).toBe(await round)
    expect(await userRound).toMatchObject({ kind: 'continue' })
  })

  it('gives the envelopes for its peers with the outcome when it is aborted', async () => {
    const { sessions, round, userRound } = await inLongestRound()

    expect(sessions.agent.abort(false)).toEqual([])
    const outcome = await round
    await userRound

    expect(outcome).toMatchObject({ kind: 'aborted', code: 'ABORTED' })
    expect(envelopesOf(outcome).map(roundOf)).toEqual([ABORT_ROUND, ABORT_ROUND])
    expect(await deliver({ user: sessions.user }, envelopesOf(outcome))).toMatchObject({
      user: { kind: 'aborted', code: 'PROTOCOL_TIMEOUT', culprits: [] },
    })
  })
})

describe('a session that has ended', () => {
  const endings: Record<string, () => Promise<Session>> = {
    'is done': async () => {
      const requested = await request({ wallets })
      const { session: agent, begun } = requested
      await run({ agent, user: accept(wallets, requested) }, { agent: begun })
      return agent
    },
    'was cancelled': async () => {
      const { agent } = keygenOf(strangers())
      agent.cancel()
      await agent.begin(NOW, [])
      return agent
    },
    'was aborted': async () => {
      const { agent } = keygenOf(strangers())
      agent.abort(false)
      return agent
    },
    'was refused': async () => {
      const { agent } = keygenOf(strangers())
      agent.abort(true)
      return agent
    },
    'was stopped by a peer': async () => {
      const { agent, user } = keygenOf(strangers())
      await agent.begin(NOW, [])
      await agent.receive(NOW, user.abort(false).slice(0, 1))
      return agent
    },
    expired: async () => {
      const { agent } = keygenOf(strangers())
      await agent.begin(NOW + BigInt(MINUTE), [])
      return agent
    },
    'was disposed': async () => {
      const { agent } = keygenOf(strangers())
      agent.dispose()
      return agent
    },
  }

  it.each(Object.entries(endings))('is closed to every call after it %s', async (_, end) => {
    const session = await end()

    expect(() => session.begin(NOW, [])).toThrow(closed)
    expect(() => session.receive(NOW, [])).toThrow(closed)
    expect(() => session.confirm(NOW, ['word'])).toThrow(closed)
  })

  it.each(Object.entries(endings))(
    'is left alone by cancel, abort and dispose after it %s',
    async (_, end) => {
      const session = await end()

      session.cancel()
      expect(session.abort(true)).toEqual([])
      session.dispose()
      session.dispose()

      expect(() => session.begin(NOW, [])).toThrow(closed)
      expect(session.sessionId).toHaveLength(32)
    },
  )
})

describe('cancelling', () => {
  it('before the first round lets nothing leave but the stop', async () => {
    const { agent } = keygenOf(strangers())

    agent.cancel()
    const outcome = await agent.begin(NOW, [])

    expect(outcome).toMatchObject({ kind: 'aborted', code: 'ABORTED', culprits: [] })
    expect(envelopesOf(outcome).map(roundOf)).toEqual([ABORT_ROUND, ABORT_ROUND])
  })

  it('between rounds ends the session with the next one', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)
    await user.begin(NOW, [])

    user.cancel()
    const outcome = await user.receive(NOW, envelopesOf(requested.begun))

    expect(outcome).toMatchObject({ kind: 'aborted', code: 'ABORTED', culprits: [] })
  })

  it('after the share left does not unsign: the other party has the signature', async () => {
    const requested = await request({ wallets })
    const agent = requested.session
    const user = accept(wallets, requested)
    const fromUser = await user.begin(NOW, envelopesOf(requested.begun))
    const fromAgent = await agent.receive(NOW, envelopesOf(fromUser))
    const last = await user.receive(NOW, envelopesOf(fromAgent))

    user.cancel()
    const atAgent = await agent.receive(NOW, envelopesOf(last))

    expect(last).toMatchObject({ shareLeaves: true })
    expect(atAgent).toMatchObject({
      kind: 'done',
      signatures: [{ recoveryId: expect.any(Number) }],
    })
  })
})

describe('stopping', () => {
  const stops = [
    [false, 'PROTOCOL_TIMEOUT'],
    [true, 'CEREMONY_REFUSED'],
  ] as const

  it.each(stops)('with refused = %s tells the peer %s and who', async (refused, code) => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)

    const outcome = await requested.session.receive(NOW, user.abort(refused))

    expect(outcome).toMatchObject({ kind: 'aborted', code, culprits: ['user'], outgoing: [] })
  })

  it('is what refusing an invitation does to the one who asked', async () => {
    const { invitation, session } = await request({ wallets })

    const outcome = await session.receive(NOW, invitation.refuse())

    expect(outcome).toMatchObject({ kind: 'aborted', code: 'CEREMONY_REFUSED', culprits: ['user'] })
  })

  it('takes a request back, and only that of the session stopped', async () => {
    const [one, another] = [await request({ wallets }), await request({ wallets })]
    const [stop = none] = one.session.abort(false)

    expect(one.invitation.isWithdrawnBy(stop)).toBe(true)
    expect(another.invitation.isWithdrawnBy(stop)).toBe(false)
  })

  it('takes no request back with what is not the signed stop of the one who asked', async () => {
    const { invitation, session, round0, begun } = await request({ wallets })
    const [stop = none] = session.abort(false)
    const others = [none, flipped(stop), stop.slice(1), round0, ...envelopesOf(begun)]

    for (const envelope of [...others, ...invitation.refuse()])
      expect(invitation.isWithdrawnBy(envelope)).toBe(false)
  })

  it('by somebody else than a peer of the session is junk', async () => {
    const { session } = await request({ wallets, cosigner: 'user' })
    const other = await request({ wallets, cosigner: 'recovery' })

    const outcome = await session.receive(NOW, other.invitation.refuse())

    expect(outcome).toMatchObject({
      kind: 'waiting',
      dropped: [{ code: 'ENVELOPE_NOT_FOR_THIS_SESSION', round: ABORT_ROUND, from: 3 }],
    })
  })
})

describe('the share', () => {
  const directions = ROLES.flatMap((initiator) =>
    ROLES.filter((cosigner) => cosigner !== initiator).map((cosigner) => ({ initiator, cosigner })),
  )

  it.each(directions)(
    'leaves $initiator and $cosigner exactly once, with their last envelopes',
    async (asked) => {
      const outcomes = await sign({ wallets, ...asked })

      for (const role of [asked.initiator, asked.cosigner]) {
        const leaving = outcomes[role].filter((one) => 'shareLeaves' in one && one.shareLeaves)
        const sending = outcomes[role].filter((one) => envelopesOf(one).length > 0)
        expect(leaving).toHaveLength(1)
        expect(sending.at(-1)).toBe(leaving[0])
        expect(leaving.flatMap(envelopesOf).map(roundOf)).toEqual([3])
      }
    },
  )

  it('never leaves in a key generation', async () => {
    const outcomes = await run(keygenOf(strangers()))

    for (const role of ROLES)
      for (const outcome of outcomes[role])
        expect('shareLeaves' in outcome && outcome.shareLeaves).toBe(false)
  })
})

describe('what arrives', () => {
  const other = (byte: number): number => byte ^ 1

  /** What one changed byte makes of a true envelope, and why it is dropped. */
  const changed: readonly (readonly [string, number, (byte: number) => number, string])[] = [
    ['with another magic', FIELDS.magic, other, 'ENVELOPE_LAYOUT'],
    ['of another version', FIELDS.version, () => 2, 'ENVELOPE_LAYOUT'],
    ['of another kind of ceremony', FIELDS.kind, () => 1, 'ENVELOPE_NOT_FOR_THIS_SESSION'],
    ['of a round that does not exist', FIELDS.round + 1, () => 4, 'ENVELOPE_NOT_FOR_THIS_SESSION'],
    ['of another round', FIELDS.round + 1, () => 2, 'ENVELOPE_BAD_SIGNATURE'],
    ['as a stop', FIELDS.round + 1, () => ABORT_ROUND, 'ENVELOPE_BAD_SIGNATURE'],
    ['of another session', FIELDS.sessionId, other, 'ENVELOPE_NOT_FOR_THIS_SESSION'],
    ['of another wallet', FIELDS.walletId, other, 'ENVELOPE_NOT_FOR_THIS_SESSION'],
    ['of another epoch', FIELDS.epoch + 7, other, 'ENVELOPE_NOT_FOR_THIS_SESSION'],
    ['from nobody', FIELDS.from, () => 0, 'ENVELOPE_LAYOUT'],
    ['from the third party', FIELDS.from, () => 3, 'ENVELOPE_UNKNOWN_SENDER'],
    ['from the recipient', FIELDS.from, () => 2, 'ENVELOPE_UNKNOWN_SENDER'],
    ['for the third party', FIELDS.to, () => 3, 'ENVELOPE_NOT_FOR_THIS_SESSION'],
    ['as a part beyond the last', FIELDS.part, () => 1, 'ENVELOPE_LAYOUT'],
    ['as one of no parts', FIELDS.parts, () => 0, 'ENVELOPE_LAYOUT'],
    ['as one of too many parts', FIELDS.parts, () => 17, 'ENVELOPE_LAYOUT'],
    ['as one of more parts', FIELDS.parts, () => 2, 'ENVELOPE_BAD_SIGNATURE'],
    ['with another sequence number', FIELDS.senderSequence + 3, other, 'ENVELOPE_BAD_SIGNATURE'],
    [
      'with another hash of broadcasts',
      FIELDS.previousBroadcastsHash,
      other,
      'ENVELOPE_BAD_SIGNATURE',
    ],
    ['with another chain head', FIELDS.relayChainHead, other, 'ENVELOPE_BAD_SIGNATURE'],
    ['with another length', FIELDS.bodyLength + 3, other, 'ENVELOPE_LAYOUT'],
    ['with another body', HEADER_BYTES, other, 'ENVELOPE_BAD_SIGNATURE'],
    ['with another signature', -1, other, 'ENVELOPE_BAD_SIGNATURE'],
  ]

  it.each(changed)(
    'is dropped %s, and the true envelope is taken after it',
    async (_, at, change, code) => {
      const requested = await request({ wallets })
      const [envelope = none] = envelopesOf(requested.begun)
      const user = accept(wallets, requested)
      await user.begin(NOW, [])

      const dropping = await user.receive(NOW, [withByte(envelope, at, change)])
      const taking = await user.receive(NOW, [envelope])

      expect(dropping).toMatchObject({ kind: 'waiting', missing: ['agent'], dropped: [{ code }] })
      expect(taking).toMatchObject({ kind: 'continue', round: 2, dropped: [] })
    },
  )

  const cut: Record<string, (envelope: Uint8Array) => Uint8Array> = {
    nothing: () => new Uint8Array(),
    'a detached buffer': (envelope) => {
      const view = envelope.slice()
      structuredClone(view.buffer, { transfer: [view.buffer] })
      return view
    },
    'one byte': (envelope) => envelope.slice(0, 1),
    'a header': (envelope) => envelope.slice(0, HEADER_BYTES),
    'all but the last byte': (envelope) => envelope.slice(0, -1),
    'one byte too many': (envelope) => Uint8Array.from([...envelope, 0]),
    'zeros of its length': (envelope) => new Uint8Array(envelope.length),
    'all that fits beside the true one': (envelope) => new Uint8Array(2 ** 22 - envelope.length),
  }

  it.each(Object.entries(cut))('is dropped as no envelope if it is %s', async (_, make) => {
    const requested = await request({ wallets })
    const [envelope = none] = envelopesOf(requested.begun)
    const user = accept(wallets, requested)
    await user.begin(NOW, [])

    const outcome = await user.receive(NOW, [make(envelope), envelope])

    expect(outcome).toMatchObject({
      kind: 'continue',
      round: 2,
      dropped: [{ code: 'ENVELOPE_LAYOUT', round: 0, from: 0 }],
    })
  })

  it('twice is taken once', async () => {
    const requested = await request({ wallets })
    const [envelope = none] = envelopesOf(requested.begun)
    const user = accept(wallets, requested)

    const outcome = await user.begin(NOW, [envelope, envelope])
    const later = await user.receive(NOW, [envelope])

    const replayed = { code: 'ENVELOPE_REPLAYED', round: 1, from: 1 }
    expect(outcome).toMatchObject({ kind: 'continue', round: 2, dropped: [replayed] })
    expect(later).toMatchObject({ kind: 'waiting', round: 2, dropped: [replayed] })
  })

  it('for another session of the same two parties is dropped', async () => {
    const [one, two] = [await request({ wallets }), await request({ wallets })]
    const user = accept(wallets, one)

    const outcome = await user.begin(NOW, envelopesOf(two.begun))

    expect(outcome).toMatchObject({
      kind: 'continue',
      round: 1,
      dropped: [{ code: 'ENVELOPE_NOT_FOR_THIS_SESSION', round: 1, from: 1 }],
    })
  })

  it('as 64 pieces of junk in every call neither stops the session nor blames anybody', async () => {
    const requested = await request({ wallets })
    const sessions = { agent: requested.session, user: accept(wallets, requested) }
    const junk = Array.from({ length: 64 }, (_, size) => new Uint8Array(size).fill(0x4d))

    const atUser = await sessions.user.begin(NOW, junk)
    const atAgent = await sessions.agent.receive(NOW, junk)
    const outcomes = await run(sessions, { agent: requested.begun, user: atUser })

    expect(atUser).toMatchObject({ kind: 'continue', dropped: { length: 64 } })
    expect(atAgent).toMatchObject({ kind: 'waiting', dropped: { length: 64 } })
    expect(signatureIn(outcomes.agent)).toEqual(signatureIn(outcomes.user))
    expect(wallets.agent.poisoned).toEqual([])
    expect(wallets.user.poisoned).toEqual([])
  })

  const caps: readonly (readonly [string, Uint8Array[], boolean])[] = [
    ['64 envelopes', Array.from({ length: 64 }, () => new Uint8Array(1)), true],
    ['65 envelopes', Array.from({ length: 65 }, () => new Uint8Array(1)), false],
    ['4 MiB', [new Uint8Array(2 ** 22)], true],
    ['4 MiB and a byte', [new Uint8Array(2 ** 22), new Uint8Array(1)], false],
  ]

  it.each(caps)(
    'in one call is at most 64 envelopes and 4 MiB: %s',
    async (_, envelopes, taken) => {
      const requested = await request({ wallets })
      const user = accept(wallets, requested)

      if (taken) expect(await user.begin(NOW, envelopes)).toMatchObject({ kind: 'continue' })
      else
        expect(() => user.begin(NOW, envelopes)).toThrow(
          expect.objectContaining({ code: 'INVALID_INPUT' }),
        )

      const arrived = envelopesOf(requested.begun)
      const next = taken ? user.receive(NOW, arrived) : user.begin(NOW, arrived)
      expect(await next).toMatchObject({ kind: 'continue', round: 2 })
    },
  )

  it('for two rounds at once is answered at once', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)

    const outcome = await user.begin(NOW, envelopesOf(requested.begun))

    expect(outcome).toMatchObject({ kind: 'continue', round: 2, missing: ['agent'] })
    expect(envelopesOf(outcome).map(roundOf)).toEqual([1, 2])
  })

  it('after the session expired ends it, and just before does not', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)
    const end = NOW + BigInt(MINUTE)
    await user.begin(NOW, [])

    const before = await user.receive(end - 1n, [])
    const after = await user.receive(end, envelopesOf(requested.begun))

    expect(before).toMatchObject({ kind: 'waiting' })
    expect(after).toMatchObject({ kind: 'aborted', code: 'PROTOCOL_CONFIG', culprits: [] })
  })
})

describe('the words of a key generation', () => {
  it('are six and the same at every party', async () => {
    const words = await untilWords(keygenOf(strangers()))

    expect(words.agent).toHaveLength(6)
    expect(words.user).toEqual(words.agent)
    expect(words.recovery).toEqual(words.agent)
  })

  it('confirmed wrongly end it as refused, and nothing of a key has left', async () => {
    const sessions = keygenOf(strangers())
    const { user } = await untilWords(sessions)

    const outcome = await sessions.user.confirm(NOW, user.toReversed())

    expect(outcome).toMatchObject({ kind: 'aborted', code: 'CEREMONY_REFUSED' })
    expect(envelopesOf(outcome).map(roundOf)).toEqual([ABORT_ROUND, ABORT_ROUND])
  })

  it('are asked for again while they are not confirmed', async () => {
    const sessions = keygenOf(strangers())
    const { recovery } = await untilWords(sessions)

    const outcome = await sessions.recovery.receive(NOW, [])

    expect(outcome).toMatchObject({ kind: 'confirm', words: recovery, outgoing: [] })
  })
})

describe('a session of an invitation', () => {
  it('runs once: the same invitation accepted again is refused, and the peer of the first does not hear of it', async () => {
    const requested = await request({ wallets })
    const [first, second] = [accept(wallets, requested), accept(wallets, requested)]
    await first.begin(NOW, [])

    const outcome = await second.begin(NOW, envelopesOf(requested.begun))

    expect(outcome).toMatchObject({ kind: 'aborted', code: 'PROTOCOL_CONFIG', culprits: [] })
    expect(envelopesOf(outcome)).toEqual([])
  })

  it('goes on when its wallet is closed, which then starts no other', async () => {
    const own = await committee()
    const requested = await request({ wallets: own })
    const user = accept(own, requested)
    const authorization = authorize({ wallets: own })
    const reading = read({ wallets: own, initiator: 'user' })

    own.agent.close()
    own.user.close()
    const outcomes = await run({ agent: requested.session, user }, { agent: requested.begun })

    expect(signatureIn(outcomes.agent)).toEqual(signatureIn(outcomes.user))
    expect(() => Session.sign(own.agent, authorization, 'user', '', NOW, MINUTE)).toThrow(closed)
    expect(() => own.user.read([PAYMENT], [[]], NOW)).toThrow(closed)
    const asked = requestOf({ initiator: 'user', cosigner: 'agent' })
    expect(() => own.user.authorize(reading, asked, '[]', '[]', NOW, MINUTE)).toThrow(closed)
    expect(() => own.user.publicKey).toThrow(closed)
    own.user.close()
  })
})

/** The agent and the user of a key generation in its longest round. */
async function inLongestRound() {
  const sessions = keygenOf(strangers())
  const envelopes = await untilLongestRound(sessions)
  const round = sessions.agent.receive(
    NOW,
    envelopes.filter((one) => one[FIELDS.to] === 1),
  )
  const userRound = sessions.user.receive(
    NOW,
    envelopes.filter((one) => one[FIELDS.to] === 2),
  )
  return { sessions, round, userRound }
}

function withByte(envelope: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const changed = envelope.slice()
  const position = at < 0 ? envelope.length + at : at
  changed[position] = change(envelope[position] ?? 0)
  return changed
}

/** An outcome whose envelopes were delivered already. */
function withoutEnvelopes(outcome: RoundOutcome): RoundOutcome {
  return 'outgoing' in outcome ? { ...outcome, outgoing: [] } : outcome
}
