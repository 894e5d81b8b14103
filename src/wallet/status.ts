import { MpcWalletError } from '../errors.js'
import type { PartyRole } from '../party-role.js'
import { type BackupStatus, backupStatus } from './backup.js'
import type { WalletContext } from './context.js'

/** What this party knows of another one. */
export interface PeerStatus {
  readonly role: PartyRole
  /**
   * Whether this party signs nothing with it before a refresh: a check of the oblivious transfer
   * between the two failed.
   */
  readonly poisoned: boolean
}

/** Where a wallet stands at this party. */
export interface WalletStatus {
  /**
   * `pending` until this party knows that all three hold the shares of one epoch: before that the
   * wallet is nothing to pay to.
   */
  readonly state: 'pending' | 'certified'
  /** Number of the newest share set that this party holds. */
  readonly epoch: bigint
  /** Numbers of all share sets that it holds; more than one while a refresh or recovery is not certified. */
  readonly heldEpochs: readonly bigint[]
  readonly peers: readonly PeerStatus[]
  readonly backup: BackupStatus
}

/** @internal */
export async function readStatus(context: WalletContext): Promise<WalletStatus> {
  const { native: wallet, role } = context
  try {
    const poisoned = wallet.poisoned
    return Object.freeze({
      state: wallet.isCertified ? 'certified' : 'pending',
      epoch: wallet.epoch,
      heldEpochs: Object.freeze(wallet.heldEpochs),
      peers: Object.freeze(
        wallet.parties
          .filter((party) => party.role !== role)
          .map((party) =>
            Object.freeze({ role: party.role, poisoned: poisoned.includes(party.role) }),
          ),
      ),
      backup: await backupStatus(context),
    })
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}
