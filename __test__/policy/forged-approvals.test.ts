/** Approvals in the hands of an agent that writes its requests by hand, against co-signers in processes of their own. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { toBytes } from 'viem'
import { MemoryNetwork, PartyRole, PolicyConfig } from '../../src/index.js'
import { CosignerProcess, fillSqlite } from '../helpers/cosigner-process.js'
import { type Answer, type Forgery, HostileAgent } from '../helpers/hostile-agent.js'
import { PATIENCE_MS } from '../helpers/native-process.js'
import { payment } from '../helpers/payment.js'
import {
  CHAIN,
  cosignAll,
  ETHER,
  heard,
  type Kept,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'
import { directoryOf } from '../helpers/stores.js'
import { taggedHash } from '../helpers/vault-format.js'

jest.setTimeout(PATIENCE_MS)

/** A co-signer waits so long for a person's word that may be on its way. */
const LONGER_THAN_GRACE_MS = 9_000
const LARGE = 2n * ETHER
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** What two persons signed of the payment with a name. */
interface Approved {
  readonly statements: readonly string[]
  readonly policyHash: Uint8Array
}

let directory: string
let network: MemoryNetwork
let kept: Kept
let agent: HostileAgent
let policyHash: Uint8Array
const cosigners = new Map<PartyRole, CosignerProcess>()

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mpc-wallet-approvals-'))
  kept = await makeUnder(new PolicyConfig().withAdditionalApprovalThreshold(CHAIN, ETHER))
  network = new MemoryNetwork()
  for (const role of [PartyRole.User, PartyRole.Recovery]) {
    await fillSqlite(directoryOf(directory, role), kept.records[role])
    await startCosigner(role)
  }
  agent = await HostileAgent.of(kept, (identityKey) => network.connect(identityKey))
  for (const name of ['served', 'elsewhere', 'twice', 'bumped', 'renamed']) {
    const approved = await approve(name)
    policyHash = approved.policyHash
    for (const statement of approved.statements) await hand(statement)
  }
  const [genuine = ''] = (await approve('forged')).statements
  await hand(withAnotherSigner(genuine))
  await hand(withAnotherSignature(genuine))
})

afterAll(async () => {
  for (const cosigner of cosigners.values()) await cosigner.kill()
  await network.close()
  rmSync(directory, { recursive: true, force: true })
})

describe('an approval that an agent without a policy holds', () => {
  it('serves the very request that it is of', async () => {
    expect(await ask({ idempotencyKey: 'served' })).toBe('joined')
  })

  it('serves no other', async () => {
    const [twice, bumped] = await Promise.all([
      ask({ idempotencyKey: 'twice' }),
      ask({ idempotencyKey: 'bumped' }),
    ])
    expect([twice, bumped]).toEqual(['joined', 'joined'])

    const answers = await answersTo({
      'another amount': { items: [{ transaction: large(LARGE + 1n) }] },
      'another account': { items: [{ transaction: large(), path: [1] }] },
      'another batch': { items: [{ transaction: large() }, { transaction: large(LARGE, 1) }] },
      'a name that nobody approved': { idempotencyKey: 'nobody' },
      'a name with a forged approval': { idempotencyKey: 'forged' },
      'the other co-signer': { cosigner: 'recovery' },
      'a second nonce': { idempotencyKey: 'twice', items: [{ transaction: large(LARGE, 1) }] },
      'a fee above what was approved': {
        idempotencyKey: 'bumped',
        items: [{ transaction: largeAt(41n) }],
      },
      'the name of a principal': {
        idempotencyKey: 'renamed',
        principal: { key: randomBytes(32), signature: randomBytes(64) },
      },
    })

    for (const [name, answer] of Object.entries(answers))
      expect([name, answer]).not.toEqual([name, 'joined'])
  })

  it('serves a fee bump of what it served, within what was approved', async () => {
    expect(await ask({ idempotencyKey: 'bumped', items: [{ transaction: largeAt(40n) }] })).toBe(
      'joined',
    )
  })

  it('serves nothing more after the co-signer was killed and started again', async () => {
    await cosigners.get(PartyRole.User)?.kill()
    await startCosigner(PartyRole.User)

    const answers = await answersTo({
      'a second nonce': { idempotencyKey: 'served', items: [{ transaction: large(LARGE, 1) }] },
      'a third nonce': { idempotencyKey: 'twice', items: [{ transaction: large(LARGE, 2) }] },
    })

    expect(Object.values(answers)).not.toContain('joined')
  })
})

async function startCosigner(role: PartyRole): Promise<void> {
  const own = directoryOf(directory, role)
  cosigners.set(role, await CosignerProcess.start(own, role, network))
}

async function answersTo(
  forgeries: Readonly<Record<string, Partial<Forgery>>>,
): Promise<Record<string, Answer>> {
  const answers = Object.entries(forgeries).map(
    async ([name, forgery]) => [name, await ask(forgery)] as const,
  )
  return Object.fromEntries(await Promise.all(answers))
}

async function ask(forgery: Partial<Forgery>): Promise<Answer> {
  const asked = { items: [{ transaction: large() }], idempotencyKey: 'elsewhere', policyHash }
  return await agent.ask({ ...asked, ...forgery }, LONGER_THAN_GRACE_MS)
}

function large(value = LARGE, nonce = 0): Uint8Array {
  return toBytes(payment({ value, nonce }).transaction)
}

function largeAt(gwei: bigint): Uint8Array {
  return toBytes(payment({ value: LARGE, maxFeePerGas: gwei * 10n ** 9n }).transaction)
}

/** Has the persons sign, on their own machines, that the agent may pay with the user. */
async function approve(idempotencyKey: string): Promise<Approved> {
  await using committee = await reopen(kept)
  await using _ = cosignAll(committee)
  const asked = [committee.user, committee.recovery].map(async (wallet) => ({
    wallet,
    request: await heard(wallet, 'approvalRequested'),
  }))
  const decision = await committee.agent.requestApproval({ ...paying(LARGE), idempotencyKey })
  const statements: string[] = []
  for (const { wallet, request } of await Promise.all(asked))
    statements.push(await wallet.approve({ request }))
  return { statements, policyHash: toBytes(decision.policyHash) }
}

async function hand(statement: string): Promise<void> {
  for (const cosigner of cosigners.values()) {
    const taken = cosigner.next('statement', 'failed')
    cosigner.tell({ statement })
    await taken
  }
}

/** `u8 1 ‖ approver key 32 ‖ signature 64 ‖ document`, by a key that nobody pinned. */
function withAnotherSigner(statement: string): string {
  const bytes = Buffer.from(statement, 'base64url')
  const document = bytes.subarray(1 + KEY_BYTES + SIGNATURE_BYTES)
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url')
  const signature = sign(null, taggedHash('doc/approval', [document]), privateKey)
  return Buffer.concat([bytes.subarray(0, 1), key, signature, document]).toString('base64url')
}

function withAnotherSignature(statement: string): string {
  const bytes = Buffer.from(statement, 'base64url')
  randomBytes(SIGNATURE_BYTES).copy(bytes, 1 + KEY_BYTES)
  return bytes.toString('base64url')
}
