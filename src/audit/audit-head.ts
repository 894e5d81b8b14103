import { createPublicKey, verify } from 'node:crypto'
import { canonicalBytes, parseCanonicalJson } from '../canonical-json.js'
import { isCount, requireBytes } from '../guards.js'
import { fromHex, type Hex, isHash, isHexOf, toHex } from '../hex.js'
import { taggedHash } from '../tagged-hash.js'

/** A signed statement: so many entries there are, and this is the hash of the last. */
export interface AuditHead {
  readonly sequence: number
  readonly hash: Hex
  readonly timeMs: number
  /** Ed25519, by this party's identity key. */
  readonly signature: Hex
}

/**
 * Signs the 48 bytes of a head. An identity key signs no free bytes: what is signed is
 * `H("audit-head"; bytes)`.
 */
export type SignHead = (bytes: Uint8Array) => Uint8Array

/** Whether a signature over the 48 bytes of a head is this party's. */
export type VerifyHead = (bytes: Uint8Array, signature: Uint8Array) => boolean

/** A head follows every so many entries, and the log is broken where one is missing. */
export const HEAD_INTERVAL = 32

const IDENTITY_KEY_BYTES = 32
const SIGNATURE_BYTES = 64
// the DER before the key in a SubjectPublicKeyInfo of Ed25519 (RFC 8410)
const ED25519_KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Verifies heads with a party's identity key, on any machine: no store, no native addon.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT` for what is no key of 32 bytes.
 */
export function headVerifier(identityKey: Uint8Array | Hex): VerifyHead {
  const raw = requireBytes('identityKey', identityKey, {
    min: IDENTITY_KEY_BYTES,
    max: IDENTITY_KEY_BYTES,
  })
  const key = createPublicKey({
    key: Buffer.concat([ED25519_KEY_PREFIX, raw]),
    format: 'der',
    type: 'spki',
  })
  return (bytes, signature) => verify(null, taggedHash('audit-head', bytes), key, signature)
}

/** Signs that the log has so many entries. @internal */
export function makeHead(statement: Omit<AuditHead, 'signature'>, signHead: SignHead): AuditHead {
  return { ...statement, signature: toHex(signHead(headBytes(statement))) }
}

/** Whether a head is signed by whom `verifyHead` stands for. @internal */
export function isSigned(head: AuditHead, verifyHead: VerifyHead): boolean {
  const signature = fromHex(head.signature)
  return signature !== undefined && verifyHead(headBytes(head), signature) === true
}

/** @internal */
export function encodeHead(head: AuditHead): Uint8Array {
  return canonicalBytes('head', head)
}

/** Reads the text of a head; `undefined` for any other text. */
export function parseHead(text: string): AuditHead | undefined {
  const value: unknown = parseCanonicalJson(text)
  return isHead(value) ? value : undefined
}

/** `u64 sequence ‖ hash 32 ‖ u64 milliseconds`, big-endian. */
function headBytes({ sequence, hash, timeMs }: Omit<AuditHead, 'signature'>): Uint8Array {
  const bytes = Buffer.alloc(48)
  bytes.writeBigUInt64BE(BigInt(sequence), 0)
  bytes.write(hash.slice(2), 8, 'hex')
  bytes.writeBigUInt64BE(BigInt(timeMs), 40)
  return new Uint8Array(bytes)
}

function isHead(value: unknown): value is AuditHead {
  if (typeof value !== 'object' || value === null) return false
  const { sequence, hash, timeMs, signature, ...others } = value as Partial<
    Record<keyof AuditHead, unknown>
  > // only read, and each field is narrowed below
  return (
    Object.keys(others).length === 0 &&
    isCount(sequence) &&
    sequence > 0 &&
    isHash(hash) &&
    isCount(timeMs) &&
    isHexOf(SIGNATURE_BYTES, signature)
  )
}
