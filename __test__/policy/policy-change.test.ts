import { generateKeyPairSync, sign } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { canonicalBytes } from '../../src/canonical-json.js'
import { PolicyConfig, type StatementResult, type Transport } from '../../src/index.js'
import {
  CHAIN,
  type Committee,
  cosignAll,
  ETHER,
  failureOf,
  heard,
  type Kept,
  keptBy,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'
import { taggedHash } from '../helpers/vault-format.js'

/** Where a descriptor has its kind, and that of notices. */
const KIND = 5
const CONTROL = 11
/** Where a signed document has its signature, and where it begins. */
const SIGNATURE_AT = 1 + 32
const DOCUMENT_AT = SIGNATURE_AT + 64
const DAY_MS = 24 * 3_600_000
const LIMIT = 2n * ETHER

const policyOf = (limit: bigint): PolicyConfig =>
  new PolicyConfig()
    .withPerTxLimit(CHAIN, limit, { id: 'most-at-once' })
    .withAllotments({ user: 50, recovery: 50 })

const looser = policyOf(LIMIT + 1n)
const tighter = policyOf(LIMIT - 1n)

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(policyOf(LIMIT))
})

/** What the policy statement did at the two parties that did not make it. */
async function atOthers(
  { agent, recovery }: Committee,
  change: () => Promise<unknown>,
): Promise<string[]> {
  const arriving = [agent, recovery].map((wallet) => heard(wallet, 'statement'))
  await change()
  return (await Promise.all(arriving)).map(({ kind }) => kind)
}

function versions({ agent, user, recovery }: Committee): unknown[] {
  return [agent, user, recovery].map(({ policy }) => policy['version'])
}

