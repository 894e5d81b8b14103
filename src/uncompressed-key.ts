import { ECDH } from 'node:crypto'

/** A compressed secp256k1 key as SEC 1's 65 bytes: 4, x, y. Public data only. @internal */
export function uncompressedKey(publicKey: Uint8Array): Uint8Array {
  const point = ECDH.convertKey(publicKey, 'secp256k1', undefined, undefined, 'uncompressed')
  // without an output encoding it is a Buffer; the type allows text
  return new Uint8Array(point as Buffer)
}
