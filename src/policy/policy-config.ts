import { canonicalBytes, type Json } from '../canonical-json.js'
import {
  invalid,
  requireBytes,
  requireFunction,
  requireInteger,
  requireObject,
  requireRole,
} from '../guards.js'
import { PartyRole } from '../party-role.js'
import { writeBaseUnits, writeOptionalBaseUnits } from './base-units.js'
import { accountOn, nativeAsset, requireChain, requireList, requireText } from './caip.js'
import type {
  Allotments,
  AssetOption,
  BusinessHours,
  ContractEntry,
  ContractRestrictions,
  CustomRuleOptions,
  EffectKind,
  FiatLimits,
  LimitAmounts,
  MessageDomain,
  PrincipalEntry,
  Quorum,
  QuorumOption,
  Quorums,
  RuleOptions,
  TimeBounds,
  VelocityLimit,
  WindowOptions,
} from './policy-config-parameters.js'
import type { PolicyRule } from './policy-rule.js'
import { requireRuleId, ruleId } from './rule-id.js'

/** Schema of {@link PolicyConfig.toJSON}. */
const SCHEMA = 'mpc-wallet/policy-config@1'

type JsonObject = { readonly [key: string]: Json }

interface State {
  readonly allotments?: JsonObject
  readonly contracts: readonly JsonObject[]
  readonly customRules: readonly { readonly id: string; readonly roles: readonly PartyRole[] }[]
  readonly exceptions: readonly JsonObject[]
  readonly permissive: boolean
  readonly principals: readonly JsonObject[]
  readonly quorums: JsonObject
  readonly rules: readonly JsonObject[]
  readonly unsafePrehashed: boolean
  readonly code: readonly PolicyRule[]
}

const EMPTY: State = Object.freeze({
  contracts: [],
  customRules: [],
  exceptions: [],
  permissive: false,
  principals: [],
  quorums: {},
  rules: [],
  unsafePrehashed: false,
  code: [],
})

/**
 * The rules of a wallet, built step by step. Every step gives a new config and leaves the old one
 * as it was.
 *
 * A rule only forbids or asks; the order of rules is nothing, and the strictest wins. Without rules
 * a wallet signs nothing. Amounts are bigints of base units. The native side checks everything once
 * more, at every party, when the wallet is made.
 *
 * @example
 * const policy = new PolicyConfig()
 *   .withSpendingLimits('eip155:1', { perTransaction: 10n ** 17n, daily: 10n ** 18n })
 *   .withWhitelist('eip155:1', ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'])
 *   .withAdditionalApprovalThreshold('eip155:1', 5n * 10n ** 16n)
 */
export class PolicyConfig {
  #state: State = EMPTY

  /**
   * A policy under which whatever no rule forbids is signed, read or not: the explicit opt-out.
   *
   * Code for the account and changes of owner still wait for persons, and digests still need
   * `withUnsafePrehashed`.
   */
  static permissive(): PolicyConfig {
    return new PolicyConfig().#with({ permissive: true })
  }

  /** Limits of one asset of a chain. */
  withSpendingLimits(
    chain: string,
    limits: LimitAmounts & AssetOption & WindowOptions & RuleOptions,
  ): PolicyConfig {
    const asset = requireObject('limits', limits).asset ?? nativeAsset(chain)
    return this.#withLimits('spendingLimits', chain, { ...limits, asset })
  }

  /** Limits of what fees may cost on a chain, in its native asset. They count apart from spending. */
  withFeeLimits(chain: string, limits: LimitAmounts & WindowOptions & RuleOptions): PolicyConfig {
    return this.#withLimits('feeLimits', chain, { ...limits, asset: nativeAsset(chain) })
  }

  /** The most that leaves in one request. */
  withPerTxLimit(chain: string, amount: bigint, options?: AssetOption & RuleOptions): PolicyConfig {
    return this.withSpendingLimits(chain, { ...options, perTransaction: amount })
  }

  /** The most that leaves in 24 hours, or in a day of `timeZone`. */
  withDailyLimit(
    chain: string,
    amount: bigint,
    options?: AssetOption & WindowOptions & RuleOptions,
  ): PolicyConfig {
    return this.withSpendingLimits(chain, { ...options, daily: amount })
  }

  /** The most that leaves in 7 days, or in a week of `timeZone`. */
  withWeeklyLimit(
    chain: string,
    amount: bigint,
    options?: AssetOption & WindowOptions & RuleOptions,
  ): PolicyConfig {
    return this.withSpendingLimits(chain, { ...options, weekly: amount })
  }

  /**
   * Who may receive on a chain: of a token transfer its receiver, of an approval the spender. An
   * empty list allows nobody.
   */
  withWhitelist(chain: string, recipients: readonly string[], options?: RuleOptions): PolicyConfig {
    return this.#withRecipients('whitelist', chain, recipients, options)
  }

