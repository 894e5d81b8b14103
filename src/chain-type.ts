/**
 * The families of chains a wallet has addresses on. A family is listed here when its payloads can
 * be read and signed.
 */
export const ChainType = Object.freeze({
  /** Ethereum and every chain with the same accounts and transactions. */
  Evm: 'evm',
})

/** One of {@link ChainType}'s values. */
export type ChainType = (typeof ChainType)[keyof typeof ChainType]
