import { spawnSync } from 'node:child_process'
import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { bytesToHex, keccak256, serializeTransaction, type TransactionSerializable } from 'viem'
import type { Role, SignatureOutput, Wallet } from '#native'
import { committee, type Each, NOW, ROLES, sign, signatureIn } from '../helpers/native-committee.js'
import { addressOf, derivedFrom, senderOf, uncompressed } from '../helpers/native-signature.js'
import { payloadOf, randomness, randomTransaction } from '../helpers/native-transactions.js'

const SEED = randomBytes(8).toString('hex')
const COUNT = 1_000
const AT_ONCE = 50
/** Of how many the signature is also given to OpenSSL. */
const OPENSSL = 30
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const DIRECTIONS = ROLES.flatMap((initiator) =>
  ROLES.filter((cosigner) => cosigner !== initiator).map((cosigner) => ({ initiator, cosigner })),
)

interface Signed {
  readonly number: number
  readonly initiator: Role
  readonly cosigner: Role
  readonly path: number[]
  /** The key of the path, by a library that is not ours. */
  readonly publicKey: Uint8Array
  readonly transaction: TransactionSerializable
  /** What the party that asked read. */
  readonly digest: Uint8Array
  readonly atInitiator: SignatureOutput
  readonly atCosigner: SignatureOutput
}

describe(`${COUNT} random transactions, signed by every pair in both directions`, () => {
  let wallets: Each<Wallet>
  let signed: Signed[]

  beforeAll(async () => {
    wallets = await committee()
    signed = []
    for (let start = 0; start < COUNT; start += AT_ONCE) {
      signed.push(...(await Promise.all(range(start, start + AT_ONCE).map(signOne))))
      // the clock of the tests stands still, which no party believes for longer than a minute
      for (const role of ROLES) wallets[role].confirmLimits(NOW)
    }
  }, 120_000)

  it('have the digest that viem computes of their bytes', () => {
    for (const { digest, transaction, ...one } of signed)
      expect({ ...named(one), digest: bytesToHex(digest) }).toEqual({
        ...named(one),
        digest: keccak256(serializeTransaction(transaction)),
      })
  })

  it('have signatures that viem recovers to the address of their path', async () => {
    for (const one of signed)
      expect({ ...named(one), from: await senderOf(one.transaction, one.atInitiator) }).toEqual({
        ...named(one),
        from: addressOf(one.publicKey),
      })
  })

  it('have the same signature at both parties', () => {
    for (const one of signed) expect(one.atCosigner).toEqual(one.atInitiator)
  })

  it('have signatures with low s', () => {
    for (const { atInitiator, ...one } of signed) {
      const s = BigInt(bytesToHex(atInitiator.s))
      expect({ ...named(one), low: s > 0n && s <= CURVE_ORDER / 2n }).toMatchObject({ low: true })
    }
  })

  it('have 32 bytes of r and of s, whatever they start with', () => {
    for (const { atInitiator } of signed)
      expect([atInitiator.r.length, atInitiator.s.length]).toEqual([32, 32])
  })

  it('have signatures of which both recovery ids occur', () => {
    const ids = new Set(signed.map(({ atInitiator }) => atInitiator.recoveryId))

    expect([...ids].sort()).toEqual([0, 1])
  })

  it(`have signatures that OpenSSL verifies, ${OPENSSL} of them`, () => {
    for (const one of signed.slice(0, OPENSSL)) {
      expect({ ...named(one), verdict: verdictOfOpenSsl(one) }).toMatchObject({
        verdict: 'Signature Verified Successfully',
      })
    }
  })

  it('have signatures that OpenSSL refuses for another digest', () => {
    for (const [position, one] of signed.slice(0, 5).entries()) {
      const other = signed[position + 5]?.digest ?? one.digest
      expect(verdictOfOpenSsl({ ...one, digest: other })).toBe('Signature Verification Failure')
    }
  })

  it('are of accounts that BIP-32 of another library derives, the same at every party', () => {
    for (const { publicKey, ...one } of signed)
      for (const role of ROLES)
        expect({ ...named(one), role, key: hex(wallets[role].derive(one.path)) }).toEqual({
          ...named(one),
          ...{ role, key: hex(publicKey) },
        })
  })

  async function signOne(number: number): Promise<Signed> {
    const random = randomness(`${SEED}/${number}`)
    const { initiator, cosigner } = random.oneOf(DIRECTIONS)
    const path = range(0, random.below(4)).map(() => random.below(2 ** 31))
    const transaction = randomTransaction(random)
    const payload = payloadOf(transaction)
    const [digest] = wallets[initiator].read([payload], [path], NOW).digests as [Uint8Array]
    const outcomes = await sign({ wallets, initiator, cosigner, payload, path })
    const [atInitiator, atCosigner] = [initiator, cosigner].map((role) =>
      signatureIn(outcomes[role]),
    ) as [SignatureOutput, SignatureOutput]
    return {
      ...{ number, initiator, cosigner, path, transaction, digest, atInitiator, atCosigner },
      publicKey: derivedFrom(wallets.recovery, path),
    }
  }
})

/** What a failure must say so that it can be repeated. */
function named({ number, path }: Pick<Signed, 'number' | 'path'>) {
  return { seed: SEED, number, path }
}

/** What `openssl pkeyutl` says to the digest, the signature and the key. */
function verdictOfOpenSsl({ digest, atInitiator, publicKey }: Signed): string {
  const folder = mkdtempSync(join(tmpdir(), 'mpc-wallet-openssl-'))
  try {
    const point = Buffer.from(uncompressed(publicKey))
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((one) =>
      one.toString('base64url'),
    )
    const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'secp256k1', x, y } })
    writeFileSync(join(folder, 'key'), key.export({ format: 'pem', type: 'spki' }))
    writeFileSync(join(folder, 'digest'), digest)
    writeFileSync(join(folder, 'signature'), derOf(atInitiator))
    const files = ['-inkey', 'key', '-in', 'digest', '-sigfile', 'signature']
    const { error, stdout } = spawnSync('openssl', ['pkeyutl', '-verify', '-pubin', ...files], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (error) throw error
    return stdout.trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** ECDSA-Sig-Value of RFC 3279. */
function derOf({ r, s }: SignatureOutput): Buffer {
  const integer = (bytes: Uint8Array): Buffer => {
    const first = bytes.findIndex((byte) => byte !== 0)
    const minimal = bytes.subarray(first)
    const positive = (minimal[0] ?? 0) < 0x80 ? minimal : Buffer.concat([Buffer.of(0), minimal])
    return Buffer.concat([Buffer.of(2, positive.length), positive])
  }
  const body = Buffer.concat([integer(r), integer(s)])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, position) => start + position)
}
