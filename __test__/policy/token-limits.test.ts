import { beforeAll, describe, expect, it } from '@jest/globals'
import { encodeFunctionData, erc20Abi, type Hex, maxUint256, multicall3Abi, parseAbi } from 'viem'
import { ChainType, PolicyConfig } from '../../src/index.js'
import {
  CHAIN,
  cosignAll,
  failureOf,
  type Kept,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'
import { USDC } from '../helpers/policy-requests.js'

const TARGET: Hex = USDC
const TOKEN = `${CHAIN}/erc20:${USDC}`
const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11'
const ROUTER = `0x${'44'.repeat(20)}` as const
const UNLISTED = `0x${'55'.repeat(20)}` as const
const VENDOR = `0x${'33'.repeat(20)}` as const
const LIMIT = 1_000_000_000n

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(
    new PolicyConfig()
      .withContracts(CHAIN, [
        { address: USDC, kind: { type: 'erc20', decimals: 6 } },
        { address: ROUTER, kind: { type: 'multicall' } },
      ])
      .withSpendingLimits(CHAIN, { asset: TOKEN, perTransaction: LIMIT, daily: 2n * LIMIT }),
  )
})

const calling = (to: Hex, data: Hex, nonce = 0) => paying(0n, nonce, { to, data, gas: 200_000n })

function transfer(amount: bigint): Hex {
  return encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [VENDOR, amount] })
}

function approve(amount: bigint): Hex {
  return encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [VENDOR, amount] })
}

function transferFrom(owner: Hex, amount: bigint): Hex {
  const args = [owner, VENDOR, amount] as const
  return encodeFunctionData({ abi: erc20Abi, functionName: 'transferFrom', args })
}

function aggregate(...calls: Hex[]): Hex {
  const args = [
    calls.map((callData) => ({ target: TARGET, allowFailure: false, callData })),
  ] as const
  return encodeFunctionData({ abi: multicall3Abi, functionName: 'aggregate3', args })
}

function multicall(...data: Hex[]): Hex {
  const abi = parseAbi(['function multicall(bytes[] data)'])
  return encodeFunctionData({ abi, functionName: 'multicall', args: [data] })
}

describe('a limit of a token', () => {
  it.each<[string, (own: Hex) => ReturnType<typeof calling>]>([
    ['a transfer', () => calling(USDC, transfer(LIMIT))],
    ['an approval', () => calling(USDC, approve(LIMIT))],
    [
      'transfers inside one call of Multicall3',
      (own) => {
        const half = transferFrom(own, LIMIT / 2n)
        return calling(MULTICALL3, aggregate(half, half))
      },
    ],
  ])('lets through what is at it: %s', async (_, request) => {
    await using committee = await reopen(kept)
    await using _cosigning = cosignAll(committee)
    const { agent } = committee

    const { signatures } = await agent.signTransactions(request(agent.address(ChainType.Evm)))

    expect(signatures).toHaveLength(1)
  })

  it.each<[string, string, (own: Hex) => ReturnType<typeof calling>]>([
    ['a transfer', 'spendingLimits', () => calling(USDC, transfer(LIMIT + 1n))],
    ['an approval', 'spendingLimits', () => calling(USDC, approve(LIMIT + 1n))],
    [
      'transfers inside one call of Multicall3',
      'spendingLimits',
      (own) => {
        const half = LIMIT / 2n
        return calling(MULTICALL3, aggregate(transferFrom(own, half), transferFrom(own, half + 1n)))
      },
    ],
    [
      'transfers of one batch',
      'spendingLimits',
      () => ({
        transactions: [
          ...calling(USDC, transfer(LIMIT)).transactions,
          ...calling(USDC, transfer(1n), 1).transactions,
        ],
      }),
    ],
    ['an approval without an amount', 'unlimited', () => calling(USDC, approve(maxUint256))],
    [
      'a transfer inside a multicall of no token',
      'unknown',
      () => calling(ROUTER, multicall(transfer(1n))),
    ],
    [
      'a transfer by a contract that is not listed',
      'unknown',
      () => calling(UNLISTED, transfer(1n)),
    ],
    ['a call that nobody can read', 'unknown', () => calling(UNLISTED, '0x12345678')],
  ])('stops what is over it, or not known to be under it: %s', async (_, rule, request) => {
    await using committee = await reopen(kept)
    await using _cosigning = cosignAll(committee)
    const { agent } = committee

    const sent = agent.signTransactions(request(agent.address(ChainType.Evm)))

    expect(await failureOf(sent)).toMatchObject({
      code: 'POLICY_REJECTED',
      message: expect.stringContaining(rule),
    })
  })

  it.each<[string, Hex]>([
    ['bytes behind its arguments', `${transfer(1n)}00`],
    ['an address with bits above it', transfer(1n).replace('0333', '1333') as Hex],
  ])('is not gone round by calldata with %s', async (_, data) => {
    await using committee = await reopen(kept)
    await using _cosigning = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(calling(USDC, data)))).toMatchObject({
      code: 'PAYLOAD_REFUSED',
    })
  })

  it('counts what may be taken by approval with what was sent', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { agent } = committee

    await agent.signTransactions(calling(USDC, approve(LIMIT), 0))
    await agent.signTransactions(calling(USDC, transfer(LIMIT), 1))

    expect(await failureOf(agent.signTransactions(calling(USDC, transfer(1n), 2)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })
})
