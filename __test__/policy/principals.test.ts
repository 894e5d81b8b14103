import { generateKeyPairSync, sign } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { PolicyConfig, type RequestPrincipal } from '../../src/index.js'
import {
  CHAIN,
  cosignAll,
  ETHER,
  failureOf,
  type Kept,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'

const DAY_MS = 24 * 3_600_000

/** Somebody with a key of their own. */
function somebody(): RequestPrincipal {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = new Uint8Array(
    Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url'),
  )
  return { key, sign: (hash) => sign(null, hash, privateKey) }
}

const bot = somebody()
const clerk = somebody()
const tomorrow = new Date(Date.now() + DAY_MS)

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(
    new PolicyConfig()
      .withPrincipal({ name: 'bot', key: bot.key, expiresAt: tomorrow })
      .withPrincipal({ name: 'clerk', key: clerk.key, expiresAt: tomorrow })
      .withPerTxLimit(CHAIN, 2n * ETHER, { id: 'of-all' })
      .withPerTxLimit(CHAIN, ETHER, { id: 'of-the-bot', principal: 'bot' }),
  )
})

describe('a request in the name of a principal', () => {
  it('is under the rules of that principal and under those of all', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const asBot = committee.agent.as(bot)
    const asClerk = committee.agent.as(clerk)

    expect((await asBot.signTransactions(paying(ETHER, 0))).signatures).toHaveLength(1)
    expect((await asClerk.signTransactions(paying(2n * ETHER, 1))).signatures).toHaveLength(1)
    expect(await failureOf(asBot.signTransactions(paying(ETHER + 1n, 2)))).toMatchObject({
      code: 'POLICY_REJECTED',
      message: expect.stringContaining('of-the-bot'),
    })
    expect(await failureOf(asClerk.signTransactions(paying(2n * ETHER + 1n, 3)))).toMatchObject({
      code: 'POLICY_REJECTED',
      message: expect.stringContaining('of-all'),
    })
  })

  it('does not get round the rules of one principal by naming none', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(paying(ETHER + 1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })

  it.each<[string, RequestPrincipal['sign']]>([
    ['random bytes', () => new Uint8Array(64).fill(7)],
    ["another principal's signature", (hash) => bot.sign(hash)],
    ['a signature over something else', () => clerk.sign(new Uint8Array(32))],
  ])('is refused with %s', async (_, forge) => {
    await using committee = await reopen(kept)
    await using _cosigning = cosignAll(committee)
    const { agent } = committee

    const sent = agent.as({ key: clerk.key, sign: forge }).signTransactions(paying(1n))

    expect(await failureOf(sent)).toMatchObject({
      code: 'INVALID_INPUT',
      signatureMayExist: false,
    })
  })

  it('is refused with a signature of the same principal over another request', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { agent } = committee
    const signatures: Uint8Array[] = []
    const first: RequestPrincipal = {
      key: clerk.key,
      sign: async (hash) => {
        const signature = await clerk.sign(hash)
        signatures.push(signature)
        return signature
      },
    }
    const named = (value: bigint) => ({ ...paying(value), idempotencyKey: 'rent' })
    await agent.as(first).evaluatePolicy(named(1n))
    const [recorded] = signatures
    if (recorded === undefined) throw new Error('nothing was signed')
    const replay = agent.as({ key: clerk.key, sign: () => recorded })

    expect(await failureOf(replay.evaluatePolicy(named(2n)))).toMatchObject({
      code: 'INVALID_INPUT',
    })
    expect((await replay.signTransactions(named(1n))).signatures).toHaveLength(1)
  })

  it('is refused from whom the policy does not know', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)

    expect(
      await failureOf(committee.agent.as(somebody()).signTransactions(paying(1n))),
    ).toMatchObject({ code: 'POLICY_REJECTED' })
  })

  it('is refused when the principal has expired', async () => {
    const guest = somebody()
    const expiresAt = new Date(Date.now() + 2_000)
    const brief = await makeUnder(
      new PolicyConfig()
        .withPrincipal({ name: 'guest', key: guest.key, expiresAt })
        .withPerTxLimit(CHAIN, ETHER),
    )
    await using committee = await reopen(brief)
    await using _ = cosignAll(committee)
    const asGuest = committee.agent.as(guest)
    expect((await asGuest.signTransactions(paying(1n))).signatures).toHaveLength(1)

    await delay(Math.max(0, expiresAt.getTime() - Date.now()) + 10)

    expect(await failureOf(asGuest.signTransactions(paying(1n, 1)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })

  it('is needed where the policy says so', async () => {
    const strict = await makeUnder(
      new PolicyConfig()
        .withPrincipal({ name: 'bot', key: bot.key, expiresAt: tomorrow })
        .withRequiredPrincipals(['bot']),
    )
    await using committee = await reopen(strict)
    await using _ = cosignAll(committee)

    expect(await failureOf(committee.agent.signTransactions(paying(1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
    expect((await committee.agent.as(bot).signTransactions(paying(1n, 1))).signatures).toHaveLength(
      1,
    )
  })
})
