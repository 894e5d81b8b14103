import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Wallet } from '#native'
import { committee, type Each, NOW, read, requestOf } from '../helpers/native-committee.js'

const CONFIG = { schema: 'mpc-wallet/policy-config@1' }

/** What the rules of a party say to the evidence. */
function ruling(wallet: Wallet, verdicts: unknown, prices: unknown): unknown {
  const wallets = { agent: wallet, user: wallet, recovery: wallet }
  const evidence = [verdicts, prices].map((one) => JSON.stringify(one)) as [string, string]
  return JSON.parse(wallet.evaluate(read({ wallets }), requestOf(), ...evidence, NOW)).ruling
}

describe('what a custom rule said', () => {
  const reason = 'not before the audit'
  const said = (type: string, id = 'kyc') => ({
    id,
    verdict: type === 'approved' ? { type } : { type, reason },
  })
  let wallets: Each<Wallet>
  beforeAll(async () => {
    const customRules = [{ id: 'kyc', roles: ['user', 'recovery'] }]
    wallets = await committee(JSON.stringify({ ...CONFIG, permissive: true, customRules }))
  })

  it.each([
    ['approved', [said('approved')], { type: 'approved' }],
    ['rejected', [said('rejected')], { type: 'rejected', ruleId: 'kyc', reason }],
    [
      'a person decides',
      [said('requiresAdditionalApproval')],
      { type: 'requiresAdditionalApproval', ruleId: 'kyc', reason },
    ],
    ['nothing', [], { type: 'rejected', ruleId: 'kyc' }],
    [
      'something about another rule',
      [said('approved', 'aml')],
      { type: 'rejected', ruleId: 'kyc' },
    ],
    [
      'yes and no',
      [said('approved'), said('rejected')],
      { type: 'rejected', ruleId: 'kyc', reason },
    ],
  ])('is taken at the party that runs it: %s', (_, verdicts, expected) => {
    expect(ruling(wallets.user, verdicts, [])).toMatchObject(expected)
  })
})

describe('what a price source said', () => {
  const dollars = (count: number, changes = {}) => ({
    ...{ asset: 'eip155:1/slip44:60', atMs: String(NOW), currency: 'USD' },
    ...{ micros: String(count * 1_000_000), per: '1000000000000000000' },
    ...changes,
  })
  let wallets: Each<Wallet>
  beforeAll(async () => {
    const limit = { type: 'fiatLimits', id: 'usd', currency: 'USD', maxAgeMs: '60000' }
    const rules = [{ ...limit, perTransaction: '3000000000' }]
    wallets = await committee(JSON.stringify({ ...CONFIG, rules }))
  })

  it.each([
    ['at the limit', [dollars(3_000)], { type: 'approved' }],
    ['above it', [dollars(3_001)], { type: 'rejected', ruleId: 'usd' }],
    ['nothing', [], { type: 'rejected', ruleId: 'usd' }],
    ['of another currency', [dollars(1, { currency: 'EUR' })], { type: 'rejected', ruleId: 'usd' }],
    ['too long ago', [dollars(1, { atMs: '0' })], { type: 'rejected', ruleId: 'usd' }],
  ])('is what a limit in a currency is counted by: %s', (_, prices, expected) => {
    expect(ruling(wallets.user, [], prices)).toMatchObject(expected)
  })
})

describe('evidence of another form', () => {
  const verdict = { id: 'kyc', verdict: { type: 'approved' } }
  const price = {
    ...{ asset: 'eip155:1/slip44:60', atMs: '1', currency: 'USD', micros: '1', per: '1' },
  }
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })

  const verdicts = [
    { ...verdict, id: 1 },
    { ...verdict, more: true },
    { ...verdict, verdict: 'approved' },
    { ...verdict, verdict: { type: 'yes' } },
    { ...verdict, verdict: { type: 'Approved' } },
    { ...verdict, verdict: { type: 'rejected' } },
    { verdict: verdict.verdict },
  ]
  const prices = [
    { ...price, asset: 'ETH' },
    { ...price, atMs: 1 },
    { ...price, atMs: '-1' },
    { ...price, atMs: `${2n ** 64n}` },
    { ...price, micros: 1 },
    { ...price, micros: '1.5' },
    { ...price, micros: `${2n ** 256n}` },
    { ...price, per: '' },
    { ...price, more: true },
  ]

  it.each([
    ...verdicts.map((one) => [one, [[one], []]] as const),
    ...prices.map((one) => [one, [[], [one]]] as const),
  ])('is refused: %j', (_, [said, asked]) => {
    expect(() => ruling(wallets.user, said, asked)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: 'verdicts or prices of another form',
        culprits: [],
      }),
    )
  })
})