  /** Who may not receive, be approved or be called on a chain. It beats every whitelist. */
  withBlacklist(chain: string, recipients: readonly string[], options?: RuleOptions): PolicyConfig {
    return this.#withRecipients('blacklist', chain, recipients, options)
  }

  /** From when until when anything is signed. */
  withTimeBounds({ notBefore, notAfter, ...options }: TimeBounds): PolicyConfig {
    return this.#withRule('timeBounds', options, {
      notBefore: notBefore === undefined ? undefined : milliseconds('notBefore', notBefore),
      notAfter: notAfter === undefined ? undefined : milliseconds('notAfter', notAfter),
    })
  }

  /** At which hours of which days, by the clock of a time zone. */
  withBusinessHours({ days, start, end, timeZone, ...options }: BusinessHours): PolicyConfig {
    return this.#withRule('businessHours', options, {
      days: requireList('days', days).map((day, index) => requireText(`days[${index}]`, day)),
      start: requireText('start', start),
      end: requireText('end', end),
      timeZone: requireText('timeZone', timeZone),
    })
  }

  /** Which code may run. What is not said to be allowed, creating contracts and the like, is not. */
  withContractRestrictions({
    chain,
    allowedContracts,
    allowedSelectors,
    blockedSelectors,
    arguments: conditions,
    deployment,
    delegateCalls,
    unknown,
    ...options
  }: ContractRestrictions): PolicyConfig {
    const texts = (field: string, list: readonly string[] | undefined) =>
      list && requireList(field, list).map((text, at) => requireText(`${field}[${at}]`, text))
    return this.#withRule('contractRestrictions', options, {
      chain: chain === undefined ? undefined : requireChain('chain', chain),
      allowedContracts: texts('allowedContracts', allowedContracts)?.map((address) =>
        chain === undefined ? address : accountOn(chain, 'allowedContracts', address),
      ),
      allowedSelectors: texts('allowedSelectors', allowedSelectors),
      blockedSelectors: texts('blockedSelectors', blockedSelectors),
      arguments: conditions?.map(({ check, ...condition }, index) => ({
        ...condition,
        check:
          'atMost' in check
            ? { atMost: writeBaseUnits(`arguments[${index}].check.atMost`, check.atMost) }
            : check,
      })),
      deployment,
      delegateCalls,
      unknown,
    })
  }

  /** Asks persons where more than an amount leaves in one request. */
  withAdditionalApprovalThreshold(
    chain: string,
    above: bigint,
    { asset, quorum, ...options }: AssetOption & QuorumOption & RuleOptions = {},
  ): PolicyConfig {
    return this.#withRule('approvalThreshold', options, {
      above: writeBaseUnits('above', above),
      asset: assetOn(chain, asset),
      quorum: quorum && writeQuorum('quorum', quorum),
    })
  }

  /** Asks persons for every effect of these kinds. */
  withAdditionalApprovalFor(
    kinds: readonly EffectKind[],
    { quorum, ...options }: QuorumOption & RuleOptions = {},
  ): PolicyConfig {
    return this.#withRule('approvalThreshold', options, {
      kinds: requireList('kinds', kinds).map((kind, at) => requireText(`kinds[${at}]`, kind)),
      quorum: quorum && writeQuorum('quorum', quorum),
    })
  }

  /** How many requests in a rolling window. */
  withVelocityLimit({ count, windowMs, ...options }: VelocityLimit): PolicyConfig {
    return this.#withRule('velocity', options, {
      count: requireInteger('count', count, { min: 0, max: 2 ** 32 - 1 }),
      windowMs: String(requireInteger('windowMs', windowMs, { min: 1, max: 31 * 86_400_000 })),
    })
  }

  /** A recipient that was never paid before is paid once, and again only after this time. */
  withNewRecipientCoolDown(coolDownMs: number, options: RuleOptions = {}): PolicyConfig {
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER }
    const written = String(requireInteger('coolDownMs', coolDownMs, bounds))
    return this.#withRule('newRecipients', options, { coolDownMs: written })
  }

  /**
   * Which messages and typed data are signed, and no others: without this step none, but typed data
   * whose effects are known.
   */
  withMessages(domains: readonly MessageDomain[], options: RuleOptions = {}): PolicyConfig {
    const written = requireList('domains', domains).map((domain) => ({ ...domain }))
    const exceptions = written.map((domain) => ({ type: 'message', domain }))
    return this.#withRule('messages', options, { domains: written }).#append({ exceptions })
  }

  /** Limits in a currency, over all assets. */
  withFiatLimits({ currency, maxPriceAgeMs, ...limits }: FiatLimits): PolicyConfig {
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER }
    return this.#withRule('fiatLimits', limits, {
      currency: requireText('currency', currency),
      maxAgeMs: String(requireInteger('maxPriceAgeMs', maxPriceAgeMs, bounds)),
      ...writeLimits(limits),
    })
  }

  /** Contracts that a decoder may rely on: what is not listed is decoded only where that is safe. */
  withContracts(chain: string, entries: readonly ContractEntry[]): PolicyConfig {
    const contracts = requireList('contracts', entries).map(({ address, kind }, index) => ({
      address: accountOn(chain, `contracts[${index}].address`, address),
      kind: { ...kind },
    }))
    return this.#append({ contracts })
  }

  /** A key on whose behalf requests are made. */
  withPrincipal({ name, key, expiresAt }: PrincipalEntry): PolicyConfig {
    const bytes = requireBytes('key', key, { min: 32, max: 32 })
    const principal = {
      expiresAt: milliseconds('expiresAt', expiresAt),
      key: Buffer.from(bytes).toString('base64url'),
      name: requireRuleId('name', name),
    }
    return this.#append({ principals: [principal] })
  }

  /** Requests must be signed by one of these principals. */
  withRequiredPrincipals(names: readonly string[], options: RuleOptions = {}): PolicyConfig {
    const allowed = requireList('names', names).map((name, at) =>
      requireRuleId(`names[${at}]`, name),
    )
    return this.#withRule('principals', options, { allowed })
  }

  /**
   * A rule in code. Whoever evaluates gives it to a {@link PolicyEngine}; the policy holds its name.
   */
  withCustomRule(
    rule: PolicyRule,
    { roles = [PartyRole.Agent, PartyRole.User] }: CustomRuleOptions = {},
  ): PolicyConfig {
    requireFunction('rule.evaluate', requireObject('rule', rule).evaluate)
    const id = ruleId('rule', rule)
    this.#requireFree(id)
    const parties = requireList('roles', roles).map((role, at) => requireRole(`roles[${at}]`, role))
    return this.#append({ customRules: [{ id, roles: parties }], code: [rule] })
  }

  /**
   * Allows a call that cannot be decoded, by its exact name; without a selector, calls that have
   * none. What it moves beyond its native value is not known and not counted.
   */
  withUnknownCall(chain: string, contract: string, selector?: string): PolicyConfig {
    const named = selector === undefined ? {} : { selector: requireText('selector', selector) }
    const exception = {
      type: 'unknownCall',
      contract: accountOn(chain, 'contract', contract),
      ...named,
    }
    return this.#append({ exceptions: [exception] })
  }

  /** Allows approvals of a spender without an amount. They count against no limit. */
  withUnlimitedApproval(chain: string, asset: string, spender: string): PolicyConfig {
    const exception = {
      type: 'unlimitedApproval',
      asset: assetOn(chain, asset),
      spender: accountOn(chain, 'spender', spender),
    }
    return this.#append({ exceptions: [exception] })
  }

  /** Allows changes of owner, modules or code of an account, each with the approval of persons. */
  withOwnerChanges(chain: string, account: string): PolicyConfig {
    const exception = { type: 'ownerChange', account: accountOn(chain, 'account', account) }
    return this.#append({ exceptions: [exception] })
  }

  /** Who decides what; what is left out stays as it is. */
  withQuorums(quorums: Quorums): PolicyConfig {
    const entries = Object.entries(requireObject('quorums', quorums))
    const written = entries.map(([name, quorum]) => [name, writeQuorum(`quorums.${name}`, quorum)])
    return this.#with({ quorums: { ...this.#state.quorums, ...Object.fromEntries(written) } })
  }

  /** The co-signers' shares of every limit over time: all of it the user's, unless told otherwise. */
  withAllotments({ user, recovery }: Allotments): PolicyConfig {
    const percent = { min: 0, max: 100 }
    const allotments = {
      recovery: requireInteger('recovery', recovery, percent),
      user: requireInteger('user', user, percent),
    }
    if (allotments.user + allotments.recovery > 100)
      throw invalid('allotments', 'the shares add up to more than 100 percent')
    return this.#with({ allotments })
  }

  /** Lets digests be signed that say nothing about what they are for, each with approval. */
  withUnsafePrehashed(): PolicyConfig {
    return this.#with({ unsafePrehashed: true })
  }

  /** The rules in code, for a {@link PolicyEngine}. */
  get customRules(): readonly PolicyRule[] {
    return [...this.#state.code]
  }

  /** The config as JSON, which `toBytes` writes. A copy. */
  toJSON(): { readonly [key: string]: Json } {
    const { code: _, ...members } = this.#state
    return structuredClone({ ...members, schema: SCHEMA })
  }

  /** The config as canonical JSON (RFC 8785), in UTF-8: what the native side reads. */
  toBytes(): Uint8Array {
    return canonicalBytes('policy', this.toJSON())
  }

  #with(change: Partial<State>): PolicyConfig {
    const next = new PolicyConfig()
    next.#state = Object.freeze({ ...this.#state, ...change })
    return next
  }

  #append(
    lists: Partial<
      Pick<State, 'contracts' | 'customRules' | 'exceptions' | 'principals' | 'rules' | 'code'>
    >,
  ): PolicyConfig {
    const joined = Object.entries(lists).map(([name, entries]) => {
      const before = this.#state[name as keyof typeof lists] // the keys are those of `lists`
      return [name, [...before, ...entries]]
    })
    return this.#with(Object.fromEntries(joined))
  }

  #withLimits(
    type: string,
    chain: string,
    { asset, ...limits }: LimitAmounts & WindowOptions & RuleOptions & { readonly asset: string },
  ): PolicyConfig {
    return this.#withRule(type, limits, { asset: assetOn(chain, asset), ...writeLimits(limits) })
  }

  #withRecipients(
    type: string,
    chain: string,
    recipients: readonly string[],
    options: RuleOptions = {},
  ): PolicyConfig {
    return this.#withRule(type, options, {
      chain: requireChain('chain', chain),
      recipients: requireList('recipients', recipients).map((address, index) =>
        accountOn(chain, `recipients[${index}]`, address),
      ),
    })
  }

  #withRule(
    type: string,
    { id, principal }: RuleOptions,
    fields: { readonly [name: string]: Json | undefined },
  ): PolicyConfig {
    const rule: { [name: string]: Json } = { type, id: this.#ruleId(type, id) }
    if (principal !== undefined) rule['principal'] = requireRuleId('principal', principal)
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) rule[name] = value
    return this.#append({ rules: [rule] })
  }

  #ruleId(type: string, id: string | undefined): string {
    if (id !== undefined) return this.#requireFree(requireRuleId('id', id))
    const taken = this.#ids()
    let number = 1
    let made = type
    while (taken.has(made)) {
      number += 1
      made = `${type}-${number}`
    }
    return made
  }

  #requireFree(id: string): string {
    if (this.#ids().has(id)) throw invalid('id', 'is the id of another rule')
    return id
  }

  #ids(): ReadonlySet<Json | undefined> {
    const { rules, customRules } = this.#state
    return new Set([...rules, ...customRules].map((rule) => rule.id))
  }
}