describe('a policy that tightens', () => {
  it('takes the user alone, and is in force wherever it arrives', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { agent, user } = committee
    await agent.signTransactions(paying(LIMIT))
    let result: StatementResult | undefined

    const kinds = await atOthers(committee, async () => {
      result = await user.setPolicy({ policy: tighter })
    })

    expect([result?.kind, ...kinds]).toEqual(new Array(3).fill('policy-in-force'))
    expect(versions(committee)).toEqual(['2', '2', '2'])
    expect(await failureOf(agent.signTransactions(paying(LIMIT, 1)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
    expect((await agent.signTransactions(paying(LIMIT - 1n, 2))).signatures).toHaveLength(1)
  })

  it('is still in force after a restart', async () => {
    const later = await (async () => {
      await using committee = await reopen(kept)
      await using _ = cosignAll(committee)
      await atOthers(committee, () => committee.user.setPolicy({ policy: tighter }))
      await committee.close()
      return await keptBy(committee)
    })()
    await using committee = await reopen(later)
    await using _ = cosignAll(committee)

    expect(versions(committee)).toEqual(['2', '2', '2'])
    expect(await failureOf(committee.agent.signTransactions(paying(LIMIT)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })

  it('takes more than the guardian alone', async () => {
    await using committee = await reopen(kept)

    expect(await committee.recovery.setPolicy({ policy: tighter })).toMatchObject({
      kind: 'policy-needs-signatures',
    })
    expect(versions(committee)).toEqual(['1', '1', '1'])
  })

  it('says what it changes before anybody signs it', async () => {
    await using committee = await reopen(kept)
    const { user } = committee

    expect(user.diffPolicy(tighter).map(({ loosens }) => loosens)).toEqual([false])
    expect(user.diffPolicy(looser).map(({ loosens }) => loosens)).toEqual([true])
  })
})

describe('a policy that loosens', () => {
  it('takes both persons and then waits a day at each party', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { agent, user, recovery } = committee

    const proposed = await user.setPolicy({ policy: looser })
    expect(proposed.kind).toBe('policy-needs-signatures')
    const before = Date.now()
    const signed = await recovery.signPolicy({ proposal: proposed.proposal })

    expect(signed.kind).toBe('policy-waiting')
    expect(signed.untilMs).toBeGreaterThanOrEqual(before + DAY_MS)
    expect(signed.untilMs).toBeLessThanOrEqual(Date.now() + DAY_MS)
    expect(await recovery.policyStatus()).toMatchObject({ kind: 'policy-waiting' })
    expect(versions(committee)).toEqual(['1', '1', '1'])
    expect(await failureOf(agent.signTransactions(paying(LIMIT + 1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
    expect((await agent.signTransactions(paying(LIMIT, 1))).signatures).toHaveLength(1)
  })

  it('goes on waiting after a restart', async () => {
    const later = await (async () => {
      await using committee = await reopen(kept)
      await using _ = cosignAll(committee)
      const { proposal } = await committee.user.setPolicy({ policy: looser })
      await committee.recovery.signPolicy({ proposal })
      await committee.close()
      return await keptBy(committee)
    })()
    await using committee = await reopen(later)

    expect(await committee.recovery.policyStatus()).toMatchObject({ kind: 'policy-waiting' })
    expect(versions(committee)).toEqual(['1', '1', '1'])
  })

  it('is over when the user tightens in the meantime', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { user, recovery } = committee
    const { proposal } = await user.setPolicy({ policy: looser })
    await recovery.signPolicy({ proposal })

    await atOthers(committee, () => user.setPolicy({ policy: tighter }))

    expect(await recovery.policyStatus()).toEqual({ kind: 'policy-in-force' })
    expect(versions(committee)).toEqual(['2', '2', '2'])
  })

  it('is not what a signed proposal becomes when somebody changes a byte', async () => {
    await using committee = await reopen(kept)
    const { proposal } = await committee.user.setPolicy({ policy: tighter })
    const text = Buffer.from(proposal, 'base64url').toString('utf8')
    const policy = /"policy":"([\w-]+)"/.exec(text)?.[1] ?? ''
    const other = Buffer.from(policy, 'base64url')
      .toString('utf8')
      .replace(String(LIMIT - 1n), String(LIMIT + 9n))
    const forged = text.replace(policy, Buffer.from(other).toString('base64url'))
    const statement = Buffer.from(forged).toString('base64url')

    expect(other).toContain(String(LIMIT + 9n))
    await failureOf(committee.recovery.takeStatement(statement))
    expect(versions(committee)).toEqual(['1', '2', '1'])
  })
})

describe('signatures of a proposal', () => {
  it.each<[string, (signed: Buffer) => Buffer[]]>([
    ['that are twice the same', (signed) => [signed, signed]],
    ['by a key that nobody pinned', (signed) => [signed, byStranger(signed)]],
    ['that are not over it', (signed) => [signed, withOtherSignature(signed)]],
  ])('do not make it one of both persons: %s', async (_, forge) => {
    await using committee = await reopen(kept)
    const { agent, user, recovery } = committee
    const { proposal } = await user.setPolicy({ policy: looser })
    const forged = withSignatures(proposal, forge)

    for (const wallet of [agent, recovery]) {
      await wallet.takeStatement(forged).then(
        ({ kind }) => expect(kind).toBe('policy-needs-signatures'),
        ({ code }) => expect(code).toMatch(/^[A-Z_]+$/),
      )
      expect(await wallet.policyStatus()).toEqual({ kind: 'policy-in-force' })
    }
    expect(versions(committee)).toEqual(['1', '1', '1'])
  })
})

describe('the agent', () => {
  it('has no say in what the policy is', async () => {
    await using committee = await reopen(kept)
    const { agent, user } = committee

    for (const policy of [tighter, looser])
      expect(await failureOf(agent.setPolicy({ policy }))).toMatchObject({ code: 'INVALID_INPUT' })
    const { proposal } = await user.setPolicy({ policy: looser })
    expect(await failureOf(agent.signPolicy({ proposal }))).toMatchObject({
      code: 'INVALID_INPUT',
    })
  })
})

describe('a party that missed a change', () => {
  it('cannot sign until it has taken what was signed', async () => {
    await using committee = await reopen(kept)
    const { agent, user } = committee
    await using _ = user.cosign()
    // nobody at the agent hears notices
    const { proposal } = await user.setPolicy({ policy: tighter })

    expect(
      await failureOf(agent.signTransactions({ ...paying(1n), timeoutMs: 3_000 })),
    ).toMatchObject({ code: 'POLICY_STALE', signatureMayExist: false })

    expect(await agent.takeStatement(proposal)).toMatchObject({ kind: 'policy-in-force' })
    expect((await agent.signTransactions(paying(1n, 1))).signatures).toHaveLength(1)
  })

  it('does not co-sign under the policy that it has', async () => {
    await using committee = await reopen(kept, { wrapTransport: withoutNotices })
    const { agent, user, recovery } = committee
    const { proposal } = await user.setPolicy({ policy: tighter })
    await agent.takeStatement(proposal)
    await using _ = recovery.cosign()
    const request = { ...paying(1n), cosigner: 'recovery' as const, timeoutMs: 3_000 }

    expect(await failureOf(agent.signTransactions(request))).toMatchObject({
      code: 'POLICY_STALE',
      signatureMayExist: false,
    })
  })
})

/** A network that loses what parties tell each other besides their ceremonies. */
function withoutNotices(transport: Transport): Transport {
  return {
    open: async (descriptor, signature) => {
      if (descriptor[KIND] === CONTROL) throw new Error('the notice is lost')
      await transport.open(descriptor, signature)
    },
    invitations: () => transport.invitations(),
    send: (envelope) => transport.send(envelope),
    subscribe: (sessionId, after) => transport.subscribe(sessionId, after),
    close: () => transport.close(),
  }
}

/** A proposal whose one signature became others. */
function withSignatures(proposal: string, forge: (signed: Buffer) => Buffer[]): string {
  const fields = JSON.parse(Buffer.from(proposal, 'base64url').toString('utf8'))
  const signed = forge(Buffer.from(fields.signed[0], 'base64url')).sort(Buffer.compare)
  const texts = signed.map((one) => one.toString('base64url'))
  return Buffer.from(canonicalBytes('proposal', { ...fields, signed: texts })).toString('base64url')
}

/** `u8 1 ‖ approver key 32 ‖ signature 64 ‖ document`, properly signed by somebody else. */
function byStranger(signed: Buffer): Buffer {
  const document = signed.subarray(DOCUMENT_AT)
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url')
  const signature = sign(null, taggedHash('doc/policy-change', [document]), privateKey)
  return Buffer.concat([signed.subarray(0, 1), key, signature, document])
}

function withOtherSignature(signed: Buffer): Buffer {
  const forged = Buffer.from(signed)
  forged.fill(1, SIGNATURE_AT, DOCUMENT_AT)
  return forged
}
