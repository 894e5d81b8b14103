import { sha256 } from '@noble/hashes/sha2'

/**
 * The domains that the SDK hashes in itself. All domains of the project are listed in
 * `native/crates/tagged-hash/src/tags.rs`, these too.
 *
 * @internal
 */
export const HASH_TAGS = Object.freeze([
  'audit-entry',
  'audit-head',
  'doc/proposal',
  'ledger-principal',
  'ledger-request',
] as const)

/** One of {@link HASH_TAGS}. @internal */
export type HashTag = (typeof HASH_TAGS)[number]

/**
 * The one hash of the wallet, as the native side computes it: `T(tag) = SHA-256("mpc-wallet/v1/" ‖
 * tag)`, `H(tag; p_1 … p_m) = SHA-256(T ‖ T ‖ u32(m) ‖ (u32(len p_i) ‖ p_i)*)`. Injective over
 * lists of parts. Text is hashed as UTF-8.
 *
 * @internal
 */
export function taggedHash(tag: HashTag, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const domain = sha256(`mpc-wallet/v1/${tag}`)
  const hash = sha256.create().update(domain).update(domain).update(uint32(parts.length))
  for (const part of parts) {
    const bytes = typeof part === 'string' ? new TextEncoder().encode(part) : part
    hash.update(uint32(bytes.length)).update(bytes)
  }
  return hash.digest()
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
