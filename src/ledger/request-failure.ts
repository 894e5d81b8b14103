import { MpcWalletError, type MpcWalletErrorCode } from '../errors.js'
import type { LedgerRequest, LedgerSide, RequestFailure } from './ledger-request.js'
import type { RequestState } from './request-state.js'

/** Decisions: a policy's, a person's, or the caller's own signal. */
const DECISIONS: readonly MpcWalletErrorCode[] = [
  'CEREMONY_REFUSED',
  'PAYLOAD_REFUSED',
  'POLICY_REJECTED',
  'ABORTED',
]

/** How a request that gave no signature stands, and why. */
export interface Ending {
  readonly state: Extract<RequestState, 'rejected' | 'expired' | 'failed' | 'unknown'>
  readonly failure: RequestFailure
}

/** What an error says about its request. @internal */
export function endingOf(
  error: MpcWalletError,
  { side, session }: Pick<LedgerRequest, 'side' | 'session'>,
  shareLeft: boolean,
): Ending {
  const state = stateOf(error, session !== undefined, shareLeft)
  const { code, message, culprits } = error
  // a co-signer is asked in a session, and what is over is asked in another
  const retryable = state === 'failed' && side === 'initiator' && mayPass(error)
  return { state, failure: { code, message, retryable, ...(culprits && { culprits }) } }
}

/** How a request stands whose process stopped. @internal */
export function interrupted(
  side: LedgerSide,
  shareLeft: boolean,
): Ending & { readonly state: 'failed' | 'unknown' } {
  const when = shareLeft ? 'after its share had left' : 'before its share left'
  return {
    state: shareLeft ? 'unknown' : 'failed',
    failure: {
      code: 'SESSION_CLOSED',
      message: `this party stopped within the ceremony, ${when}`,
      retryable: !shareLeft && side === 'initiator',
    },
  }
}

/** The error that a second call for a request gets. @internal */
export function storedError({ state, failure }: LedgerRequest): MpcWalletError {
  if (failure === undefined)
    return new MpcWalletError('INTERNAL', 'a request that ended without result or failure')
  const { code, message, retryable, culprits } = failure
  const blame = culprits && { culprits }
  if (state !== 'unknown') return new MpcWalletError(code, message, { retryable, ...blame })
  return new MpcWalletError(
    'OUTCOME_UNKNOWN',
    `an earlier attempt ended with ${code}: ${message}`,
    {
      signatureMayExist: true,
      ...blame,
    },
  )
}

function stateOf(
  { code, signatureMayExist }: MpcWalletError,
  sessionWasOpen: boolean,
  shareLeft: boolean,
): Ending['state'] {
  if (sessionWasOpen && (shareLeft || signatureMayExist)) return 'unknown'
  if (DECISIONS.includes(code)) return 'rejected'
  // nobody decided in time, and no ceremony had begun
  if (code === 'PROTOCOL_TIMEOUT' && !sessionWasOpen) return 'expired'
  return 'failed'
}

/** A wallet that is closed within a ceremony is opened again. */
function mayPass({ code, retryable }: MpcWalletError): boolean {
  return retryable || code === 'SESSION_CLOSED'
}

/** The same error, with the warning that the other signer may hold the signature. @internal */
export function withDoubt(error: MpcWalletError): MpcWalletError {
  if (error.signatureMayExist) return error
  const { code, message, cause, culprits } = error
  return new MpcWalletError(code, message, {
    ...(cause !== undefined && { cause }),
    ...(culprits && { culprits }),
    signatureMayExist: true,
  })
}
