/** How far a signing request got. */
export type RequestState =
  | 'created'
  | 'evaluated'
  | 'awaitingApproval'
  | 'signing'
  | 'signed'
  | 'broadcast'
  | 'confirmed'
  | 'rejected'
  | 'expired'
  | 'failed'
  | 'unknown'

/**
 * Which states may follow which. A request without policies goes from `created` to `signing`, and
 * the person who is asked says no, or too late, before any ceremony.
 */
export const TRANSITIONS: Readonly<Record<RequestState, readonly RequestState[]>> = Object.freeze({
  created: ['evaluated', 'signing', 'rejected', 'expired', 'failed'],
  evaluated: ['awaitingApproval', 'signing', 'rejected', 'failed'],
  awaitingApproval: ['signing', 'rejected', 'expired', 'failed'],
  signing: ['signed', 'rejected', 'failed', 'unknown'],
  signed: ['broadcast'],
  broadcast: ['confirmed', 'failed', 'expired', 'unknown'],
  confirmed: [],
  rejected: [],
  expired: [],
  failed: ['created'], // asked for again, where nothing had left and the failure may pass
  unknown: ['confirmed', 'failed', 'expired'],
})

/** Whether a request needs nothing more. `unknown` does: somebody has to look at the chain. */
export function isFinished(state: RequestState): boolean {
  return ['signed', 'confirmed', 'rejected', 'expired', 'failed'].includes(state)
}

/** Whether the result of a request is kept: its signature. @internal */
export function hasResult(state: RequestState): boolean {
  return ['signed', 'broadcast', 'confirmed'].includes(state)
}

/** Whether a request says why it has no result. @internal */
export function hasFailure(state: RequestState): boolean {
  return ['rejected', 'expired', 'failed', 'unknown'].includes(state)
}

/** Whether something is a state of a request. */
export function isRequestState(value: unknown): value is RequestState {
  return typeof value === 'string' && Object.hasOwn(TRANSITIONS, value)
}
