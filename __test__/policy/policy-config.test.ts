import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { PolicyConfig } from '../../src/policy/index.js'
import { CHAIN, ETHER, ruleThat, USDC, VENDOR, yes } from '../helpers/policy-requests.js'

const account = `${CHAIN}:${VENDOR}`
const token = `${CHAIN}/erc20:${USDC}`

const rules = (config: PolicyConfig) => config.toJSON()['rules']

/** A step that is refused, and the place that the refusal names. */
function refused(step: () => unknown, field: string) {
  expect(step).toThrow(
    expect.objectContaining({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(new RegExp(`^${field}`)),
    }),
  )
}

describe('PolicyConfig', () => {
  it('is never changed by a step', () => {
    const before = new PolicyConfig().withDailyLimit(CHAIN, 1n)
    const written = before.toBytes()

    before.withWeeklyLimit(CHAIN, 1n).withUnsafePrehashed()

    expect(before.toBytes()).toEqual(written)
    Object.assign(before.toJSON(), { permissive: true })
    expect(before.toBytes()).toEqual(written)
  })

  it('writes one rule for each step, with ids that differ', () => {
    const config = new PolicyConfig()
      .withSpendingLimits(CHAIN, { perTransaction: 1n, daily: 2n, weekly: 3n, timeZone: 'UTC' })
      .withPerTxLimit(CHAIN, 4n)
      .withDailyLimit(CHAIN, 5n, { asset: token, principal: 'bot', id: 'usdc' })
      .withWeeklyLimit(CHAIN, 0n)
      .withFeeLimits('bip122:000000000019d6689c085ae165831e93', { daily: 7n })

    const native = `${CHAIN}/slip44:60`
    expect(rules(config)).toEqual([
      {
        type: 'spendingLimits',
        id: 'spendingLimits',
        asset: native,
        perTransaction: '1',
        daily: '2',
        weekly: '3',
        timeZone: 'UTC',
      },
      { type: 'spendingLimits', id: 'spendingLimits-2', asset: native, perTransaction: '4' },
      { type: 'spendingLimits', id: 'usdc', principal: 'bot', asset: token, daily: '5' },
      { type: 'spendingLimits', id: 'spendingLimits-3', asset: native, weekly: '0' },
      {
        type: 'feeLimits',
        id: 'feeLimits',
        asset: 'bip122:000000000019d6689c085ae165831e93/slip44:0',
        daily: '7',
      },
    ])
  })

  it('takes amounts as bigints of base units only', () => {
    const config = new PolicyConfig()
    for (const amount of ['1.5', '1', 1, 1.5, -1n, 2n ** 256n, null])
      refused(() => config.withDailyLimit(CHAIN, amount as bigint), 'daily')
    config.withDailyLimit(CHAIN, 2n ** 256n - 1n)
    refused(() => config.withDailyLimit(CHAIN, undefined as unknown as bigint), 'limits')
    refused(() => config.withAdditionalApprovalThreshold(CHAIN, 0.1 as unknown as bigint), 'above')
  })

  it('writes addresses with their chain, and refuses those of another', () => {
    const config = new PolicyConfig().withWhitelist(CHAIN, [VENDOR, account])

    expect(rules(config)).toEqual([
      { type: 'whitelist', id: 'whitelist', chain: CHAIN, recipients: [account, account] },
    ])
    refused(() => config.withBlacklist(CHAIN, [`eip155:10:${VENDOR}`]), 'recipients\\[0\\]')
    refused(() => config.withBlacklist('ethereum', []), 'chain')
    refused(() => config.withDailyLimit(CHAIN, 1n, { asset: 'eip155:10/slip44:60' }), 'asset')
  })

  it('refuses an id that another rule has, in code or not', () => {
    const config = new PolicyConfig()
      .withDailyLimit(CHAIN, 1n, { id: 'a' })
      .withCustomRule(ruleThat(() => yes, { id: 'b' }))

    refused(() => config.withDailyLimit(CHAIN, 1n, { id: 'a' }), 'id')
    refused(() => config.withDailyLimit(CHAIN, 1n, { id: 'b' }), 'id')
    refused(() => config.withCustomRule(ruleThat(() => yes, { id: 'a' })), 'id')
    refused(() => config.withDailyLimit(CHAIN, 1n, { id: 'a b' }), 'id')
  })

  it('lets messages pass that it names, and no others', () => {
    const domain = { type: 'signIn', host: 'app.example' } as const
    const json = new PolicyConfig().withMessages([domain]).toJSON()

    expect(json['rules']).toEqual([{ type: 'messages', id: 'messages', domains: [domain] }])
    expect(json['exceptions']).toEqual([{ type: 'message', domain }])
  })

  it('keeps the rules in code for an engine', () => {
    const rule = ruleThat(() => yes)
    const config = new PolicyConfig().withCustomRule(rule, { roles: ['user'] })

    expect(config.customRules).toEqual([rule])
    expect(config.toJSON()['customRules']).toEqual([{ id: 'rule', roles: ['user'] }])
    refused(() => config.withCustomRule({} as never), 'rule.evaluate')
  })

  it('checks numbers, times, keys, shares and quorums where it can', () => {
    const config = new PolicyConfig()
    const principal = { name: 'bot', key: new Uint8Array(32), expiresAt: new Date(1) }
    refused(() => config.withPrincipal({ ...principal, key: new Uint8Array(31) }), 'key')
    refused(() => config.withPrincipal({ ...principal, expiresAt: new Date('no') }), 'expiresAt')
    refused(() => config.withPrincipal({ ...principal, name: 'a b' }), 'name')
    refused(() => config.withVelocityLimit({ count: -1, windowMs: 1 }), 'count')
    refused(() => config.withVelocityLimit({ count: 1, windowMs: 2_678_400_001 }), 'windowMs')
    refused(() => config.withNewRecipientCoolDown(-1), 'coolDownMs')
    refused(() => config.withAllotments({ user: 90, recovery: 11 }), 'allotments')
    refused(() => config.withQuorums({ approval: { user: 0, recovery: 0 } }), 'quorums.approval')
    refused(() => config.withTimeBounds({ notBefore: 5 as unknown as Date }), 'notBefore')
  })

  it('writes every step as the native side reads it', () => {
    const file = join(process.cwd(), '__test__/vectors/policy/config.json')

    expect(new TextDecoder().decode(everything().toBytes())).toBe(readFileSync(file, 'utf8').trim())
  })

  it('is empty, or permissive where somebody says so', () => {
    const json = (config: PolicyConfig) => config.toJSON()['permissive']
    expect([json(new PolicyConfig()), json(PolicyConfig.permissive())]).toEqual([false, true])
    expect(rules(new PolicyConfig())).toEqual([])
  })
})

