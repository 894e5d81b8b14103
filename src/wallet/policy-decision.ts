import { MpcWalletError } from '../errors.js'
import type { Hex } from '../hex.js'
import type { PartyRole } from '../party-role.js'

/** What one rule said. */
export interface RuleOutcome {
  /** Those that are in every policy begin with `builtin/`. */
  readonly ruleId: string
  readonly result: 'passed' | 'notApplicable' | 'needsApproval' | 'rejected'
  readonly reason?: string
}

/** What this party's policy says about a request, with every rule's part in it. */
export interface PolicyDecision {
  readonly ruling:
    | { readonly type: 'approved' }
    | { readonly type: 'rejected'; readonly ruleId: string; readonly reason: string }
    | {
        readonly type: 'requiresAdditionalApproval'
        readonly ruleId: string
        readonly reason: string
        /** The parties whose persons are asked. */
        readonly approvers: readonly PartyRole[]
        /** How many persons of each. */
        readonly quorum: { readonly user: number; readonly recovery: number }
      }
  readonly outcomes: readonly RuleOutcome[]
  /** The decision and every rule's part in it, a line each, as a person reads it. */
  readonly explain: readonly string[]
  readonly policyVersion: string
  readonly policyHash: Hex
}

/** Reads what the native side says. @internal */
export function readDecision(json: string): PolicyDecision {
  return JSON.parse(json, (_, value) => Object.freeze(value ?? undefined)) as PolicyDecision
}

/** Why a decision that is no yes stops a request. @internal */
export function refusalOf(
  { ruling, explain }: PolicyDecision,
  culprit: PartyRole,
): MpcWalletError | undefined {
  if (ruling.type === 'approved') return undefined
  const options = { culprits: [culprit], explain }
  if (ruling.type === 'rejected')
    return new MpcWalletError('POLICY_REJECTED', `${ruling.ruleId}: ${ruling.reason}`, options)
  const asked = ruling.approvers.join(', ')
  const message = `${ruling.ruleId}: ${ruling.reason} (asked: ${asked})`
  return new MpcWalletError('APPROVAL_REQUIRED', message, options)
}
