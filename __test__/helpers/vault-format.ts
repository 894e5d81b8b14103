/** The sealed format of `docs/protocol.md`, read by other libraries than the product's. */
import { createHash, hkdfSync } from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha'

/** `H(tag; parts)`. */
export function taggedHash(tag: string, parts: readonly Uint8Array[]): Uint8Array {
  const domain = createHash('sha256').update(`mpc-wallet/v1/${tag}`).digest()
  const hash = createHash('sha256').update(domain).update(domain).update(uint32(parts.length))
  for (const part of parts) hash.update(uint32(part.length)).update(part)
  return new Uint8Array(hash.digest())
}

/** What a record is sealed under; the other fields of its name are empty. */
export interface RecordName {
  readonly kind: string
  readonly walletId?: Uint8Array
  readonly keyId?: string
  readonly suite?: string
  readonly required?: number
  readonly total?: number
  readonly epoch?: bigint
}

/** The key-encryption key of a vault that a wrapping key opens. */
export function keyOfVault(header: Uint8Array, wrappingKey: Uint8Array): Uint8Array {
  const parameters = header.subarray(0, -64) // then the key's id and a checksum
  const salt = parameters.subarray(-32)
  const purpose = taggedHash('vault-kek', [parameters])
  return new Uint8Array(hkdfSync('sha256', wrappingKey, salt, purpose, 64)).subarray(0, 32)
}

/** The plaintext of a sealed record. */
export function openRecord(key: Uint8Array, name: RecordName, sealed: Uint8Array): Uint8Array {
  const at = (start: number, length: number): Uint8Array => sealed.subarray(start, start + length)
  const kekId = at(6, 32)
  const associated = associatedData(name)
  const bound = Buffer.concat([associated, kekId])
  const dataKey = xchacha20poly1305(key, at(38, 24), bound).decrypt(at(62, 48))
  return xchacha20poly1305(dataKey, at(110, 24), associated).decrypt(sealed.subarray(134))
}

function associatedData(name: RecordName): Uint8Array {
  const { kind, walletId = new Uint8Array(32), keyId = '', suite = '' } = name
  const { required = 0, total = 0, epoch = 0n } = name
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(epoch)
  return taggedHash('sealed', [
    Buffer.of(0, 1),
    Buffer.from(kind),
    walletId,
    ...[Buffer.from(keyId), Buffer.from(suite)],
    ...[Buffer.of(0), Buffer.of(required), Buffer.of(total)],
    Buffer.of(),
    number,
  ])
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
