import type { PartyRole } from '../party-role.js'

/** What every rule may have. */
export interface RuleOptions {
  /** Names the rule in decisions and differences; made from its kind if absent. */
  readonly id?: string
  /**
   * The rule is about requests of this principal, and of those that name none. It must have been
   * added with `withPrincipal`.
   */
  readonly principal?: string
}

/** How the windows of a limit are laid. */
export interface WindowOptions {
  /**
   * IANA name, such as `Europe/Berlin`: days and weeks of that calendar (from Monday) instead of
   * the last 24 hours and 7 days.
   */
  readonly timeZone?: string
}

/** Amounts in base units. More is refused, equal is not; 0n allows nothing; absent is no limit. */
export interface LimitAmounts {
  /** In one request, all its items and effects together. */
  readonly perTransaction?: bigint
  readonly daily?: bigint
  readonly weekly?: bigint
}

/** Of which asset a limit is. */
export interface AssetOption {
  /** CAIP-19, such as `eip155:1/erc20:0x…`; the native asset of the chain if absent. */
  readonly asset?: string
}

export interface TimeBounds extends RuleOptions {
  /** Nothing before it. */
  readonly notBefore?: Date
  /** Nothing at or after it. */
  readonly notAfter?: Date
}

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'

export interface BusinessHours extends RuleOptions {
  readonly days: readonly Day[]
  /** First minute inside, `HH:MM`. */
  readonly start: string
  /** First minute outside, `HH:MM` to `24:00`; before `start` it is of the next day. */
  readonly end: string
  /** IANA name. */
  readonly timeZone: string
}

/** A condition on a decoded argument. */
export interface ArgumentRule {
  /** CAIP-10. */
  readonly contract: string
  /** 4 bytes in hexadecimal. */
  readonly selector: string
  /** Position, from 0. */
  readonly argument: number
  readonly check:
    | { readonly equals: string }
    | { readonly in: readonly string[] }
    | { readonly atMost: bigint }
}

export interface ContractRestrictions extends RuleOptions {
  /** CAIP-2; every chain if absent. */
  readonly chain?: string
  /** CAIP-10, or addresses of `chain`; any contract if absent. */
  readonly allowedContracts?: readonly string[]
  /** 4 bytes in hexadecimal, with or without `0x`; any function if absent. */
  readonly allowedSelectors?: readonly string[]
  readonly blockedSelectors?: readonly string[]
  readonly arguments?: readonly ArgumentRule[]
  /** Whether contracts may be created; no if absent. */
  readonly deployment?: boolean
  /** Whether code may run with the account's own rights; no if absent. */
  readonly delegateCalls?: boolean
  /** Whether calls that cannot be decoded may pass this rule; no if absent. */
  readonly unknown?: boolean
}

/** How many different approvers of each role must say yes. */
export interface Quorum {
  readonly user: number
  readonly recovery: number
}

export interface QuorumOption {
  /** Who approves; the policy's quorum for approvals (one of each role) if absent. */
  readonly quorum?: Quorum
}

export type EffectKind =
  | 'transfer'
  | 'approve'
  | 'revoke'
  | 'permit'
  | 'delegate'
  | 'swap'
  | 'deploy'
  | 'call'
  | 'message'
  | 'ownerChange'
  | 'feeOnly'
  | 'unknown'

export interface VelocityLimit extends RuleOptions {
  /** The most requests; a batch is one. */
  readonly count: number
  /** Length of the rolling window, at most 31 days. */
  readonly windowMs: number
}

/** Limits over all assets, in millionths of a currency's unit: 1_000_000n is one dollar. */
export interface FiatLimits extends LimitAmounts, WindowOptions, RuleOptions {
  /** ISO 4217. */
  readonly currency: string
  /** An older price is no price, and without a price nothing is approved. */
  readonly maxPriceAgeMs: number
}

/** What a message or typed data is for. */
export type MessageDomain =
  | { readonly type: 'text' }
  | { readonly type: 'signIn'; readonly host: string }
  | {
      readonly type: 'typedData'
      /** CAIP-2. */
      readonly chain?: string
      /** CAIP-10. */
      readonly contract?: string
      readonly name?: string
    }

/** What a contract is. */
export type ContractKind =
  | { readonly type: 'erc20'; readonly decimals: number }
  | {
      readonly type:
        | 'erc721'
        | 'erc1155'
        | 'wrappedNative'
        | 'account'
        | 'delegate'
        | 'factory'
        | 'sponsor'
        | 'multicall'
    }
  | { readonly type: 'router'; readonly version: string }
  | { readonly type: 'other'; readonly functions: readonly string[] }

/** A contract for which the owner vouches. */
export interface ContractEntry {
  readonly address: string
  readonly kind: ContractKind
}

export interface PrincipalEntry {
  readonly name: string
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array | `0x${string}`
  readonly expiresAt: Date
}

export interface CustomRuleOptions {
  /**
   * The parties that run it; the agent and the user if absent. A party that has not loaded a rule
   * that the policy names there refuses everything.
   */
  readonly roles?: readonly PartyRole[]
}

/** Shares of every limit over time, in percent; together at most 100. */
export interface Allotments {
  readonly user: number
  readonly recovery: number
}

export interface Quorums {
  /** Additional approvals. */
  readonly approval?: Quorum
  /** Changes that loosen. */
  readonly loosen?: Quorum
  /** Changes that only tighten. */
  readonly tighten?: Quorum
  /** Ending a freeze. */
  readonly unfreeze?: Quorum
}
