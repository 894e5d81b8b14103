import type { Hex } from '../hex.js'
import type { Wallet } from '../native.js'
import { formatDerivationPath } from './derivation-path.js'
import { evmAddress } from './evm-address.js'

const MAX_REMEMBERED = 256

interface Account {
  readonly publicKey: Uint8Array
  readonly address: Hex
}

/** The accounts of a wallet that were asked for, derived once each. @internal */
export class Accounts {
  readonly #wallet: Wallet
  readonly #remembered = new Map<string, Account>()

  constructor(wallet: Wallet) {
    this.#wallet = wallet
  }

  /** The account at these indices. */
  at(indices: number[]): Account {
    const path = formatDerivationPath(indices)
    const known = this.#remembered.get(path)
    if (known !== undefined) return known
    const publicKey = this.#wallet.derive(indices)
    const account = Object.freeze({ publicKey, address: evmAddress(publicKey) })
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size >= MAX_REMEMBERED && oldest !== undefined)
      this.#remembered.delete(oldest)
    this.#remembered.set(path, account)
    return account
  }
}
