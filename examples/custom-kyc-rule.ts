// A rule in code: above a value, a service must know the recipient. Anything but a clear yes is a no, also the
// service's failure, because a rule that throws has rejected.
//
//   const rule = new CustomKYCRule({ service: 'https://kyc.example', above: 10n ** 18n })
//   const policy = new PolicyConfig().withDailyLimit('eip155:1', 10n ** 19n).withCustomRule(rule)
//   const engine = new PolicyEngine({ rules: policy.customRules })
import type { PolicyContext, PolicyRule, PolicyVerdict, TransactionRequest } from '@mpc-wallet/sdk'

export class CustomKYCRule implements PolicyRule {
  readonly #service: string
  readonly #above: bigint

  constructor({ service, above }: { service: string; above: bigint }) {
    this.#service = service
    this.#above = above
  }

  async evaluate(tx: TransactionRequest, ctx: PolicyContext): Promise<PolicyVerdict> {
    if (BigInt(tx.value) <= this.#above) return { approved: true }
    const response = await fetch(`${this.#service}/recipients/${encodeURIComponent(tx.to)}`, {
      signal: ctx.signal,
    })
    if (response.status === 404) {
      return { approved: false, reason: 'the recipient has not been verified' }
    }
    if (!response.ok) throw new Error(`the KYC service answered ${response.status}`)
    const recipient = (await response.json()) as { verified?: unknown }
    if (recipient.verified !== true) {
      return { approved: false, reason: 'the recipient has not been verified' }
    }
    return { approved: true }
  }
}
