import { invalid } from './guards.js'

/** A JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** Deeper than anything of ours, and far from the end of the stack. */
const MAX_DEPTH = 32

/**
 * The one text of a JSON value (RFC 8785): no spaces, keys by UTF-16 units, numbers and strings as
 * ECMAScript writes them. Equal texts are equal values.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT` for what JSON cannot say: `undefined`, bigint, NaN,
 * lone surrogates, other objects than plain ones; and for more than 32 levels.
 * @internal
 */
export function canonicalJson(field: string, value: unknown): string {
  return write(field, value, MAX_DEPTH)
}

/** {@link canonicalJson} as UTF-8. @internal */
export function canonicalBytes(field: string, value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(field, value))
}

/**
 * Reads a text that {@link canonicalJson} wrote; `undefined` for any other, so that a record has
 * one form and a repeated key or a second spelling of a number is no record.
 *
 * @internal
 */
export function parseCanonicalJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text)
    return canonicalJson('text', value) === text ? value : undefined
  } catch {
    return undefined
  }
}

/** UTF-8 as text; `undefined` for anything else. @internal */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function write(field: string, value: unknown, depth: number): string {
  if (depth === 0) throw invalid(field, `must have at most ${MAX_DEPTH} levels`)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value === 'string' && value.isWellFormed()) return JSON.stringify(value)
  if (Array.isArray(value))
    return `[${Array.from(value, (item) => write(field, item, depth - 1)).join(',')}]`
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${write(field, key, depth)}:${write(field, value[key], depth - 1)}`)
    return `{${members.join(',')}}`
  }
  throw invalid(field, 'must be JSON: null, booleans, numbers, text, lists and plain objects')
}

// by shape, not by class: values may come from another realm
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
