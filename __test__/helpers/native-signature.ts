/** What other libraries make of keys and signatures. */
import { ECDH } from 'node:crypto'
import {
  type Address,
  bytesToHex,
  recoverTransactionAddress,
  serializeTransaction,
  type TransactionSerializable,
  type TransactionSerialized,
} from 'viem'
import { HDKey, publicKeyToAddress } from 'viem/accounts'
import type { SignatureOutput } from '#native'

/** The sender of a transaction with this signature, recovered by viem. */
export async function senderOf(
  transaction: TransactionSerializable,
  { r, s, recoveryId }: SignatureOutput,
): Promise<Address> {
  const serialized = serializeTransaction(transaction, {
    r: bytesToHex(r),
    s: bytesToHex(s),
    yParity: recoveryId,
    v: BigInt(recoveryId + 27),
  })
  return await recoverTransactionAddress({
    serializedTransaction: serialized as TransactionSerialized, // it has just been serialized
  })
}

/** The public key under a path, derived by @scure/bip32. */
export function derivedFrom(
  { publicKey, chainCode }: { readonly publicKey: Uint8Array; readonly chainCode: Uint8Array },
  path: readonly number[],
): Uint8Array {
  const root = new HDKey({ publicKey, chainCode })
  const { publicKey: derived } = path.reduce((key, index) => key.deriveChild(index), root)
  if (derived === null) throw new Error('no key under this path')
  return derived
}

export function addressOf(publicKey: Uint8Array): Address {
  return publicKeyToAddress(bytesToHex(uncompressed(publicKey)))
}

/** 65 bytes, by OpenSSL. */
export function uncompressed(publicKey: Uint8Array): Uint8Array {
  const key = ECDH.convertKey(publicKey, 'secp256k1', undefined, 'hex', 'uncompressed')
  return Buffer.from(String(key), 'hex')
}
