/** Checks at the door: each names the field it refuses and returns the value with its type. */
import { MpcWalletError } from './errors.js'
import { fromHex } from './hex.js'
import { ALL_ROLES, type PartyRole } from './party-role.js'

/** The error for an argument that is not what the function takes. @internal */
export function invalid(field: string, expectation: string): MpcWalletError {
  return new MpcWalletError('INVALID_INPUT', `${field}: ${expectation}`)
}

/** @internal */
export function requireRole(field: string, value: unknown): PartyRole {
  const role = ALL_ROLES.find((known) => known === value)
  if (role === undefined) throw invalid(field, `must be one of ${ALL_ROLES.join(', ')}`)
  return role
}

/** @internal */
export function requireInteger(
  field: string,
  value: unknown,
  { min, max }: { min: number; max: number },
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw invalid(field, `must be an integer from ${min} to ${max}`)
  return value
}

/** Bytes as a `Uint8Array` or as `0x` text; always a copy. @internal */
export function requireBytes(
  field: string,
  value: unknown,
  { min = 1, max }: { min?: number; max: number },
): Uint8Array {
  const bytes = isBytes(value)
    ? value
    : typeof value === 'string' && value.length <= 2 + 2 * max
      ? fromHex(value)
      : undefined
  if (bytes === undefined || bytes.length < min || bytes.length > max)
    throw invalid(
      field,
      `must be ${min === max ? max : `${min} to ${max}`} bytes, as Uint8Array or 0x text`,
    )
  return new Uint8Array(bytes)
}

/** @internal */
export function requireFunction<Value>(field: string, value: Value): NonNullable<Value> {
  if (typeof value !== 'function') throw invalid(field, 'must be a function')
  return value
}

/** @internal */
export function requireObject<Value>(field: string, value: Value): NonNullable<Value> {
  if (typeof value !== 'object' || value === null) throw invalid(field, 'must be an object')
  return value
}

/** @internal */
export function requireSignal(field: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || isSignal(value)) return value
  throw invalid(field, 'must be an AbortSignal')
}

/** Whether a value counts things or milliseconds. @internal */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

// by shape, not by class: arguments may come from another realm
/** @internal */
export function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]'
}

function isSignal(value: unknown): value is AbortSignal {
  return Object.prototype.toString.call(value) === '[object AbortSignal]'
}
