import { MpcWalletError } from '../errors.js'
import { invalid, requireBytes, requireObject } from '../guards.js'
import { type Hex, isHash, toHex } from '../hex.js'
import {
  type Conclusion,
  isRequestState,
  type LedgerRequest,
  type LedgerSide,
  type RequestFailure,
  type RequestId,
  type RequestLedger,
  type RequestState,
} from '../ledger/index.js'
import type { PartyRole } from '../party-role.js'
import type { WalletContext } from './context.js'
import { toCeremonyId } from './ids.js'
import type { TransactionSignature } from './sign-items.js'
import { decodeSigned, encodeSigned } from './signed-record.js'

const MAX_SIGNATURES = 64
const MAX_REASON_LENGTH = 512
/** Of a request whose signature was looked up: no ceremony gave it to this party. */
const NO_CEREMONY = new Uint8Array(32)

/** A signing request, as this party remembers it. */
export interface WalletRequest {
  readonly requestId: RequestId
  /** Whether this party asked, or was asked. */
  readonly side: LedgerSide
  /** The other party that asked, at the side that was asked. */
  readonly from?: PartyRole
  /** What it was asked for with, at the side that asked; absent for calls without one. */
  readonly idempotencyKey?: string
  readonly state: RequestState
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** `H("doc/proposal"; canonical proposal)`. */
  readonly proposalHash: Hex
  /** Once they exist and this party has them. */
  readonly signatures?: readonly TransactionSignature[]
  /** Why there are none. */
  readonly failure?: RequestFailure
}

/** Which requests to list: all, or those of one side or state. */
export interface RequestsFilter {
  readonly side?: LedgerSide
  readonly state?: RequestState
}

/** What the ledger holds, and what of it cannot be read. */
export interface WalletRequests {
  /** By the time of their creation. */
  readonly requests: readonly WalletRequest[]
  /** `LEDGER_CORRUPT`, each with the id of its record: they hide none of the others. */
  readonly damaged: readonly MpcWalletError[]
}

/** A signature as a chain shows it. */
export type FoundSignature = Pick<TransactionSignature, 'r' | 's' | 'yParity' | 'digest'>

/** How a request ended whose outcome was not known. */
export type ConcludeRequestParameters =
  | {
      readonly requestId: RequestId
      readonly state: 'confirmed'
      /** One for each transaction of the request, in their order. */
      readonly signatures: readonly FoundSignature[]
    }
  | {
      readonly requestId: RequestId
      /** It can never take effect any more; `expired` where time has run out. */
      readonly state: 'failed' | 'expired'
      /** What was found, in 1 to 512 characters. */
      readonly reason: string
    }

/** @internal */
export async function listRequests(
  context: WalletContext,
  filter: RequestsFilter,
): Promise<WalletRequests> {
  const { side, state } = requireObject('filter', filter)
  if (side !== undefined && side !== 'initiator' && side !== 'cosigner')
    throw invalid('side', 'must be initiator or cosigner')
  if (state !== undefined && !isRequestState(state)) throw invalid('state', 'must be a state')
  const { requests, damaged } = await ledgerOf(context).list({
    ...(side !== undefined && { side }),
    ...(state !== undefined && { state }),
  })
  const readable: WalletRequest[] = []
  const unreadable = [...damaged]
  for (const request of requests) {
    try {
      readable.push(toWalletRequest(context, request))
    } catch (error) {
      unreadable.push(MpcWalletError.wrap(error))
    }
  }
  return Object.freeze({ requests: Object.freeze(readable), damaged: Object.freeze(unreadable) })
}

/** @internal */
export async function getRequest(
  context: WalletContext,
  requestId: RequestId,
): Promise<WalletRequest | undefined> {
  const request = await ledgerOf(context).get(readRequestId(requestId))
  return request && toWalletRequest(context, request)
}

/** @internal */
export async function concludeRequest(
  context: WalletContext,
  parameters: ConcludeRequestParameters,
): Promise<WalletRequest> {
  const given = requireObject('parameters', parameters)
  const requestId = readRequestId(given.requestId)
  return toWalletRequest(
    context,
    await ledgerOf(context).conclude(requestId, readConclusion(given)),
  )
}

/** @internal */
export async function pruneRequests(context: WalletContext): Promise<number> {
  return await ledgerOf(context).prune()
}

function ledgerOf({ journal }: WalletContext): RequestLedger {
  if (journal === undefined)
    throw invalid('wallet', 'is of a party without a store, which remembers no requests')
  return journal.ledger
}

function toWalletRequest(
  { native: wallet, role }: WalletContext,
  request: LedgerRequest,
): WalletRequest {
  const { requestId, side, principal, key, state, createdAtMs, updatedAtMs } = request
  const { proposalHash, result, failure } = request
  const from =
    side === 'cosigner'
      ? wallet.parties.find(({ identityKey }) => toHex(identityKey) === principal)?.role
      : undefined
  return Object.freeze({
    ...{ requestId, side, state, createdAtMs, updatedAtMs, proposalHash },
    ...(from !== undefined && { from }),
    ...(side === 'initiator' && principal === role && { idempotencyKey: key }),
    ...(result !== undefined && { signatures: Object.freeze(decodeSigned(result).signatures) }),
    ...(failure !== undefined && { failure: Object.freeze({ ...failure }) }),
  })
}

function readRequestId(value: unknown): RequestId {
  if (!isHash(value)) throw invalid('requestId', 'must be 32 bytes as 0x text')
  return value
}

function readConclusion(given: ConcludeRequestParameters): Conclusion {
  const { state } = given
  if (state === 'failed' || state === 'expired') {
    const { reason } = given
    const fits = typeof reason === 'string' && reason.isWellFormed()
    if (!fits || reason.length === 0 || reason.length > MAX_REASON_LENGTH)
      throw invalid('reason', `must be 1 to ${MAX_REASON_LENGTH} characters`)
    return { state, reason }
  }
  if (state !== 'confirmed') throw invalid('state', 'must be confirmed, failed or expired')
  const { signatures } = given
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > MAX_SIGNATURES)
    throw invalid('signatures', `must be a list of 1 to ${MAX_SIGNATURES}`)
  const read = Array.from(signatures, readSignature)
  const cost = { durationMs: 0, bytesSent: 0, bytesReceived: 0 }
  const ceremonyId = toCeremonyId(NO_CEREMONY)
  return { state, result: encodeSigned({ ceremonyId, signatures: read, ...cost }) }
}

function readSignature(value: FoundSignature, position: number): TransactionSignature {
  const field = `signatures[${position}]`
  const { r, s, yParity, digest } = requireObject(field, value)
  if (yParity !== 0 && yParity !== 1) throw invalid(`${field}.yParity`, 'must be 0 or 1')
  const read = (name: string, bytes: unknown): Uint8Array =>
    requireBytes(`${field}.${name}`, bytes, { min: 32, max: 32 })
  const [rBytes, sBytes, digestBytes] = [read('r', r), read('s', s), read('digest', digest)]
  return { r: rBytes, s: sBytes, yParity, recoveryId: yParity, digest: digestBytes }
}
