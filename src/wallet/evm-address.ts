import { keccak_256 } from '@noble/hashes/sha3'
import type { Hex } from '../hex.js'
import { uncompressedKey } from '../uncompressed-key.js'

/** The EVM address of a compressed secp256k1 key, with its EIP-55 checksum. @internal */
export function evmAddress(publicKey: Uint8Array): Hex {
  const point = uncompressedKey(publicKey).subarray(1)
  const account = Buffer.from(keccak_256(point).subarray(12)).toString('hex')
  const checksum = Buffer.from(keccak_256(account)).toString('hex')
  const digits = [...account].map((digit, position) =>
    Number.parseInt(checksum.charAt(position), 16) >= 8 ? digit.toUpperCase() : digit,
  )
  return `0x${digits.join('')}`
}
