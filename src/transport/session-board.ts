import { MpcWalletError } from '../errors.js'
import { Log, LogReader } from './log.js'
import type { Delivery, SessionInvitation } from './transport.js'
import {
  BROADCAST,
  type EnvelopeHeader,
  type Participant,
  readDescriptor,
  readEnvelopeHeader,
  type SessionDescriptor,
} from './wire.js'

const MAX_SESSIONS = 256
const MAX_TOTAL_BYTES = 64 * 1024 * 1024
const MAX_SESSION_ENVELOPES = 256
const MAX_SESSION_BYTES = 8 * 1024 * 1024

interface StoredEnvelope extends Delivery {
  readonly header: EnvelopeHeader
}

/** One announced session with everything that was sent in it. */
interface Session extends SessionInvitation {
  readonly sequence: bigint
  readonly facts: SessionDescriptor
  readonly envelopes: Log<StoredEnvelope>
  /** Readers that are open, by party index; a party that never read has no entry. */
  readonly readers: Map<number, number>
  bytes: number
}

/**
 * What a {@link MemoryNetwork} stores: sessions and their envelopes, with bounds, and a refusal for
 * what exceeds them or does not fit.
 *
 * Sessions are kept so that a late subscriber misses nothing. Room is made, oldest first, by those
 * that expired and those that every participant has read and left.
 *
 * @internal
 */
export class SessionBoard {
  readonly #sessions = new Log<Session>()
  readonly #byId = new Map<string, Session>()
  readonly #now: () => number
  #totalBytes = 0
  /** Before this no stored session expires. */
  #nextExpiryMs = Number.POSITIVE_INFINITY

  constructor({ now }: { now: () => number }) {
    this.#now = now
  }

  open(identityKey: Uint8Array, descriptor: Uint8Array, signature: Uint8Array): void {
    const bytes = new Uint8Array(descriptor)
    const facts = readDescriptor(bytes)
    participantOf(facts, identityKey)
    const id = idOf(facts.sessionId)
    if (this.#byId.has(id)) return
    if (facts.expiresAtMs <= this.#now())
      throw new MpcWalletError('RELAY_BAD_DESCRIPTOR', 'session descriptor: it has expired')
    this.#makeRoom(0)
    if (this.#byId.size >= MAX_SESSIONS)
      throw new MpcWalletError('RELAY_QUOTA_EXHAUSTED', `more than ${MAX_SESSIONS} live sessions`)
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, facts.expiresAtMs)
    this.#sessions.append((sequence) => {
      const session: Session = {
        sequence,
        descriptor: bytes,
        signature: new Uint8Array(signature),
        facts,
        envelopes: new Log(),
        readers: new Map(),
        bytes: 0,
      }
      this.#byId.set(id, session)
      return session
    })
  }

  invitations(identityKey: Uint8Array, onEnd: () => void): LogReader<Session, SessionInvitation> {
    return new LogReader<Session, SessionInvitation>({
      log: this.#sessions,
      after: 0n,
      wanted: (session) =>
        session.facts.expiresAtMs > this.#now() &&
        !everybodyLeft(session) &&
        session.facts.participants.some(
          ({ index, identityKey: key }) =>
            index !== session.facts.initiator && sameBytes(key, identityKey),
        ),
      map: ({ descriptor, signature }) => ({
        descriptor: new Uint8Array(descriptor),
        signature: new Uint8Array(signature),
      }),
      onEnd,
    })
  }

