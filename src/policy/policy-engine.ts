import { createHash } from 'node:crypto'
import { invalid, isBytes, requireFunction, requireInteger, requireObject } from '../guards.js'
import type { PolicyContext, PolicyRule, TransactionRequest } from './policy-rule.js'
import { ruleId } from './rule-id.js'
import { type RuleVerdict, readVerdict } from './rule-verdict.js'

/** How long a rule may take, unless told otherwise. */
const DEFAULT_TIMEOUT_MS = 5_000
const MAX_TIMEOUT_MS = 10 * 60_000
/** As many custom rules as a policy may name. */
const MAX_RULES = 32
/** Cached verdicts; the oldest goes first. */
const MAX_CACHED = 1_000

/** What a {@link PolicyEngine} is made of. */
export interface PolicyEngineParameters {
  /** The rules, at most 32; each id once. */
  readonly rules: readonly PolicyRule[]
  /** How long each rule may take, 1 ms to 10 minutes; 5 seconds if absent. */
  readonly timeoutMs?: number
}

/** What is put to the rules. */
export interface EvaluateRulesParameters {
  readonly tx: TransactionRequest
  readonly context: Omit<PolicyContext, 'signal'>
  /** What verdicts may be cached for: the exact unsigned bytes, and the policy in force. */
  readonly cacheFor?: { readonly bytes: Uint8Array; readonly policyHash: string }
  /** Gives the request up: every rule that has not answered has rejected. */
  readonly signal?: AbortSignal
}

/**
 * Runs rules in code, for their verdicts to go into the native evaluation.
 *
 * It fails closed: a rule that throws, is late, or says something odd has rejected. Rules run at the
 * same time; one that blocks the thread cannot be interrupted and is judged when it returns.
 *
 * @example
 * const engine = new PolicyEngine({ rules: [new CustomKYCRule()], timeoutMs: 2_000 })
 * const verdicts = await engine.evaluate({ tx, context })
 */
export class PolicyEngine {
  readonly #rules: ReadonlyMap<string, PolicyRule>
  readonly #timeoutMs: number
  readonly #cache = new Map<string, RuleVerdict>()

  /** @throws {@link MpcWalletError} `INVALID_INPUT` for rules without a name, or two of one name. */
  constructor({ rules, timeoutMs = DEFAULT_TIMEOUT_MS }: PolicyEngineParameters) {
    if (!Array.isArray(rules) || rules.length > MAX_RULES)
      throw invalid('rules', `must be a list of at most ${MAX_RULES} rules`)
    const byId = new Map<string, PolicyRule>()
    for (const [index, rule] of rules.entries()) {
      const field = `rules[${index}]`
      requireFunction(`${field}.evaluate`, requireObject(field, rule).evaluate)
      const id = ruleId(field, rule)
      if (byId.has(id)) throw invalid(`${field}.id`, 'is the id of another rule')
      byId.set(id, rule)
    }
    this.#rules = byId
    this.#timeoutMs = requireInteger('timeoutMs', timeoutMs, { min: 1, max: MAX_TIMEOUT_MS })
  }

  /** The ids of the rules, in order. */
  get ruleIds(): readonly string[] {
    return [...this.#rules.keys()].sort()
  }

  /** One verdict of every rule, in the order of ids. Never rejects. */
  async evaluate(parameters: EvaluateRulesParameters): Promise<readonly RuleVerdict[]> {
    return await Promise.all(this.ruleIds.map((id) => this.#verdict(id, parameters)))
  }

  async #verdict(id: string, parameters: EvaluateRulesParameters): Promise<RuleVerdict> {
    const rule = this.#rules.get(id)
    if (rule === undefined) return { id, verdict: { type: 'rejected', reason: 'unknown rule' } }
    const key = cacheKey(id, rule, parameters)
    const cached = key === undefined ? undefined : this.#cache.get(key)
    if (cached !== undefined) return cached
    const verdict = await this.#ask(id, rule, parameters)
    // a failure says nothing about the request, so the next one asks again
    if (key !== undefined && verdict.failure === undefined) this.#keep(key, verdict)
    return verdict
  }

  async #ask(
    id: string,
    rule: PolicyRule,
    { tx, context, signal }: EvaluateRulesParameters,
  ): Promise<RuleVerdict> {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(new Error('the rule is late')), this.#timeoutMs)
    const giveUp = () => stop.abort(signal?.reason)
    if (signal?.aborted) giveUp()
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      const answer = await untilAborted(stop.signal, async () =>
        rule.evaluate(tx, Object.freeze({ ...context, signal: stop.signal })),
      )
      return readVerdict(id, answer)
    } catch (error) {
      const reason = stop.signal.aborted
        ? 'the custom rule gave no verdict in time'
        : 'the custom rule failed'
      return { id, verdict: { type: 'rejected', reason }, failure: error }
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
  }

  #keep(key: string, verdict: RuleVerdict): void {
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size < MAX_CACHED) break
      this.#cache.delete(oldest)
    }
    this.#cache.set(key, verdict)
  }
}

/** What a call resolves to, unless the signal comes first; what comes later is nobody's. */
function untilAborted<Value>(signal: AbortSignal, call: () => Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    call().then(resolve, reject)
  })
}

function cacheKey(
  id: string,
  rule: PolicyRule,
  { cacheFor }: EvaluateRulesParameters,
): string | undefined {
  if (rule.cacheable !== true || cacheFor === undefined) return undefined
  const { bytes, policyHash } = cacheFor
  if (!isBytes(bytes) || typeof policyHash !== 'string') return undefined
  return JSON.stringify([id, policyHash, createHash('sha256').update(bytes).digest('hex')])
}
