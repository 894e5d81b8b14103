/** An agent that skips its own policy and writes its requests by hand, against a co-signer in another process. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { keccak256, toBytes } from 'viem'
import { MemoryNetwork, PolicyConfig } from '../../src/index.js'
import { CosignerProcess, fillSqlite } from '../helpers/cosigner-process.js'
import { type Forgery, HostileAgent } from '../helpers/hostile-agent.js'
import { PATIENCE_MS } from '../helpers/native-process.js'
import { payment } from '../helpers/payment.js'
import { CHAIN, ETHER, makeUnder, reopen } from '../helpers/policy-committee.js'

jest.setTimeout(PATIENCE_MS)

const principal = generateKeyPairSync('ed25519')
const principalKey = Buffer.from(
  String(principal.publicKey.export({ format: 'jwk' }).x),
  'base64url',
)
const allowed = toBytes(payment({ value: ETHER }).transaction)
const excessive = toBytes(payment({ value: ETHER + 1n }).transaction)
const digestOf = (transaction: Uint8Array): Uint8Array => toBytes(keccak256(transaction))

let directory: string
let network: MemoryNetwork
let cosigner: CosignerProcess
let agent: HostileAgent
let policyHash: Uint8Array

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mpc-wallet-hostile-'))
  const kept = await makeUnder(
    new PolicyConfig()
      .withPerTxLimit(CHAIN, ETHER, { id: 'most-at-once' })
      .withPrincipal({ name: 'bot', key: principalKey, expiresAt: new Date(Date.now() + 1e8) }),
  )
  await fillSqlite(directory, kept.records.user)
  policyHash = await policyHashOf(kept)
  network = new MemoryNetwork()
  cosigner = await CosignerProcess.start(directory, 'user', network)
  agent = await HostileAgent.of(kept, (identityKey) => network.connect(identityKey))
})

afterAll(async () => {
  await cosigner.kill()
  await network.close()
  rmSync(directory, { recursive: true, force: true })
})

describe('an agent that writes its requests by hand', () => {
  it('is answered where the policy of the co-signer says yes', async () => {
    expect(await ask({ items: [{ transaction: allowed }] })).toBe('joined')
  })

  it('is refused where its own policy would have stopped it', async () => {
    const decided = cosigner.next('decided')

    expect(await ask({ items: [{ transaction: excessive }] })).toBe('refused')

    expect(await decided).toMatchObject({
      decision: { ruling: { type: 'rejected', ruleId: 'most-at-once' } },
    })
  })

  it('is refused where one transaction of a batch is too much', async () => {
    const items = [{ transaction: allowed }, { transaction: excessive }]

    expect(await ask({ items })).toBe('refused')
  })

  it.each<[string, () => Partial<Forgery>]>([
    [
      'the digest of other bytes than it shows',
      () => ({ items: [{ transaction: allowed, digest: digestOf(excessive) }] }),
    ],
    [
      'the digest of nothing',
      () => ({ items: [{ transaction: allowed, digest: randomBytes(32) }] }),
    ],
    [
      'other bytes than its digest is of',
      () => ({ items: [{ transaction: excessive, digest: digestOf(allowed) }] }),
    ],
    [
      'a digest that is of another kind',
      () => ({ items: [{ transaction: allowed, digestKind: 6 }] }),
    ],
    [
      'a bare hash, which says nothing of what it is for',
      () => {
        const digest = digestOf(excessive)
        return { items: [{ transaction: digest, digest, kind: 'evm.hash', digestKind: 6 }] }
      },
    ],
    [
      'one transaction that differs within a batch',
      () => ({
        items: [{ transaction: allowed }, { transaction: allowed, digest: digestOf(excessive) }],
      }),
    ],
  ])('gets nothing for %s', async (_, forge) => {
    expect(await ask({ items: [], ...forge() })).not.toBe('joined')
  })

  it('gets nothing under another policy than the one in force', async () => {
    const dropped = cosigner.next('invitationDropped')

    const answer = await ask({
      items: [{ transaction: allowed }],
      policyHash: randomBytes(32),
    })

    expect(answer).not.toBe('joined')
    expect(await dropped).toMatchObject({ code: 'POLICY_STALE' })
  })

  it.each<[string, () => Forgery['principal']]>([
    ['random bytes for its signature', () => ({ key: principalKey, signature: randomBytes(64) })],
    [
      'its signature over something else',
      () => ({
        key: principalKey,
        signature: sign(null, randomBytes(32), principal.privateKey),
      }),
    ],
    [
      'a key that the policy does not list',
      () => ({ key: randomBytes(32), signature: randomBytes(64) }),
    ],
  ])('gets nothing in the name of a principal with %s', async (_, claim) => {
    const claimed = claim()
    if (claimed === undefined) throw new Error('no claim')

    expect(await ask({ items: [{ transaction: allowed }], principal: claimed })).not.toBe('joined')
  })

  it('got nothing but the one thing that it may have', () => {
    expect(cosigner.said('request')).toHaveLength(1)
    expect(cosigner.said('signed')).toEqual([])
  })
})

async function ask(forgery: Partial<Forgery> & Pick<Forgery, 'items'>) {
  return await agent.ask({ policyHash, ...forgery })
}

async function policyHashOf(kept: Parameters<typeof reopen>[0]): Promise<Uint8Array> {
  await using committee = await reopen(kept)
  const { policyHash: hash } = await committee.agent.evaluatePolicy({ transactions: [payment()] })
  return toBytes(hash)
}
