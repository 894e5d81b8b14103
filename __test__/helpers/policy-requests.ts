import type {
  ApprovalRequest,
  PolicyContext,
  PolicyRule,
  PolicyVerdict,
  TransactionRequest,
} from '../../src/policy/index.js'

export const CHAIN = 'eip155:1'
export const ETHER = 10n ** 18n
export const VENDOR = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
export const USDC = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'

/** A payment to the vendor. */
export function payment(value = ETHER): TransactionRequest {
  return { chain: CHAIN, to: VENDOR, value: value.toString() }
}

export const context: Omit<PolicyContext, 'signal'> = {
  effects: [],
  spending: [],
  timeMs: 1_800_000_000_000,
}

/** A rule that does what it is told. */
export function ruleThat(
  evaluate: (tx: TransactionRequest, ctx: PolicyContext) => unknown,
  options: { id?: string; cacheable?: boolean } = {},
): PolicyRule {
  // wrong verdicts are what the engine is tested with
  return { id: 'rule', ...options, evaluate: evaluate as PolicyRule['evaluate'] }
}

export const yes: PolicyVerdict = { approved: true }

/** A request that waits for the user and the guardian. */
export function waiting(tx: TransactionRequest): ApprovalRequest {
  return {
    id: 'request-1',
    tx,
    effects: [],
    reason: 'more than 1 ether in one request',
    ruleId: 'approvalThreshold',
    quorum: { user: 1, recovery: 1 },
    approvers: ['user', 'recovery'],
    expiresAtMs: 1_800_000_300_000,
    link: 'https://wallet.example/requests/request-1',
  }
}
