import { MpcWalletError } from '../errors.js'
import { requireInteger, requireObject } from '../guards.js'
import type { PartyRole } from '../party-role.js'
import { type BackupStatus, readBackupStatus } from './backup.js'
import type { WalletContext } from './context.js'
import { certifiedAtMs } from './epoch-times.js'

const DEFAULT_REFRESH_AFTER_DAYS = 90
const MAX_REFRESH_AFTER_DAYS = 3_650
const DAY_MS = 24 * 3_600_000

/** What to ask of a status. */
export interface StatusParameters {
  /** After how many days shares are old, from 1 to 3,650; 90 by default. */
  readonly refreshAfterDays?: number
}

/** How old the shares are with which this party signs. */
export interface EpochAge {
  /** Number of the newest share set that everybody acknowledged. */
  readonly epoch: bigint
  /**
   * When this party wrote down that everybody holds it, by its clock; for a party that came back
   * from a backup, when that was made.
   */
  readonly certifiedAtMs: number
  /** Whole days since then. */
  readonly days: number
  /** Whether it is time to {@link MpcAgentWallet.refresh}. Nothing stops if nobody does. */
  readonly refreshDue: boolean
}

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
  /**
   * Absent while no epoch is certified, for a party without a store, and where the store does not
   * say since when.
   */
  readonly epochAge?: EpochAge
}

/** @internal */
export async function readStatus(
  context: WalletContext,
  parameters: StatusParameters,
): Promise<WalletStatus> {
  const { refreshAfterDays = DEFAULT_REFRESH_AFTER_DAYS } = requireObject('parameters', parameters)
  requireInteger('refreshAfterDays', refreshAfterDays, { min: 1, max: MAX_REFRESH_AFTER_DAYS })
  const { native: wallet, role } = context
  try {
    const poisoned = wallet.poisoned
    const { backup, certifiedEpoch } = await readBackupStatus(context)
    const age = await ageOf(context, certifiedEpoch, refreshAfterDays)
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
      backup,
      ...(age !== undefined && { epochAge: age }),
    })
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

async function ageOf(
  { native: wallet, records }: WalletContext,
  epoch: bigint | undefined,
  refreshAfterDays: number,
): Promise<EpochAge | undefined> {
  if (epoch === undefined || records === undefined) return undefined
  const atMs = await certifiedAtMs(records.store, wallet.walletId, epoch)
  if (atMs === undefined) return undefined
  const days = Math.max(0, Math.floor((Date.now() - atMs) / DAY_MS))
  return Object.freeze({ epoch, certifiedAtMs: atMs, days, refreshDue: days >= refreshAfterDays })
}
