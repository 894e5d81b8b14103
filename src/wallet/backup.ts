import { MpcWalletError } from '../errors.js'
import { invalid, requireObject } from '../guards.js'
import { native, type Vault } from '../native.js'
import type { WalletContext } from './context.js'
import { createVault, requireUnlock, type Unlock, type UnlockCost } from './unlock.js'

/** How a backup file is sealed. */
export interface BackupParameters {
  /** A password of the file's own, or a key wrapper. It may be another than the store's. */
  readonly unlock: Unlock
  /** For a password: how much work each try costs; `high` by default, since a file gets around. */
  readonly unlockCost?: UnlockCost
}

/** One encrypted file with what this party needs to come back. */
export interface BackupReturnType {
  readonly file: Uint8Array
  /** Of the share in it. After the next refresh or recovery the file is worth nothing. */
  readonly epoch: bigint
  readonly exportedAtMs: number
}

/** A file whose key is on paper. */
export interface BackupWithWordsReturnType extends BackupReturnType {
  /**
   * Three lists of 33 words (SLIP-39). Any two of them open the file, and one says nothing. They are
   * secret: show each to a person, once, and keep them in three places, none of them with the file.
   */
  readonly words: readonly [string, string, string]
}

/** What a party knows of its wallet's backups. */
export interface BackupStatus {
  /**
   * `none` was made here, the newest one is `stale` because the shares changed since, or it is
   * `current`.
   */
  readonly state: 'none' | 'stale' | 'current'
  /** Epoch and time of the newest one. */
  readonly last?: { readonly epoch: bigint; readonly exportedAtMs: number }
  /** When this party came back from a backup. */
  readonly restoredAtMs?: number
  /** Whether this party signs nothing before a refresh, since it came back from a backup. */
  readonly needsRefresh: boolean
  /**
   * Whether what was spent before is not known here, so that every limit counts as used up: after
   * coming back from a backup.
   */
  readonly limitsFull: boolean
}

/** @internal */
export async function backup(
  context: WalletContext,
  parameters: BackupParameters,
): Promise<BackupReturnType> {
  const { unlock, unlockCost = 'high' } = requireObject('parameters', parameters)
  if (unlockCost !== 'standard' && unlockCost !== 'high')
    throw invalid('unlockCost', 'must be standard or high')
  const checked = requireUnlock('unlock', unlock)
  try {
    return await write(context, await createVault(checked, unlockCost))
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

/** @internal */
export async function backupWithWords(context: WalletContext): Promise<BackupWithWordsReturnType> {
  try {
    const key = native.FreshKey.forWords()
    const [first, second, third] = await key.splitIntoWords()
    if (first === undefined || second === undefined || third === undefined)
      throw new MpcWalletError('INTERNAL', 'a key that was not split into three')
    const written = await write(context, key.createVault(new Uint8Array()))
    return { ...written, words: [first, second, third] }
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

async function write(
  { native: wallet, records }: WalletContext,
  vault: Vault,
): Promise<BackupReturnType> {
  const now = Date.now()
  const { file, epoch, batch } = wallet.backup(vault, BigInt(now))
  if (batch.writes.length > 0) await records?.commit(batch)
  return { file, epoch, exportedAtMs: now }
}

/** What the status of a wallet says about its backups, and the epoch that one made now would hold. @internal */
export async function readBackupStatus({ native: wallet, records }: WalletContext): Promise<{
  readonly backup: BackupStatus
  readonly certifiedEpoch: bigint | undefined
}> {
  try {
    const ids = wallet.backupRecordIds
    const sealed = await records?.store.commit({ writes: [], readBack: ids })
    const { lastEpoch, lastMs, restoredMs, certifiedEpoch } = wallet.backupStatus([
      ...(sealed ?? []),
    ])
    const last =
      lastEpoch === undefined || lastMs === undefined
        ? undefined
        : { epoch: lastEpoch, exportedAtMs: Number(lastMs) }
    const backup: BackupStatus = {
      state: last === undefined ? 'none' : last.epoch === certifiedEpoch ? 'current' : 'stale',
      ...(last !== undefined && { last }),
      ...(restoredMs !== undefined && { restoredAtMs: Number(restoredMs) }),
      needsRefresh: wallet.needsRefresh,
      limitsFull: wallet.limitsFull(BigInt(Date.now())),
    }
    return { backup, certifiedEpoch }
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}
