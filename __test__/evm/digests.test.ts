/** What this software signs is what viem says it is, for random payloads of every kind. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it, jest } from '@jest/globals'
import {
  bytesToHex,
  hashMessage,
  hashTypedData,
  keccak256,
  serializeTransaction,
  type TransactionSerializable,
  toBytes,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { Intent } from '#native'
import { payloadOf, randomness, randomTransaction } from '../helpers/native-transactions.js'
import { randomTypedData, writeTypedData } from '../helpers/random-typed-data.js'

jest.setTimeout(60_000)

const TRANSACTIONS = 3_000
const AUTHORIZING = 200
const MESSAGES = 1_000
const DOCUMENTS = 1_000
const PUBLIC = new URL('../../../shared/vectors/eip712-typed-data.json', import.meta.url)

const random = randomness('digests')
const digestOf = (kind: string, chain: string | number, bytes: Uint8Array): string =>
  bytesToHex(Intent.parse({ kind, chain: `eip155:${chain}`, bytes }).digest)

describe('the digest', () => {
  it('of a transaction is what viem says, for every type', () => {
    const types = new Set<string>()
    for (let count = 0; count < TRANSACTIONS; count++) {
      const transaction = randomTransaction(random)
      types.add(String(transaction.type))

      const { digest } = Intent.parse(payloadOf(transaction))

      expect(bytesToHex(digest)).toBe(keccak256(serializeTransaction(transaction)))
    }
    expect([...types].sort()).toEqual(['eip1559', 'eip2930', 'legacy'])
  })

  it('of a transaction that delegates accounts is what viem says', async () => {
    const delegating = privateKeyToAccount(bytesToHex(random.bytes(32)))
    for (let count = 0; count < AUTHORIZING; count++) {
      const chainId = 1 + random.below(100_000)
      const nonce = random.below(1_000)
      const delegate = { chainId, address: bytesToHex(random.bytes(20)), nonce: nonce + 1 }
      const transaction: TransactionSerializable = {
        type: 'eip7702',
        chainId,
        nonce,
        to: bytesToHex(random.bytes(20)),
        value: random.integer(90),
        gas: random.integer(30),
        maxFeePerGas: 10n ** 10n,
        maxPriorityFeePerGas: random.integer(30),
        authorizationList: [await delegating.signAuthorization(delegate)],
      }

      const { digest } = Intent.parse(payloadOf(transaction), toBytes(delegating.address))

      expect(bytesToHex(digest)).toBe(keccak256(serializeTransaction(transaction)))
    }
  })

  it('of a message is what viem says, for text and for bytes', () => {
    for (let count = 0; count < MESSAGES; count++) {
      const length = 1 + random.below(300)
      const raw = random.bytes(length === 32 ? 33 : length) // 32 bytes are a hash, which needs leave

      expect(digestOf('evm.message', 1, raw)).toBe(hashMessage({ raw }))
    }
    for (const text of ['a', 'Guten Tag', 'é…🚀', '\n'])
      expect(digestOf('evm.message', 1, toBytes(text))).toBe(hashMessage(text))
  })

  it('of typed data is what viem says', () => {
    for (let count = 0; count < DOCUMENTS; count++) {
      const document = randomTypedData(random)
      const chainId = Number(document.domain.chainId)

      expect([count, digestOf('evm.typedData', chainId, writeTypedData(document))]).toEqual([
        count,
        hashTypedData(document as Parameters<typeof hashTypedData>[0]),
      ])
    }
  })

  const found = existsSync(PUBLIC)
  ;(found ? it : it.skip)('of typed data is that of the public vectors', () => {
    const vectors: readonly PublicVector[] = JSON.parse(readFileSync(PUBLIC, 'utf8'))
    const placed = vectors.filter(({ domain }) => domain.chainId && domain.verifyingContract)

    for (const { domain, types, primaryType, data, digest } of placed) {
      const text = JSON.stringify({ types, primaryType, domain, message: data })
      expect(digestOf('evm.typedData', domain.chainId ?? 1, toBytes(text))).toBe(digest)
    }
    expect(placed.length).toBeGreaterThan(5)
  })
})

/** Of ethers.js, `testcases/typed-data` (MIT). */
interface PublicVector {
  readonly domain: { readonly chainId?: number; readonly verifyingContract?: string }
  readonly types: unknown
  readonly primaryType: string
  readonly data: unknown
  readonly digest: string
}
