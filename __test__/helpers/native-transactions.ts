/** Random unsigned EVM transactions of every kind that is signed, the same for the same seed. */
import { createHash } from 'node:crypto'
import { bytesToHex, serializeTransaction, type TransactionSerializable, toBytes } from 'viem'
import type { PayloadInput } from '#native'

export interface Randomness {
  /** A whole number below a bound. */
  below(bound: number): number
  bytes(length: number): Uint8Array
  /** Of at most so many bits, and of fewer as often as of all. */
  integer(bits: number): bigint
  oneOf<Value>(values: readonly Value[]): Value
}

/** SHA-256 over the seed and a counter. */
export function randomness(seed: string): Randomness {
  let counter = 0
  const block = (): Buffer => createHash('sha256').update(`${seed}/${counter++}`).digest()
  const bytes = (length: number): Uint8Array => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, block)
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
  }
  const below = (bound: number): number => Number(BigInt(bytesToHex(bytes(8))) % BigInt(bound))
  return {
    below,
    bytes,
    integer: (bits) => BigInt(bytesToHex(bytes(32))) >> BigInt(256 - below(bits + 1)),
    oneOf: (values) => {
      const value = values[below(values.length)]
      if (value === undefined) throw new Error('nothing to choose from')
      return value
    },
  }
}

export function randomTransaction(random: Randomness): TransactionSerializable {
  const { below, bytes, integer, oneOf } = random
  const common = {
    chainId: oneOf([1, 10, 137, 8453, 31_337, 1 + below(2 ** 31)]),
    nonce: oneOf([0, below(1_000), below(2 ** 48)]),
    value: integer(120),
    gas: integer(40),
    ...(below(8) === 0
      ? { data: bytesToHex(bytes(1 + below(300))) } // makes a contract
      : { to: bytesToHex(bytes(20)), data: bytesToHex(bytes(below(300))) }),
  }
  const accessList = Array.from({ length: below(3) }, () => ({
    address: bytesToHex(bytes(20)),
    storageKeys: Array.from({ length: below(3) }, () => bytesToHex(bytes(32))),
  }))
  const maxFeePerGas = integer(60)
  return oneOf<() => TransactionSerializable>([
    () => ({ type: 'legacy', ...common, gasPrice: maxFeePerGas }),
    () => ({ type: 'eip2930', ...common, accessList, gasPrice: maxFeePerGas }),
    () => ({
      type: 'eip1559',
      ...common,
      accessList,
      maxFeePerGas,
      maxPriorityFeePerGas: maxFeePerGas >> BigInt(below(8)),
    }),
  ])()
}

/** What the addon reads of it. */
export function payloadOf(transaction: TransactionSerializable): PayloadInput {
  return {
    kind: 'evm.transaction',
    chain: `eip155:${transaction.chainId}`,
    bytes: toBytes(serializeTransaction(transaction)),
  }
}
