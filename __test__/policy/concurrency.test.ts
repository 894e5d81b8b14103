/** One daily limit and many requests at once, against a co-signer with SQLite in a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { toBytes, toHex } from 'viem'
import {
  MemoryNetwork,
  MpcAgentWallet,
  type MpcWalletError,
  Party,
  PolicyConfig,
} from '../../src/index.js'
import { CosignerProcess, fillSqlite } from '../helpers/cosigner-process.js'
import { HostileAgent } from '../helpers/hostile-agent.js'
import { PATIENCE_MS } from '../helpers/native-process.js'
import { payment } from '../helpers/payment.js'
import {
  CHAIN,
  ETHER,
  type Kept,
  keyWrapper,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'
import { storeWith } from '../helpers/stored-committee.js'

jest.setTimeout(PATIENCE_MS)

const SENDS = 50
const CAP = 5n * ETHER
const AMOUNT = (7n * ETHER) / 10n
/** ⌊cap/amount⌋. */
const FIT = Number(CAP / AMOUNT)

let kept: Kept
let policyHash: Uint8Array
let directory: string
let network: MemoryNetwork
let cosigner: CosignerProcess

beforeAll(async () => {
  kept = await makeUnder(new PolicyConfig().withDailyLimit(CHAIN, CAP))
  await using committee = await reopen(kept)
  policyHash = toBytes((await committee.agent.evaluatePolicy(paying(1n))).policyHash)
})

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mpc-wallet-limits-'))
  await fillSqlite(directory, kept.records.user)
  network = new MemoryNetwork()
  cosigner = await CosignerProcess.start(directory, 'user', network)
})

afterEach(async () => {
  await cosigner.kill()
  await network.close()
  rmSync(directory, { recursive: true, force: true })
})

async function restartCosigner(): Promise<void> {
  await cosigner.kill()
  cosigner = await CosignerProcess.start(directory, 'user', network)
}

describe('an agent without a policy', () => {
  const ask = async (agent: HostileAgent, idempotencyKey: string, nonce: number, value = AMOUNT) =>
    await agent.ask(
      {
        items: [{ transaction: toBytes(payment({ value, nonce }).transaction) }],
        policyHash,
        idempotencyKey,
      },
      20_000,
    )

  const joined = (answers: readonly string[]): number =>
    answers.filter((answer) => answer === 'joined').length

  it.each<[string, (nonce: number) => string, number]>([
    [
      'as far as the daily limit goes, each under a name of its own',
      (nonce) => `pay ${nonce}`,
      FIT,
    ],
    ['once, all under one name', () => 'payment', 1],
  ])('is answered when it asks fifty times at once: %s', async (_, name, fit) => {
    const agent = await HostileAgent.of(kept, (key) => network.connect(key))
    const nonces = Array.from({ length: SENDS }, (_, nonce) => nonce)

    const answers = await Promise.all(nonces.map((nonce) => ask(agent, name(nonce), nonce)))

    expect(joined(answers)).toBe(fit)

    await restartCosigner()
    const later = await Promise.all(
      nonces.map((nonce) => ask(agent, `later ${nonce}`, SENDS + nonce)),
    )

    expect(joined(later)).toBe(FIT - fit)
  })

  it('gets no room by asking for less on a nonce that more was asked for on', async () => {
    const agent = await HostileAgent.of(kept, (key) => network.connect(key))

    expect(await ask(agent, 'first', 0, 3n * ETHER)).toBe('joined')
    await ask(agent, 'first', 0, 1n)

    expect(await ask(agent, 'second', 1, 3n * ETHER)).toBe('refused')
    expect(await ask(agent, 'third', 1, 2n * ETHER)).toBe('joined')
  })
})

describe('fifty requests at once', () => {
  it('are signed exactly as often as the daily limit allows', async () => {
    await using agent = await openAgent()

    const sent = await sendAll(agent.wallet)

    expect(sent.filter((one) => one === 'POLICY_REJECTED')).toHaveLength(SENDS - FIT)
    expect(new Set(signaturesIn(sent)).size).toBe(FIT)
  })

  it.each([['decided'], ['signed']])(
    'are signed so often in all where the co-signer is killed at its first "%s" and all are asked again',
    async (event) => {
      await using agent = await openAgent()
      const dies = cosigner.next(event).then(() => cosigner.kill())
      const first = await sendAll(agent.wallet, 2_500)
      await dies
      await restartCosigner()

      const again = await sendAll(agent.wallet, 6_000)

      const signed = new Set(signaturesIn([...first, ...again]))
      const lost = again.filter((one) => one === 'OUTCOME_UNKNOWN').length
      expect(signed.size).toBeLessThanOrEqual(FIT)
      expect(signed.size + lost).toBe(FIT)
    },
  )
})

async function openAgent(): Promise<AsyncDisposable & { readonly wallet: MpcAgentWallet }> {
  const party = await Party.open({
    store: await storeWith(kept.records.agent),
    unlock: { keyWrapper },
  })
  const transport = network.connect(party.identityKey)
  const wallet = await MpcAgentWallet.open({ party, transport })
  return { wallet, [Symbol.asyncDispose]: () => wallet.close() }
}

/** The signature of each, or the code of what came instead. */
async function sendAll(wallet: MpcAgentWallet, timeoutMs = 20_000): Promise<string[]> {
  return await Promise.all(
    Array.from({ length: SENDS }, async (_, nonce) => {
      try {
        const request = { ...paying(AMOUNT, nonce), idempotencyKey: `send ${nonce}`, timeoutMs }
        const { signatures } = await wallet.signTransactions(request)
        return signatures.map(({ r, s }) => toHex(r) + toHex(s)).join()
      } catch (error) {
        return (error as MpcWalletError).code // the SDK throws nothing else
      }
    }),
  )
}

function signaturesIn(sent: readonly string[]): string[] {
  return sent.filter((one) => one.startsWith('0x'))
}