/** A config of every step there is. */
function everything(): PolicyConfig {
  return PolicyConfig.permissive()
    .withPrincipal({
      name: 'bot',
      key: '0x1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca',
      expiresAt: new Date(1_900_000_000_000),
    })
    .withSpendingLimits(CHAIN, { perTransaction: ETHER, daily: 2n * ETHER, principal: 'bot' })
    .withPerTxLimit(CHAIN, 5n, { asset: token })
    .withDailyLimit(CHAIN, 6n, { asset: token, timeZone: 'Europe/Berlin' })
    .withWeeklyLimit(CHAIN, 7n, { asset: token })
    .withFeeLimits(CHAIN, { perTransaction: 8n })
    .withWhitelist(CHAIN, [VENDOR])
    .withBlacklist(CHAIN, [])
    .withTimeBounds({ notBefore: new Date(1), notAfter: new Date(2) })
    .withBusinessHours({ days: ['mon', 'fri'], start: '22:00', end: '06:00', timeZone: 'UTC' })
    .withContractRestrictions({
      chain: CHAIN,
      allowedContracts: [USDC],
      allowedSelectors: ['a9059cbb', '0x095ea7b3'],
      blockedSelectors: ['0x42842e0e'],
      arguments: [
        {
          contract: `${CHAIN}:${USDC}`,
          selector: '0xa9059cbb',
          argument: 1,
          check: { atMost: 9n },
        },
        {
          contract: `${CHAIN}:${USDC}`,
          selector: '0xa9059cbb',
          argument: 0,
          check: { in: [account] },
        },
      ],
      deployment: true,
      delegateCalls: false,
    })
    .withAdditionalApprovalThreshold(CHAIN, ETHER, { quorum: { user: 2, recovery: 1 } })
    .withAdditionalApprovalFor(['approve', 'delegate'])
    .withVelocityLimit({ count: 10, windowMs: 3_600_000 })
    .withNewRecipientCoolDown(86_400_000)
    .withMessages([
      { type: 'text' },
      { type: 'signIn', host: 'app.example' },
      { type: 'typedData', chain: CHAIN, contract: `${CHAIN}:${USDC}`, name: 'USD Coin' },
    ])
    .withFiatLimits({ currency: 'USD', maxPriceAgeMs: 60_000, daily: 1_000_000_000n })
    .withRequiredPrincipals(['bot'])
    .withContracts(CHAIN, [
      { address: USDC, kind: { type: 'erc20', decimals: 6 } },
      { address: VENDOR, kind: { type: 'other', functions: ['stake(uint256)'] } },
    ])
    .withUnknownCall(CHAIN, VENDOR, '0x11223344')
    .withUnknownCall(CHAIN, VENDOR)
    .withUnlimitedApproval(CHAIN, token, VENDOR)
    .withOwnerChanges(CHAIN, VENDOR)
    .withCustomRule(ruleThat(() => yes, { id: 'kyc' }))
    .withQuorums({ tighten: { user: 1, recovery: 0 }, approval: { user: 1, recovery: 1 } })
    .withAllotments({ user: 80, recovery: 20 })
    .withUnsafePrehashed()
}
