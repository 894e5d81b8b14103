export type { SigningAttempt } from './attempt.js'
export type {
  LedgerRequest,
  LedgerSide,
  RequestFailure,
  RequestId,
  SessionName,
} from './ledger-request.js'
export type { CountLostVerdicts, LostVerdicts, Recovery } from './recover-after-restart.js'
export {
  type Conclusion,
  type OpenRequestLedgerParameters,
  openRequestLedger,
  type ProposedRequest,
  type RequestFilter,
  RequestLedger,
  type RequestList,
  type RequestOutcome,
} from './request-ledger.js'
export { isName } from './request-record.js'
export { isFinished, isRequestState, type RequestState, TRANSITIONS } from './request-state.js'
