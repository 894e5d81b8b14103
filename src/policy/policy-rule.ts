import type { Effect } from '../wallet/decoded-payload.js'

/** What is asked to be signed, as this party read it from the unsigned bytes. */
export interface TransactionRequest {
  /** CAIP-2: `eip155:1`. */
  readonly chain: string
  /** Address that is paid or called; empty where a contract is created. */
  readonly to: string
  /** Native value in base units, as decimal text: `BigInt(tx.value)`. */
  readonly value: string
  /** Calldata as `0x` text; absent where there is none. */
  readonly data?: string
}

/** What left the wallet before, of one asset, as this party counts it. */
export interface SpendingSoFar {
  /** CAIP-19. */
  readonly asset: string
  /** Base units in the last 24 hours. */
  readonly last24Hours: bigint
  /** Base units in the last 7 days. */
  readonly last7Days: bigint
}

/** What a rule may look at besides the transaction. */
export interface PolicyContext {
  /** Everything that the signature would allow, with the calls that were decoded. */
  readonly effects: readonly Effect[]
  /** Of the assets in `effects`. */
  readonly spending: readonly SpendingSoFar[]
  /** This party's clock, Unix milliseconds. */
  readonly timeMs: number
  /** Name of the principal whose signature over the request was verified. */
  readonly principal?: string
  /** Aborted when the rule's time is up or the request is given up. */
  readonly signal: AbortSignal
}

/** What a rule says. */
export type PolicyVerdict =
  | { readonly approved: true }
  | { readonly approved: false; readonly reason: string }
  | { readonly requiresAdditionalApproval: true; readonly reason: string }

/**
 * A rule in code, beside those of the policy. It only ever forbids or asks: what other rules refuse
 * stays refused.
 *
 * A rule that throws, is late, or returns anything else than a {@link PolicyVerdict} has rejected.
 *
 * @example
 * class OnlyKnownHosts implements PolicyRule {
 *   async evaluate(tx: TransactionRequest): Promise<PolicyVerdict> {
 *     if (await directory.knows(tx.to)) return { approved: true }
 *     return { approved: false, reason: 'the recipient is in no directory' }
 *   }
 * }
 */
export interface PolicyRule {
  /**
   * Names the rule in the policy; the class name if absent. Give one where code is minified, or the
   * name changes with every build.
   */
  readonly id?: string
  /** Whether one verdict serves for the same bytes under the same policy. */
  readonly cacheable?: boolean
  evaluate(tx: TransactionRequest, ctx: PolicyContext): PolicyVerdict | Promise<PolicyVerdict>
}
