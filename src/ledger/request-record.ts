import { canonicalBytes, decodeUtf8, parseCanonicalJson } from '../canonical-json.js'
import { isErrorCode, MpcWalletError } from '../errors.js'
import { invalid, isCount } from '../guards.js'
import { type Hex, isHash, isHexOf, toHex } from '../hex.js'
import { ALL_ROLES } from '../party-role.js'
import type { StoreWrite } from '../storage/index.js'
import { taggedHash } from '../tagged-hash.js'
import type {
  LedgerRequest,
  LedgerSide,
  RequestFailure,
  RequestId,
  SessionName,
} from './ledger-request.js'
import { hasFailure, hasResult, isRequestState } from './request-state.js'

/** Who asked for what, under which key. */
export interface RequestScope {
  readonly walletId: Hex
  readonly side: LedgerSide
  readonly principal: string
  readonly key: string
}

/** Where a request is kept: all of one principal are together. */
export interface RequestPlace {
  /** 16 bytes in hex that stand for side and principal. */
  readonly lane: string
  readonly requestId: RequestId
}

const SCHEMA = { schema: 'request', version: 1 } as const
const LANE_BYTES = 16
const MAX_RECORD_BYTES = 512 * 1024
/** Of a principal and of a key, in UTF-16 units. */
const MAX_NAME_LENGTH = 128

/** @internal */
export function placeOf({ walletId, side, principal, key }: RequestScope): RequestPlace {
  const lane = taggedHash('ledger-principal', side, principal).subarray(0, LANE_BYTES)
  const requestId = toHex(taggedHash('ledger-request', walletId, side, principal, key))
  return { lane: Buffer.from(lane).toString('hex'), requestId }
}

/** @internal */
export function requestPrefix(walletId: Hex): string {
  return `request/${walletId.slice(2)}/`
}

/** @internal */
export function requestStoreId(walletId: Hex, { lane, requestId }: RequestPlace): string {
  return `${requestPrefix(walletId)}${lane}/${requestId.slice(2)}`
}

/** @internal */
export function parseRequestStoreId(walletId: Hex, id: string): RequestPlace | undefined {
  const [lane = '', name = '', ...more] = id.slice(requestPrefix(walletId).length).split('/')
  const requestId = `0x${name}`
  const isPlace = isHexOf(LANE_BYTES, `0x${lane}`) && isHexOf(32, requestId) && more.length === 0
  return isPlace ? { lane, requestId } : undefined
}

/**
 * @throws {@link MpcWalletError} `INVALID_INPUT` for what {@link readRequest} would not read.
 * @internal
 */
export function encodeRequest(request: LedgerRequest): Uint8Array {
  const record = { ...SCHEMA, ...request }
  const bytes = canonicalBytes('result', record)
  if (!isRequest(record)) throw invalid('request', 'must be one that its state allows')
  if (bytes.length > MAX_RECORD_BYTES)
    throw invalid('result', `must fit a record of ${MAX_RECORD_BYTES} bytes`)
  return bytes
}

/** Writes a request to its place. @internal */
export function putRequest(request: LedgerRequest): StoreWrite {
  const id = requestStoreId(request.walletId, placeOf(request))
  return { kind: 'put', id, value: encodeRequest(request) }
}

/**
 * Reads a request, which must be in its own place.
 *
 * @throws {@link MpcWalletError} `LEDGER_CORRUPT` for any other bytes.
 * @internal
 */
export function readRequest(walletId: Hex, place: RequestPlace, bytes: Uint8Array): LedgerRequest {
  const request = parseRequest(parseCanonicalJson(decodeUtf8(bytes) ?? ''))
  const id = requestStoreId(walletId, place)
  // a record that was put in the place of another is as wrong as junk
  if (request === undefined || requestStoreId(request.walletId, placeOf(request)) !== id)
    throw corrupt(id)
  return request
}

/** @internal */
export function corrupt(id: string): MpcWalletError {
  return new MpcWalletError('LEDGER_CORRUPT', `the record ${id} of the request ledger is damaged`)
}

function parseRequest(value: unknown): LedgerRequest | undefined {
  if (!isRequest(value)) return undefined
  const { schema: _, version: __, ...request } = value
  return request
}

function isRequest(value: unknown): value is LedgerRequest & typeof SCHEMA {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Partial<Record<keyof (LedgerRequest & typeof SCHEMA), unknown>>
  const { schema, version, requestId, walletId, side, principal, key, proposalHash } = fields
  const { state, createdAtMs, updatedAtMs, session, result, failure } = fields
  const optional = [session, result, failure].filter((detail) => detail !== undefined)
  return (
    Object.keys(value).length === 11 + optional.length &&
    schema === SCHEMA.schema &&
    version === SCHEMA.version &&
    [requestId, walletId, proposalHash].every(isHash) &&
    (side === 'initiator' || side === 'cosigner') &&
    [principal, key].every(isName) &&
    isRequestState(state) &&
    [createdAtMs, updatedAtMs].every(isCount) &&
    (state === 'signing' ? isSessionName(session) : session === undefined) &&
    hasResult(state) === (result !== undefined) &&
    (hasFailure(state) ? isFailure(failure) : failure === undefined)
  )
}

/** Whether text names a principal or a request. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || !value.isWellFormed()) return false
  return value.length > 0 && value.length <= MAX_NAME_LENGTH
}

/** @internal */
export function isSessionName(value: unknown): value is SessionName {
  if (typeof value !== 'object' || value === null) return false
  const { sessionId, peer } = value as Partial<Record<keyof SessionName, unknown>>
  return Object.keys(value).length === 2 && isHash(sessionId) && isHash(peer)
}

function isFailure(value: unknown): value is RequestFailure {
  if (typeof value !== 'object' || value === null) return false
  const {
    code,
    message,
    retryable,
    culprits = [],
  } = value as Partial<Record<keyof RequestFailure, unknown>>
  return (
    Object.keys(value).length === ('culprits' in value ? 4 : 3) &&
    isErrorCode(code) &&
    typeof message === 'string' &&
    typeof retryable === 'boolean' &&
    Array.isArray(culprits) &&
    culprits.every((culprit) => ALL_ROLES.some((role) => role === culprit))
  )
}