/** A config, or none. By shape, not by class: it may come from the other copy of the package. @internal */
export function requirePolicy(field: string, policy: unknown): PolicyConfig | undefined {
  if (policy === undefined) return undefined
  const { toJSON, customRules } = requireObject(field, policy as PolicyConfig)
  if (typeof toJSON !== 'function' || !Array.isArray(customRules))
    throw invalid(field, 'must be a PolicyConfig')
  return policy as PolicyConfig // it has what is used of it
}

function assetOn(chain: string, asset: string | undefined): string {
  const native = nativeAsset(chain)
  if (asset === undefined) return native
  if (!requireText('asset', asset).startsWith(`${chain}/`))
    throw invalid('asset', 'must be an asset of the chain (CAIP-19)')
  return asset
}

function writeLimits(limits: LimitAmounts & WindowOptions): { [name: string]: Json } {
  const written: { [name: string]: Json } = {}
  for (const name of ['perTransaction', 'daily', 'weekly'] as const) {
    const amount = writeOptionalBaseUnits(name, limits[name])
    if (amount !== undefined) written[name] = amount
  }
  if (Object.keys(written).length === 0)
    throw invalid('limits', 'must have perTransaction, daily or weekly')
  if (limits.timeZone !== undefined) written['timeZone'] = requireText('timeZone', limits.timeZone)
  return written
}

function writeQuorum(
  field: string,
  { user, recovery }: Quorum,
): { user: number; recovery: number } {
  const bounds = { min: 0, max: 16 }
  const quorum = {
    recovery: requireInteger(`${field}.recovery`, recovery, bounds),
    user: requireInteger(`${field}.user`, user, bounds),
  }
  if (quorum.user + quorum.recovery === 0) throw invalid(field, 'names nobody')
  return quorum
}

function milliseconds(field: string, date: unknown): string {
  // by shape, not by class: dates may come from another realm
  const isDate = Object.prototype.toString.call(date) === '[object Date]'
  const time = isDate ? Number(date) : Number.NaN
  if (!Number.isSafeInteger(time) || time < 0) throw invalid(field, 'must be a Date after 1970')
  return String(time)
}
