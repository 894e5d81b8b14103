export type { ApprovalRequest, NotificationChannel } from './notification-channel.js'
export { PolicyConfig } from './policy-config.js'
export type {
  Allotments,
  ArgumentRule,
  AssetOption,
  BusinessHours,
  ContractEntry,
  ContractKind,
  ContractRestrictions,
  CustomRuleOptions,
  Day,
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
export {
  type EvaluateRulesParameters,
  PolicyEngine,
  type PolicyEngineParameters,
} from './policy-engine.js'
export type {
  PolicyContext,
  PolicyRule,
  PolicyVerdict,
  SpendingSoFar,
  TransactionRequest,
} from './policy-rule.js'
export type { RuleVerdict } from './rule-verdict.js'
