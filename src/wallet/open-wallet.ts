import { MpcWalletError } from '../errors.js'
import { invalid, requireObject } from '../guards.js'
import { native } from '../native.js'
import type { PolicyRule } from '../policy/index.js'
import { requireTransport, type Transport } from '../transport/index.js'
import type { WalletId } from './ids.js'
import type { NewWallet } from './keygen.js'
import { originOf, type Party } from './party.js'
import { readRecords } from './party-records.js'

/** Which wallet to open, and how its parties are reached. */
export interface OpenWalletParameters {
  /** This party, opened from its store. */
  readonly party: Party
  /** Needed where the party has several wallets. */
  readonly walletId?: WalletId
  /** This party's transport. It stays the caller's to close. */
  readonly transport: Transport
  /** Rules in code that the policy names and this party runs. */
  readonly rules?: readonly PolicyRule[]
}

/** Opens a wallet from its sealed records. @internal */
export async function openNativeWallet(parameters: OpenWalletParameters): Promise<NewWallet> {
  const { party, walletId, transport, rules = [] } = requireObject('parameters', parameters)
  const checked = requireTransport('transport', transport)
  try {
    const { identity, store, records } = originOf(party)
    const id = chooseWallet(party, walletId)
    if (records === undefined || id === undefined)
      throw new MpcWalletError('SHARE_ABSENT', 'this party holds no share of such a wallet')
    const sealed = await readRecords(records.store, `wallet/${id.slice(2)}/`)
    const wallet = native.Wallet.openSealed(
      identity,
      Buffer.from(id.slice(2), 'hex'),
      store,
      sealed,
      BigInt(Date.now()),
    )
    const erased = wallet.takeErased()
    if (erased.writes.length > 0) await records.commit(erased)
    return { wallet, transport: checked, records, rules }
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

function chooseWallet({ walletIds }: Party, wanted: WalletId | undefined): WalletId | undefined {
  if (wanted !== undefined) return walletIds.find((id) => id === wanted)
  if (walletIds.length > 1) throw invalid('walletId', 'is needed: this party has several wallets')
  return walletIds[0]
}
