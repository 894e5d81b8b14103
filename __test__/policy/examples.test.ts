import { afterEach, describe, expect, it } from '@jest/globals'
import { CustomKYCRule } from '../../examples/custom-kyc-rule.js'
import { SlackNotifier } from '../../examples/slack-notifier.js'
import { PolicyConfig, PolicyEngine } from '../../src/policy/index.js'
import { type Answer, httpService } from '../helpers/http-service.js'
import { CHAIN, context, ETHER, payment, VENDOR, waiting } from '../helpers/policy-requests.js'

let service: Awaited<ReturnType<typeof httpService>>

async function serving(answer: Answer) {
  service = await httpService(answer)
  return service
}

afterEach(async () => service.close())

/** What the rule says of a payment, through the engine. */
async function verdict(answer: Answer, value: bigint, timeoutMs = 5_000) {
  const { url } = await serving(answer)
  const policy = new PolicyConfig()
    .withDailyLimit(CHAIN, 10n * ETHER)
    .withCustomRule(new CustomKYCRule({ service: url, above: ETHER }))
  const engine = new PolicyEngine({ rules: policy.customRules, timeoutMs })
  const [said] = await engine.evaluate({ tx: payment(value), context })
  return said
}

describe('examples/custom-kyc-rule.ts', () => {
  const unverified = { type: 'rejected', reason: 'the recipient has not been verified' }

  it('is named by its class in the policy', async () => {
    const { url } = await serving(() => undefined)
    const policy = new PolicyConfig().withCustomRule(
      new CustomKYCRule({ service: url, above: ETHER }),
    )

    expect(policy.toJSON()['customRules']).toEqual([
      { id: 'CustomKYCRule', roles: ['agent', 'user'] },
    ])
  })

  it('asks nobody about values up to its limit', async () => {
    expect(await verdict(() => undefined, ETHER)).toEqual({
      id: 'CustomKYCRule',
      verdict: { type: 'approved' },
    })
    expect(service.asked).toEqual([])
  })

  it('approves above it whom the service has verified', async () => {
    const said = await verdict(() => ({ status: 200, body: { verified: true } }), ETHER + 1n)

    expect(said?.verdict).toEqual({ type: 'approved' })
    expect(service.asked.map(({ url }) => url)).toEqual([`/recipients/${VENDOR}`])
  })

  it.each([
    ['has not verified', { status: 200, body: { verified: false } }],
    ['says nothing of', { status: 200, body: {} }],
    ['does not know', { status: 404 }],
  ])('rejects whom the service %s', async (_, answer) => {
    expect((await verdict(() => answer, 2n * ETHER))?.verdict).toEqual(unverified)
  })

  it('rejects when the service fails or does not answer', async () => {
    const failed = await verdict(() => ({ status: 500 }), 2n * ETHER)
    expect(failed?.verdict).toEqual({ type: 'rejected', reason: 'the custom rule failed' })
    await service.close()

    const late = await verdict(() => undefined, 2n * ETHER, 50)
    expect(late?.verdict).toEqual({
      type: 'rejected',
      reason: 'the custom rule gave no verdict in time',
    })
  })
})

describe('examples/slack-notifier.ts', () => {
  it('posts value, recipient, reason and link to the webhook', async () => {
    const { url, asked } = await serving(() => ({ status: 200 }))

    await new SlackNotifier({ webhookUrl: `${url}/hook` }).notify(waiting(payment()))

    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /hook'])
    expect(JSON.parse(asked[0]?.body ?? '').text.split('\n')).toEqual([
      `Approval needed: 1000000000000000000 base units to ${VENDOR} on eip155:1`,
      'Why: more than 1 ether in one request',
      'Decide: https://wallet.example/requests/request-1',
    ])
  })

  it('throws when Slack does not take the message', async () => {
    const { url } = await serving(() => ({ status: 403 }))

    const sent = new SlackNotifier({ webhookUrl: url }).notify(waiting(payment()))

    await expect(sent).rejects.toThrow('Slack answered 403')
  })
})