  send(identityKey: Uint8Array, envelope: Uint8Array): void {
    const bytes = new Uint8Array(envelope) // copy first, check the copy
    const header = readEnvelopeHeader(bytes)
    const session = this.#session(header.sessionId)
    const sender = participantOf(session.facts, identityKey)
    assertFits(header, session.facts, sender)

    const stored = session.envelopes.entries.find(
      (entry) =>
        entry.header.from === header.from && entry.header.senderSequence === header.senderSequence,
    )
    if (stored !== undefined) {
      if (sameBytes(stored.envelope, bytes)) return // sent again
      throw new MpcWalletError(
        'RELAY_EQUIVOCATION',
        'envelope: its sequence number was used for another one',
      )
    }
    this.#makeRoom(bytes.length)
    if (
      session.envelopes.entries.length >= MAX_SESSION_ENVELOPES ||
      session.bytes + bytes.length > MAX_SESSION_BYTES ||
      this.#totalBytes + bytes.length > MAX_TOTAL_BYTES
    )
      throw new MpcWalletError('RELAY_QUOTA_EXHAUSTED', 'no room for another envelope')
    session.bytes += bytes.length
    this.#totalBytes += bytes.length
    session.envelopes.append((sequence) => ({ sequence, envelope: bytes, header }))
  }

  subscribe(
    identityKey: Uint8Array,
    sessionId: Uint8Array,
    after: bigint,
    onEnd: () => void,
  ): LogReader<StoredEnvelope, Delivery> {
    const { facts, envelopes, readers } = this.#session(sessionId)
    const { index } = participantOf(facts, identityKey)
    readers.set(index, (readers.get(index) ?? 0) + 1)
    return new LogReader<StoredEnvelope, Delivery>({
      log: envelopes,
      after,
      wanted: ({ header }) =>
        header.from !== index && (header.to === index || header.to === BROADCAST),
      map: ({ sequence, envelope }) => ({ sequence, envelope: new Uint8Array(envelope) }),
      onEnd: () => {
        readers.set(index, (readers.get(index) ?? 1) - 1)
        onEnd()
      },
    })
  }

  end(): void {
    this.#sessions.end()
    for (const { envelopes } of this.#byId.values()) envelopes.end()
  }

  #session(sessionId: Uint8Array): Session {
    const session = this.#byId.get(idOf(sessionId))
    if (session !== undefined && session.facts.expiresAtMs > this.#now()) return session
    throw new MpcWalletError('RELAY_SESSION_UNKNOWN', 'nobody opened this session, or it is over')
  }

  #makeRoom(bytes: number): void {
    const full = (): boolean =>
      this.#byId.size >= MAX_SESSIONS || this.#totalBytes + bytes > MAX_TOTAL_BYTES
    const now = this.#now()
    if (now >= this.#nextExpiryMs) {
      for (const session of [...this.#sessions.entries])
        if (session.facts.expiresAtMs <= now) this.#remove(session)
      const left = this.#sessions.entries.map(({ facts }) => facts.expiresAtMs)
      this.#nextExpiryMs = Math.min(...left, Number.POSITIVE_INFINITY)
    }
    while (full()) {
      const finished = this.#sessions.entries.find(everybodyLeft)
      if (finished === undefined) return
      this.#remove(finished)
    }
  }

  #remove(session: Session): void {
    this.#sessions.remove(session)
    this.#byId.delete(idOf(session.facts.sessionId))
    this.#totalBytes -= session.bytes
    session.envelopes.end()
  }
}

function everybodyLeft({ facts, readers }: Session): boolean {
  return facts.participants.every(({ index }) => readers.get(index) === 0)
}

function assertFits(header: EnvelopeHeader, facts: SessionDescriptor, sender: Participant): void {
  const fits =
    header.from === sender.index &&
    header.kind === facts.kind &&
    header.epoch === facts.epoch &&
    sameBytes(header.walletId, facts.walletId) &&
    (header.to === BROADCAST || facts.participants.some(({ index }) => index === header.to))
  if (!fits) throw new MpcWalletError('RELAY_BAD_ENVELOPE', 'envelope: it does not fit its session')
}

function participantOf(facts: SessionDescriptor, identityKey: Uint8Array): Participant {
  const participant = facts.participants.find((one) => sameBytes(one.identityKey, identityKey))
  if (participant !== undefined) return participant
  throw new MpcWalletError('RELAY_NOT_A_MEMBER', 'this party does not take part in the session')
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

function idOf(sessionId: Uint8Array): string {
  return Buffer.from(sessionId).toString('hex')
}
