import { randomBytes } from 'node:crypto'
import { sessionIdOf } from '../../src/transport/index.js'

/** A participant of a session that is written by hand. */
export interface Member {
  index: number
  role: number
  identityKey: Uint8Array
}

export function member(index: number): Member {
  return { index, role: index, identityKey: new Uint8Array(randomBytes(32)) }
}

export interface DescriptorFields {
  magic?: string
  version?: number
  kind?: number
  walletId?: Uint8Array
  epoch?: bigint
  initiator?: number
  members?: Member[]
  count?: number
  createdAtMs?: bigint
  expiresAtMs?: bigint
}

/** Writes a descriptor as `docs/protocol.md` lays it out, right or wrong. */
export function descriptorBytes(fields: DescriptorFields = {}): Uint8Array {
  const members = fields.members ?? [member(1), member(2)]
  const createdAtMs = fields.createdAtMs ?? BigInt(Date.now())
  return concat(
    Buffer.from(fields.magic ?? 'MPCD'),
    [fields.version ?? 1, fields.kind ?? 2],
    fields.walletId ?? new Uint8Array(32).fill(7),
    new Uint8Array(32).fill(8),
    u64(fields.epoch ?? 1n),
    [fields.initiator ?? 1, fields.count ?? members.length],
    ...members.flatMap(({ index, role, identityKey }) => [[index, role], identityKey]),
    u64(createdAtMs),
    u64(fields.expiresAtMs ?? createdAtMs + 60_000n),
    randomBytes(32),
    randomBytes(32),
  )
}

export interface EnvelopeFields {
  magic?: string
  version?: number
  kind?: number
  round?: number
  sessionId?: Uint8Array
  walletId?: Uint8Array
  epoch?: bigint
  from?: number
  to?: number
  part?: number
  parts?: number
  senderSequence?: number
  body?: Uint8Array
  bodyLength?: number
}

/**
 * Writes an envelope as `docs/protocol.md` lays it out, right or wrong, with zeros for a signature.
 */
export function envelopeBytes(fields: EnvelopeFields = {}): Uint8Array {
  const body = fields.body ?? new Uint8Array(10)
  return concat(
    Buffer.from(fields.magic ?? 'MPCE'),
    [fields.version ?? 1, fields.kind ?? 2],
    u16(fields.round ?? 1),
    fields.sessionId ?? new Uint8Array(32).fill(9),
    fields.walletId ?? new Uint8Array(32).fill(7),
    u64(fields.epoch ?? 1n),
    [fields.from ?? 1, fields.to ?? 2, fields.part ?? 0, fields.parts ?? 1],
    u32(fields.senderSequence ?? 0),
    new Uint8Array(64),
    u32(fields.bodyLength ?? body.length),
    body,
    new Uint8Array(64),
  )
}

/** A session among the given members that a network accepts, and a way to write its envelopes. */
export function session(members: Member[], fields: DescriptorFields = {}) {
  const descriptor = descriptorBytes({ members, ...fields })
  const sessionId = sessionIdOf(descriptor)
  return {
    descriptor,
    sessionId,
    signature: new Uint8Array(64),
    envelope: (envelope: EnvelopeFields = {}) => envelopeBytes({ sessionId, ...envelope }),
  }
}

function concat(...parts: (Uint8Array | number[])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))))
}

function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  new DataView(bytes.buffer).setUint16(0, value)
  return bytes
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value)
  return bytes
}
