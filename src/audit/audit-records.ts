/** Where the log is in a store. */
import { canonicalBytes, decodeUtf8, parseCanonicalJson } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { isCount } from '../guards.js'
import { type Hex, isHash } from '../hex.js'
import type { KeyShareStore } from '../storage/index.js'
import { GENESIS, hashEntry } from './audit-entry.js'

/** @internal */
export const ENTRY_PREFIX = 'audit/'
/** @internal */
export const HEAD_PREFIX = 'audit-head/'
/** @internal */
export const TIP_ID = 'audit-tip'

/** The last entry, as the writer left it. Unsigned: it finds the end, it proves nothing. */
export interface Tip {
  readonly sequence: number
  readonly hash: Hex
}

const DIGITS = String(Number.MAX_SAFE_INTEGER).length

/** @internal */
export function entryId(sequence: number): string {
  return ENTRY_PREFIX + padded(sequence)
}

/** @internal */
export function headId(sequence: number): string {
  return HEAD_PREFIX + padded(sequence)
}

/** @internal */
export function encodeTip(tip: Tip): Uint8Array {
  return canonicalBytes('tip', tip)
}

/**
 * Where the next entry goes.
 *
 * @throws {@link MpcWalletError} `AUDIT_BROKEN` if the last entry is not the one that was written
 * last.
 * @internal
 */
export async function readTip(store: KeyShareStore): Promise<Tip> {
  const bytes = await store.load(TIP_ID)
  const tip = bytes === undefined ? { sequence: 0, hash: GENESIS } : parseTip(bytes)
  if (tip === undefined) throw broken('the record of its end is damaged')
  if (tip.sequence > 0) {
    const last = await store.load(entryId(tip.sequence))
    if (last === undefined) throw broken(`entry ${tip.sequence}, its last, is missing`)
    if (hashEntry(last) !== tip.hash) throw broken(`entry ${tip.sequence}, its last, was altered`)
  }
  if (await store.exists(entryId(tip.sequence + 1)))
    throw broken(`it goes on after entry ${tip.sequence}, where it ended`)
  return tip
}

/** @internal */
export function broken(reason: string): MpcWalletError {
  return new MpcWalletError('AUDIT_BROKEN', `the audit log is broken: ${reason}`)
}

function parseTip(bytes: Uint8Array): Tip | undefined {
  const value: unknown = parseCanonicalJson(decodeUtf8(bytes) ?? '')
  if (typeof value !== 'object' || value === null) return undefined
  const { sequence, hash } = value as Partial<Record<keyof Tip, unknown>> // narrowed below
  return isCount(sequence) && sequence > 0 && isHash(hash) ? { sequence, hash } : undefined
}

function padded(sequence: number): string {
  return String(sequence).padStart(DIGITS, '0')
}
