/**
 * The public part of what travels: session descriptors and envelope headers, read for routing and
 * for nothing else. Layouts are those of `docs/protocol.md`; integers are big-endian. Signatures
 * are verified natively, by the recipient.
 */
import { createHash } from 'node:crypto'
import { MpcWalletError } from '../errors.js'

/** Bytes of an envelope before its body. */
export const HEADER_BYTES = 156
/** Bytes of an envelope behind its body. */
export const SIGNATURE_BYTES = 64
/** Bytes of a session id. */
export const SESSION_ID_BYTES = 32
/** Bytes of a party's identity key. */
export const IDENTITY_KEY_BYTES = 32
/**
 * The largest envelope that is carried. Longer bodies are cut into parts before they are sealed.
 */
export const MAX_ENVELOPE_BYTES = 256 * 1024
/** The `to` of an envelope for every other participant. */
export const BROADCAST = 255
/** The round of the sealed invitation, one envelope per participant. */
export const INVITATION_ROUND = 0
/** The round of a party's goodbye. */
export const ABORT_ROUND = 201

const DESCRIPTOR_MAGIC = 0x4d504344 // "MPCD"
const ENVELOPE_MAGIC = 0x4d504345 // "MPCE"
const WIRE_VERSION = 1
const DESCRIPTOR_FIXED_BYTES = 160
const PARTICIPANT_BYTES = 34
const MAX_PARTICIPANTS = 3
const MAX_PARTS = 16

/** What a session is for. Numbers are never given a second meaning. */
export const SessionKind = Object.freeze({
  Keygen: 1,
  Sign: 2,
  Refresh: 4,
  Recover: 5,
  Control: 11,
})

const KINDS: ReadonlySet<number> = new Set(Object.values(SessionKind))

/** One of {@link SessionKind}'s values. */
export type SessionKind = (typeof SessionKind)[keyof typeof SessionKind]

/** A member of a session. */
export interface Participant {
  readonly index: number
  readonly role: number
  readonly identityKey: Uint8Array
}

/** The public facts of a session. */
export interface SessionDescriptor {
  readonly kind: SessionKind
  readonly sessionId: Uint8Array
  readonly walletId: Uint8Array
  readonly epoch: bigint
  /** Party index of who started it. */
  readonly initiator: number
  /** Ascending by index. */
  readonly participants: readonly Participant[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

/** The routed part of an envelope. */
export interface EnvelopeHeader {
  readonly kind: SessionKind
  readonly round: number
  readonly sessionId: Uint8Array
  readonly walletId: Uint8Array
  readonly epoch: bigint
  readonly from: number
  /** A party index, or {@link BROADCAST}. */
  readonly to: number
  readonly part: number
  readonly parts: number
  readonly senderSequence: number
}

/** `SHA-256(descriptor)`: names and routes a session. */
export function sessionIdOf(descriptor: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(descriptor).digest())
}

/**
 * Reads a session descriptor and refuses every other layout.
 *
 * @throws {@link MpcWalletError} `RELAY_BAD_DESCRIPTOR`.
 */
export function readDescriptor(bytes: Uint8Array): SessionDescriptor {
  const refuse = (reason: string): MpcWalletError =>
    new MpcWalletError('RELAY_BAD_DESCRIPTOR', `session descriptor: ${reason}`)

  const count = bytes.length < DESCRIPTOR_FIXED_BYTES ? undefined : bytes[79]
  if (count === undefined || bytes.length !== DESCRIPTOR_FIXED_BYTES + count * PARTICIPANT_BYTES)
    throw refuse('wrong length')
  if (count < 2 || count > MAX_PARTICIPANTS) throw refuse('wrong number of participants')

  const view = viewOf(bytes)
  if (view.getUint32(0) !== DESCRIPTOR_MAGIC) throw refuse('not a descriptor')
  if (view.getUint8(4) !== WIRE_VERSION) throw refuse('unknown version')
  const kind = view.getUint8(5)
  if (!isSessionKind(kind)) throw refuse('unknown kind')
  const walletId = copyOf(bytes, 6, 38)
  const epoch = view.getBigUint64(70)
  const initiator = view.getUint8(78)

  const participants: Participant[] = []
  const keys = new Set<string>()
  for (let position = 80; participants.length < count; position += PARTICIPANT_BYTES) {
    const index = view.getUint8(position)
    const role = view.getUint8(position + 1)
    const identityKey = copyOf(bytes, position + 2, position + PARTICIPANT_BYTES)
    if (index <= (participants.at(-1)?.index ?? 0)) throw refuse('participants are not ascending')
    if (index >= BROADCAST) throw refuse('participant index out of range')
    participants.push({ index, role, identityKey })
    keys.add(Buffer.from(identityKey).toString('hex'))
  }
  if (keys.size !== count) throw refuse('two participants share an identity key')
  if (!participants.some(({ index }) => index === initiator))
    throw refuse('the initiator is not a participant')

  const times = 80 + count * PARTICIPANT_BYTES
  const createdAtMs = view.getBigUint64(times)
  const expiresAtMs = view.getBigUint64(times + 8)
  if (expiresAtMs > Number.MAX_SAFE_INTEGER || createdAtMs >= expiresAtMs)
    throw refuse('times out of range')

  return {
    kind,
    sessionId: sessionIdOf(bytes),
    walletId,
    epoch,
    initiator,
    participants,
    createdAtMs: Number(createdAtMs),
    expiresAtMs: Number(expiresAtMs),
  }
}

/**
 * Reads the header of an envelope whose length is right, and refuses every other layout.
 *
 * @throws {@link MpcWalletError} `RELAY_TOO_LARGE` or `RELAY_BAD_ENVELOPE`.
 */
export function readEnvelopeHeader(bytes: Uint8Array): EnvelopeHeader {
  const refuse = (reason: string): MpcWalletError =>
    new MpcWalletError('RELAY_BAD_ENVELOPE', `envelope: ${reason}`)

  if (bytes.length > MAX_ENVELOPE_BYTES)
    throw new MpcWalletError('RELAY_TOO_LARGE', `envelope: longer than ${MAX_ENVELOPE_BYTES} bytes`)
  if (bytes.length < HEADER_BYTES + SIGNATURE_BYTES) throw refuse('wrong length')

  const view = viewOf(bytes)
  if (view.getUint32(0) !== ENVELOPE_MAGIC) throw refuse('not an envelope')
  if (view.getUint8(4) !== WIRE_VERSION) throw refuse('unknown version')
  if (view.getUint32(152) !== bytes.length - HEADER_BYTES - SIGNATURE_BYTES)
    throw refuse('wrong length')
  const kind = view.getUint8(5)
  if (!isSessionKind(kind)) throw refuse('unknown kind')
  const from = view.getUint8(80)
  const to = view.getUint8(81)
  if (from === 0 || from === BROADCAST || to === 0 || from === to)
    throw refuse('party index out of range')
  const part = view.getUint8(82)
  const parts = view.getUint8(83)
  if (part >= parts || parts > MAX_PARTS) throw refuse('part out of range')

  return {
    kind,
    round: view.getUint16(6),
    sessionId: copyOf(bytes, 8, 40),
    walletId: copyOf(bytes, 40, 72),
    epoch: view.getBigUint64(72),
    from,
    to,
    part,
    parts,
    senderSequence: view.getUint32(84),
  }
}

// not `bytes.slice`: on a Buffer that is a view of memory that somebody else may still write to
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end))
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function isSessionKind(kind: number): kind is SessionKind {
  return KINDS.has(kind)
}
