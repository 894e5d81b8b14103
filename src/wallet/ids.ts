import { type Hex, toHex } from '../hex.js'

/** Names a wallet: 32 bytes as `0x` text. */
export type WalletId = Hex & { readonly __brand: 'WalletId' }

/** Names one run of a protocol: the session id, 32 bytes as `0x` text. */
export type CeremonyId = Hex & { readonly __brand: 'CeremonyId' }

/** @internal */
export function toWalletId(bytes: Uint8Array): WalletId {
  return toHex(bytes) as WalletId // the brand is given here and nowhere else
}

/** @internal */
export function toCeremonyId(bytes: Uint8Array): CeremonyId {
  return toHex(bytes) as CeremonyId // the brand is given here and nowhere else
}
