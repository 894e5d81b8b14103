// Writes evm-transactions.json beside itself: `node evm-transactions.mjs`, with viem 2.57 installed.
// Deterministic: the same viem gives the same file.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { getAddress, keccak256, numberToHex, serializeTransaction, size, slice, toHex } from 'viem'

const max = (bits) => 2n ** bits - 1n
const maxNumber = Number.MAX_SAFE_INTEGER // viem takes chain id and nonce as numbers

let drawn = 0
/** The next `length` bytes of a fixed stream. */
function draw(length) {
  let bytes = '0x'
  while (size(bytes) < length) bytes += keccak256(toHex(`intent/${drawn++}`)).slice(2)
  return length === 0 ? '0x' : slice(bytes, 0, length)
}
const drawNumber = (bytes) => BigInt(draw(bytes))
const drawAddress = () => getAddress(draw(20))

const recipient = '0x3535353535353535353535353535353535353535'
const base = { chainId: 1, nonce: 9, gas: 21_000n, to: recipient, value: 10n ** 18n, data: '0x' }
const entry = (keys) => ({
  address: drawAddress(),
  storageKeys: Array.from({ length: keys }, () => draw(32)),
})
const repeated = entry(1)

const integers = [
  0n,
  1n,
  127n,
  128n,
  255n,
  256n,
  10n ** 9n,
  max(63n),
  max(64n),
  max(64n) + 1n,
  max(128n),
]
/** Each changes one thing about `base`. A cost above 256 bits is refused and has no place here. */
const edges = {
  chainId: [10, 127, 128, 255, 256, 8453, 11_155_111, maxNumber],
  nonce: [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32, maxNumber],
  gas: [0n, 1n, 127n, 128n, 255n, 256n, 30_000_000n, max(63n), max(64n)],
  value: [...integers, max(255n), max(256n) - 21_000n * 20n * 10n ** 9n],
  to: [`0x${'00'.repeat(20)}`, `0x${'00'.repeat(19)}01`, `0x${'ff'.repeat(20)}`],
  data: [
    '0x00',
    '0x7f',
    '0x80',
    '0xff',
    '0x00000000',
    '0xa9059cbb',
    ...[2, 3, 5, 54, 55, 56, 57, 68, 255, 256, 257, 1024].map(draw),
  ],
}
const accessLists = [
  [entry(0)],
  [entry(1)],
  [entry(2), entry(0), entry(3)],
  [repeated, repeated],
  [{ address: `0x${'00'.repeat(20)}`, storageKeys: [`0x${'00'.repeat(32)}`] }],
  Array.from({ length: 20 }, () => entry(1)),
]

const types = {
  legacy: { gasPrice: 20n * 10n ** 9n },
  eip2930: { gasPrice: 20n * 10n ** 9n, accessList: [] },
  eip1559: { maxFeePerGas: 20n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n, accessList: [] },
}

function* cases(type) {
  const usual = { type, ...base, ...types[type] }
  yield ['usual', usual]
  for (const [field, values] of Object.entries(edges)) {
    for (const [index, value] of values.entries())
      yield [`${field} #${index}`, { ...usual, [field]: value }]
  }
  for (const [index, fee] of integers.entries()) {
    if (type !== 'eip1559') yield [`gasPrice #${index}`, { ...usual, gasPrice: fee }]
    else {
      yield [`both fees #${index}`, { ...usual, maxFeePerGas: fee, maxPriorityFeePerGas: fee }]
      yield [
        `priority fee 0 of fee #${index}`,
        { ...usual, maxFeePerGas: fee, maxPriorityFeePerGas: 0n },
      ]
    }
  }
  const highest = type === 'eip1559' ? { maxFeePerGas: max(256n) } : { gasPrice: max(256n) }
  yield ['highest fee', { ...usual, ...highest, gas: 1n, value: 0n }]
  for (const [index, value] of [0n, 1n].entries()) {
    yield [`creation #${index}`, { ...usual, to: null, value, data: draw(300) }]
  }
  if (type !== 'legacy') {
    for (const [index, accessList] of accessLists.entries())
      yield [`accessList #${index}`, { ...usual, accessList }]
  }
  for (let index = 0; index < 5; index++) {
    const random = {
      chainId: Number(drawNumber(5)) + 1,
      nonce: Number(drawNumber(3)),
      gas: drawNumber(4),
      to: drawAddress(),
      value: drawNumber(10),
      data: draw(Number(drawNumber(1))),
    }
    yield [`random #${index}`, { ...usual, ...random }]
  }
}

/** H("payload"; kind, chain, bytes), written out once more. */
function payloadHash(chain, bytes) {
  const u32 = (value) => Buffer.from(numberToHex(value, { size: 4 }).slice(2), 'hex')
  const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest()
  const domain = sha256(Buffer.from('mpc-wallet/v1/payload'))
  const parts = [
    Buffer.from('evm.transaction'),
    Buffer.from(chain),
    Buffer.from(bytes.slice(2), 'hex'),
  ]
  return toHex(
    sha256(domain, domain, u32(parts.length), ...parts.flatMap((part) => [u32(part.length), part])),
  )
}

function vector(name, transaction) {
  const unsigned = serializeTransaction(transaction)
  const chain = `eip155:${transaction.chainId}`
  const decimals = Object.entries(transaction).map(([field, value]) => [
    field,
    ['number', 'bigint'].includes(typeof value) ? String(value) : value,
  ])
  return {
    name,
    chain,
    unsigned,
    digest: keccak256(unsigned),
    payloadHash: payloadHash(chain, unsigned),
    dataHash: keccak256(transaction.data),
    transaction: {
      ...Object.fromEntries(decimals),
      to: transaction.to && getAddress(transaction.to),
      ...(transaction.accessList && {
        accessList: transaction.accessList.map((item) => ({
          ...item,
          address: getAddress(item.address),
        })),
      }),
    },
  }
}

const vectors = Object.keys(types).flatMap((type) =>
  [...cases(type)].map(([name, transaction]) => vector(`${type}: ${name}`, transaction)),
)
const { version } = JSON.parse(
  readFileSync(new URL('package.json', import.meta.resolve('viem/package.json'))),
)
const header = {
  description:
    'Unsigned EVM transactions and their digests. `unsigned` is what is signed, `digest` its keccak-256, `payloadHash` is H("payload"; "evm.transaction", chain, unsigned), `dataHash` the keccak-256 of the data. `transaction` holds the fields as `Intent::describe` prints them.',
  producer: `viem ${version}: serializeTransaction, keccak256, getAddress; SHA-256 of node:crypto`,
  script:
    'evm-transactions.mjs: for each type one usual transaction, then each field in turn at the edges of its encoding (0, 1, 127, 128, 255, 256, powers of two, lengths around 55 and 256 bytes), contract creations, access lists, and five transactions from a fixed stream.',
  licence: 'MIT OR Apache-2.0',
}
const lines = vectors.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')
const head = JSON.stringify(header, null, 2).slice(0, -2)
writeFileSync(
  new URL('evm-transactions.json', import.meta.url),
  `${head},\n  "vectors": [\n${lines}\n  ]\n}\n`,
)
