// Tells a Slack channel that a request waits for a person, by an incoming webhook. The message has a link and never
// the power to approve.
//
//   const channel = new SlackNotifier({ webhookUrl: process.env.SLACK_WEBHOOK_URL })
import type { ApprovalRequest, NotificationChannel } from '@mpc-wallet/sdk'

export class SlackNotifier implements NotificationChannel {
  readonly #webhookUrl: string

  constructor({ webhookUrl }: { webhookUrl: string }) {
    this.#webhookUrl = webhookUrl
  }

  async notify(request: ApprovalRequest): Promise<void> {
    const lines = [
      `Approval needed: ${request.tx.value} base units to ${request.tx.to} on ${request.tx.chain}`,
      `Why: ${request.reason}`,
      ...(request.link === undefined ? [] : [`Decide: ${request.link}`]),
    ]
    const response = await fetch(this.#webhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: lines.join('\n') }),
      signal: AbortSignal.timeout(10_000),
    })
    if (!response.ok) throw new Error(`Slack answered ${response.status}`)
  }
}
