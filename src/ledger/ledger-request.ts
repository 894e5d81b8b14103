import type { Json } from '../canonical-json.js'
import { MpcWalletError, type MpcWalletErrorCode } from '../errors.js'
import type { Hex } from '../hex.js'
import type { PartyRole } from '../party-role.js'
import { type RequestState, TRANSITIONS } from './request-state.js'

/** Names a request: a hash of wallet, side, principal and key. */
export type RequestId = Hex

/** Which side this party was on: whether it asked, or was asked. */
export type LedgerSide = 'initiator' | 'cosigner'

/** Why a request has no result. Names rules and parties, never values. */
export interface RequestFailure {
  readonly code: MpcWalletErrorCode
  readonly message: string
  /** Whether the same request may be made again, with the same key. */
  readonly retryable: boolean
  readonly culprits?: readonly PartyRole[]
}

/** A signing session, by whom it is with. */
export interface SessionName {
  readonly sessionId: Hex
  /** Identity key of the other signer. */
  readonly peer: Hex
}

/** A signing request as the ledger keeps it. */
export interface LedgerRequest {
  readonly requestId: RequestId
  readonly walletId: Hex
  readonly side: LedgerSide
  readonly principal: string
  readonly key: string
  /** `H("doc/proposal"; canonical proposal)`. */
  readonly proposalHash: Hex
  readonly state: RequestState
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** While it is signing. */
  readonly session?: SessionName
  /** Once it is signed. */
  readonly result?: Json
  /** When it ended without a result that this party holds. */
  readonly failure?: RequestFailure
}

/** What a request carries in some state. @internal */
export type StateDetails = Pick<LedgerRequest, 'session' | 'result' | 'failure'>

/** The request in its next state. @internal */
export function moved(
  request: LedgerRequest,
  state: RequestState,
  updatedAtMs: number,
  details: StateDetails = {},
): LedgerRequest {
  if (!TRANSITIONS[request.state].includes(state))
    throw new MpcWalletError('INTERNAL', `a request that is ${request.state} cannot be ${state}`)
  const { session: _, result: __, failure: ___, ...kept } = request
  return { ...kept, state, updatedAtMs, ...details }
}
