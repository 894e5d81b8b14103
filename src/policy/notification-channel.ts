import type { PartyRole } from '../party-role.js'
import type { Effect } from '../wallet/decoded-payload.js'
import type { TransactionRequest } from './policy-rule.js'

/** A request that waits for persons. It carries a link, never the power to approve. */
export interface ApprovalRequest {
  /** Names the request; the same in every notification about it. */
  readonly id: string
  readonly tx: TransactionRequest
  /** Everything that the signature would allow. */
  readonly effects: readonly Effect[]
  /** Why persons are asked, and by which rule. */
  readonly reason: string
  readonly ruleId: string
  /** How many approvers of each role must say yes. */
  readonly quorum: { readonly user: number; readonly recovery: number }
  /** The roles of which `quorum` asks somebody. */
  readonly approvers: readonly PartyRole[]
  /** Unix milliseconds after which no yes counts. */
  readonly expiresAtMs: number
  /** Where a person sees the request in full and decides. */
  readonly link?: string
}

/**
 * Tells people that somebody asks. What it throws stops no request: who is not told does not
 * approve.
 */
export interface NotificationChannel {
  notify(request: ApprovalRequest): Promise<void>
}
