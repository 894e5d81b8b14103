import { canonicalBytes, type Json, parseCanonicalJson } from '../canonical-json.js'
import { invalid, isCount } from '../guards.js'
import { type Hex, isHash, toHex } from '../hex.js'
import { taggedHash } from '../tagged-hash.js'

/** What is written down: facts that may be read by whoever audits, never a secret. */
export interface AuditEvent {
  /** What happened, such as `request.signed`: words of letters with dots between. */
  readonly kind: string
  readonly walletId?: Hex
  readonly facts: { readonly [name: string]: Json }
}

/** One link of the log. */
export interface AuditEntry extends AuditEvent {
  /** Counts from 1 without a gap. */
  readonly sequence: number
  readonly timeMs: number
  /** The hash of the entry before; zeros for the first. */
  readonly previous: Hex
}

/** What the first entry continues. @internal */
export const GENESIS: Hex = toHex(new Uint8Array(32))

const MAX_ENTRY_BYTES = 64 * 1024
const KIND = /^[a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)*$/
const MAX_KIND_LENGTH = 64

/**
 * The bytes of an entry, as they are stored, exported and hashed.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT` for a kind or facts that no entry has.
 * @internal
 */
export function encodeEntry(entry: AuditEntry): Uint8Array {
  const bytes = canonicalBytes('facts', entry)
  if (bytes.length > MAX_ENTRY_BYTES)
    throw invalid('facts', `must fit an entry of ${MAX_ENTRY_BYTES} bytes`)
  if (!isEntry(entry)) throw invalid('kind', 'must be words of letters with dots between')
  return bytes
}

/** Reads the text of an entry; `undefined` for any other text. @internal */
export function parseEntry(text: string): AuditEntry | undefined {
  const value: unknown = parseCanonicalJson(text)
  return isEntry(value) ? value : undefined
}

/** What the next entry names as its previous one. @internal */
export function hashEntry(bytes: Uint8Array | string): Hex {
  return toHex(taggedHash('audit-entry', bytes))
}

function isEntry(value: unknown): value is AuditEntry {
  if (typeof value !== 'object' || value === null) return false
  const { sequence, timeMs, kind, walletId, facts, previous, ...others } = value as Partial<
    Record<keyof AuditEntry, unknown>
  > // only read, and each field is narrowed below
  return (
    Object.keys(others).length === 0 &&
    isCount(sequence) &&
    sequence > 0 &&
    isCount(timeMs) &&
    typeof kind === 'string' &&
    kind.length <= MAX_KIND_LENGTH &&
    KIND.test(kind) &&
    (walletId === undefined ? !('walletId' in value) : isHash(walletId)) &&
    typeof facts === 'object' &&
    facts !== null &&
    !Array.isArray(facts) &&
    isHash(previous)
  )
}
