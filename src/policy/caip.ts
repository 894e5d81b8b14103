import { invalid } from '../guards.js'

/** Longer text names nothing. The native side reads the rest of an address, per chain. */
const MAX_TEXT = 256

/** @internal */
export function requireText(field: string, text: unknown): string {
  if (typeof text !== 'string' || text === '' || text.length > MAX_TEXT)
    throw invalid(field, `must be text of 1 to ${MAX_TEXT} characters`)
  return text
}

/** @internal */
export function requireList<Entry>(field: string, list: readonly Entry[]): readonly Entry[] {
  if (!Array.isArray(list)) throw invalid(field, 'must be a list')
  return list
}

/** The coin type (SLIP-44) of each namespace's native assets; the chain tells them apart. */
const NATIVE: Readonly<Record<string, number>> = { eip155: 60, solana: 501, bip122: 0 }

/** @internal */
export function requireChain(field: string, chain: unknown): string {
  const namespace = /^(eip155|solana|bip122):[A-Za-z0-9]{1,32}$/.exec(
    requireText(field, chain),
  )?.[1]
  if (namespace === undefined)
    throw invalid(field, "must be a chain in CAIP-2, such as 'eip155:1' for Ethereum")
  return requireText(field, chain)
}

/** The asset in which a chain's fees are paid, in CAIP-19. @internal */
export function nativeAsset(chain: string): string {
  const [namespace = ''] = requireChain('chain', chain).split(':')
  return `${chain}/slip44:${NATIVE[namespace]}`
}

/** An address of a chain, bare or in CAIP-10, as CAIP-10. @internal */
export function accountOn(chain: string, field: string, address: unknown): string {
  const text = requireText(field, address)
  if (!text.includes(':')) return `${requireChain('chain', chain)}:${text}`
  if (text.startsWith(`${requireChain('chain', chain)}:`)) return text
  throw invalid(field, 'is on another chain')
}
