import { MpcWalletError } from '../errors.js'
import { invalid, isBytes, requireBytes, requireObject } from '../guards.js'
import { type Backup, native, type Vault } from '../native.js'
import type { PartyRole } from '../party-role.js'
import { toWalletId, type WalletId } from './ids.js'
import { openVault, requireUnlock, type Unlock } from './unlock.js'

const MAX_FILE_BYTES = 1 << 20

/** What opens a backup file: as it was sealed, or two of its three lists of words. */
export type BackupUnlock = Unlock | { readonly words: readonly [string, string] }

/** Which file, and what opens it. */
export interface VerifyBackupParameters {
  readonly file: Uint8Array
  readonly unlock: BackupUnlock
}

/** What a backup file is a backup of. */
export interface VerifyBackupReturnType {
  readonly walletId: WalletId
  /** Whose backup it is. */
  readonly role: PartyRole
  /** Of the share in it: worth something only while the other parties hold the same epoch. */
  readonly epoch: bigint
  readonly exportedAtMs: number
}

/**
 * Opens a backup file and checks that this party could come back from it: that the share in it is the
 * one of its epoch, that all three parties certified that epoch, and that this party is one of them.
 * Whether the epoch is the wallet's newest, the file cannot know: compare it with `wallet.epoch`.
 *
 * @example
 * const { epoch } = await verifyBackup({ file: await readFile(path), unlock: { password } })
 * if (epoch !== wallet.epoch) throw new Error('make a new backup')
 * @throws {@link MpcWalletError} `BACKUP_UNREADABLE`, `WRONG_PASSWORD`, `WORDS_INVALID`.
 */
export async function verifyBackup(
  parameters: VerifyBackupParameters,
): Promise<VerifyBackupReturnType> {
  const { walletId, role, epoch, exportedAtMs } = await openBackup(parameters)
  return {
    walletId: toWalletId(walletId),
    role,
    epoch,
    exportedAtMs: Number(exportedAtMs),
  }
}

/** @internal */
export async function openBackup(parameters: VerifyBackupParameters): Promise<Backup> {
  const { file, unlock } = requireObject('parameters', parameters)
  if (!isBytes(file)) throw invalid('file', 'must be the bytes of the file')
  const bytes = requireBytes('file', file, { max: MAX_FILE_BYTES })
  const checked = requireBackupUnlock(unlock)
  try {
    return native.Backup.open(bytes, await unlockFile(native.Backup.header(bytes), checked))
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

async function unlockFile(header: Uint8Array, unlock: BackupUnlock): Promise<Vault> {
  if ('words' in unlock) return await native.Vault.unlockWithWords(header, [...unlock.words])
  return await openVault(header, unlock)
}

function requireBackupUnlock(value: unknown): BackupUnlock {
  const unlock = requireObject('unlock', value as { readonly words?: unknown }) // read just below
  const { words } = unlock
  if (words === undefined) return requireUnlock('unlock', unlock)
  const [first, second, ...others]: unknown[] = Array.isArray(words) ? words : []
  if (typeof first !== 'string' || typeof second !== 'string' || others.length > 0)
    throw invalid('unlock.words', 'must be two of the three lists, each as text')
  return { words: [first, second] }
}
