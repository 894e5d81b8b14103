import { invalid } from '../guards.js'
import type { PolicyRule } from './policy-rule.js'

/** Ids of rules and names of principals, as the native side takes them. @internal */
export function requireRuleId(field: string, id: unknown): string {
  if (typeof id !== 'string' || !/^[A-Za-z0-9_.:-]{1,64}$/.test(id))
    throw invalid(field, "must be 1 to 64 letters, digits, '-', '_', '.' or ':'")
  return id
}

/** The id of a rule in code: its own, or the name of its class. @internal */
export function ruleId(field: string, rule: PolicyRule): string {
  if (rule.id !== undefined) return requireRuleId(`${field}.id`, rule.id)
  const name: unknown = Object.getPrototypeOf(rule)?.constructor?.name
  if (typeof name !== 'string' || name === '' || name === 'Object')
    throw invalid(`${field}.id`, 'is needed, because the rule is of no class with a name')
  return requireRuleId(`${field}.id`, name)
}
