/** A verdict as the native evaluation takes it. */
export interface RuleVerdict {
  readonly id: string
  readonly verdict:
    | { readonly type: 'approved' }
    | { readonly type: 'rejected'; readonly reason: string }
    | { readonly type: 'requiresAdditionalApproval'; readonly reason: string }
  /** What the rule threw, or why it was stopped; for this process alone. */
  readonly failure?: unknown
}

/** The longest reason that is passed on. */
const MAX_REASON = 256

/**
 * Reads what a rule returned. Anything but exactly one verdict is a rejection: a rule that says two
 * things, or `'yes'`, said no.
 *
 * @internal
 */
export function readVerdict(id: string, answer: unknown): RuleVerdict {
  if (typeof answer !== 'object' || answer === null) return odd(id)
  // only read, and each field is compared below
  const { approved, requiresAdditionalApproval, reason } = answer as Record<string, unknown>
  if (approved === true && requiresAdditionalApproval === undefined)
    return { id, verdict: { type: 'approved' } }
  if (typeof reason !== 'string') return odd(id)
  if (approved === false && requiresAdditionalApproval === undefined)
    return { id, verdict: { type: 'rejected', reason: readable(reason) } }
  if (approved === undefined && requiresAdditionalApproval === true)
    return { id, verdict: { type: 'requiresAdditionalApproval', reason: readable(reason) } }
  return odd(id)
}

function odd(id: string): RuleVerdict {
  const reason = 'the custom rule returned no verdict'
  return { id, verdict: { type: 'rejected', reason }, failure: new Error(reason) }
}

/** Reasons are shown to people and to models, so they can neither flood nor control a terminal. */
function readable(reason: string): string {
  return reason
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .slice(0, MAX_REASON)
    .toWellFormed()
}
