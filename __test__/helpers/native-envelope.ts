import type { Role } from '#native'

/** By index; 0 is nobody. */
const ROLES: readonly (Role | undefined)[] = [undefined, 'agent', 'user', 'recovery']

/** Where the parts of an envelope are: header, body, signature. */
export const HEADER_BYTES = 156
export const SIGNATURE_BYTES = 64

/** Byte positions of header fields. */
export const FIELDS = {
  magic: 0,
  version: 4,
  kind: 5,
  round: 6,
  sessionId: 8,
  walletId: 40,
  epoch: 72,
  from: 80,
  to: 81,
  part: 82,
  parts: 83,
  senderSequence: 84,
  previousBroadcastsHash: 88,
  relayChainHead: 120,
  bodyLength: 152,
} as const

export const ABORT_ROUND = 201

/** The round in an envelope's header. */
export function roundOf(envelope: Uint8Array): number {
  return Buffer.from(envelope).readUInt16BE(FIELDS.round)
}

/** Whom an envelope is for. */
export function recipientOf(envelope: Uint8Array): Role {
  const role = ROLES[envelope[FIELDS.to] ?? 0]
  if (role === undefined) throw new Error(`an envelope for party ${envelope[FIELDS.to]}`)
  return role
}

/** The session of an envelope, as a key. */
export function sessionOf(envelope: Uint8Array): string {
  return Buffer.from(envelope.subarray(FIELDS.sessionId, FIELDS.walletId)).toString('hex')
}

/** Whether an envelope is an invitation to sign. */
export function isInvitation(envelope: Uint8Array): boolean {
  return envelope[FIELDS.kind] === 2 && roundOf(envelope) === 0
}

/** Bytes with one bit in the middle changed. */
export function flipped(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  const middle = changed.length >> 1
  changed[middle] = (changed[middle] ?? 0) ^ 1
  return changed
}
