/** Random EIP-712 documents, the same for the same seed. */
import { bytesToHex, checksumAddress, type TypedDataDomain } from 'viem'
import type { Randomness } from './native-transactions.js'

export interface TypedDataDocument {
  readonly types: Readonly<Record<string, readonly { name: string; type: string }[]>>
  readonly primaryType: string
  readonly domain: TypedDataDomain
  readonly message: Readonly<Record<string, unknown>>
}

/** A document whose structs are nested up to three deep, with lists of everything. */
export function randomTypedData(random: Randomness): TypedDataDocument {
  const structs = new Map<string, { name: string; type: string }[]>()
  const primaryType = randomStruct(random, structs, 3)
  const message = randomValue(random, structs, primaryType)
  return {
    types: Object.fromEntries(structs),
    primaryType,
    domain: randomDomain(random),
    message: message as Record<string, unknown>, // the type is a struct
  }
}

/** As a wallet is given it: integers as decimal text. */
export function writeTypedData(document: TypedDataDocument): Uint8Array {
  const text = JSON.stringify(document, (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  return new Uint8Array(Buffer.from(text))
}

function randomDomain({ below, bytes }: Randomness): TypedDataDomain {
  return {
    ...(below(4) > 0 && { name: randomText(below) }),
    ...(below(2) > 0 && { version: String(below(9)) }),
    chainId: 1 + below(100_000),
    verifyingContract: bytesToHex(bytes(20)),
    ...(below(4) === 0 && { salt: bytesToHex(bytes(32)) }),
  }
}

function randomStruct(
  random: Randomness,
  structs: Map<string, { name: string; type: string }[]>,
  depth: number,
): string {
  const { below } = random
  const name = `Struct${structs.size}`
  structs.set(name, []) // takes the name before the structs inside
  const members = Array.from({ length: 1 + below(5) }, (_, index) => {
    const inner =
      depth > 0 && below(4) === 0 ? randomStruct(random, structs, depth - 1) : randomType(random)
    return { name: `member${index}`, type: `${inner}${randomSuffix(random)}` }
  })
  structs.set(name, members)
  return name
}

function randomType({ below, oneOf }: Randomness): string {
  const bits = 8 * (1 + below(32))
  return oneOf([
    'address',
    'bool',
    'string',
    'bytes',
    `uint${bits}`,
    `int${bits}`,
    `bytes${bits / 8}`,
  ])
}

function randomSuffix({ below, oneOf }: Randomness): string {
  return below(3) > 0 ? '' : oneOf(['[]', `[${1 + below(3)}]`, '[][2]'])
}

function randomValue(
  random: Randomness,
  structs: ReadonlyMap<string, readonly { name: string; type: string }[]>,
  type: string,
): unknown {
  const { below, bytes, integer } = random
  const list = /^(.*)\[(\d*)\]$/.exec(type)
  if (list !== null) {
    const [, inner = '', length] = list
    const count = length === '' ? below(3) : Number(length)
    return Array.from({ length: count }, () => randomValue(random, structs, inner))
  }
  const members = structs.get(type)
  if (members !== undefined)
    return Object.fromEntries(
      members.map((member) => [member.name, randomValue(random, structs, member.type)]),
    )
  const size = Number(/\d+$/.exec(type)?.[0] ?? 0)
  if (type.startsWith('uint')) return integer(size)
  if (type.startsWith('int')) return below(2) === 0 ? integer(size - 1) : -integer(size - 1)
  if (type === 'address') return checksumAddress(bytesToHex(bytes(20)))
  if (type === 'bool') return below(2) === 0
  if (type === 'string') return randomText(below)
  return bytesToHex(bytes(type === 'bytes' ? below(70) : size))
}

function randomText(below: Randomness['below']): string {
  const alphabet = ['a', 'Z', '0', ' ', '"', '\\', 'é', '…', '🚀', '\u200d', '/']
  return Array.from({ length: below(40) }, () => alphabet[below(alphabet.length)]).join('')
}
