import { ERROR_TABLE, MpcWalletError, type MpcWalletErrorCode } from '../errors.js'

/** By primary result code of SQLite: the name of an extended one begins with it. */
const BY_SQLITE_CODE: readonly (readonly [string, MpcWalletErrorCode])[] = [
  ['SQLITE_BUSY', 'STORE_LOCKED'],
  ['SQLITE_LOCKED', 'STORE_LOCKED'],
  ['SQLITE_READONLY', 'STORE_READ_ONLY'],
  ['SQLITE_PERM', 'STORE_READ_ONLY'],
  ['SQLITE_FULL', 'STORE_FULL'],
  ['SQLITE_CORRUPT', 'STORE_CORRUPT'],
  ['SQLITE_NOTADB', 'STORE_CORRUPT'],
  ['SQLITE_FORMAT', 'STORE_CORRUPT'],
  ['SQLITE_IOERR_CORRUPTFS', 'STORE_CORRUPT'],
  ['SQLITE_CANTOPEN_SYMLINK', 'STORE_PATH'],
  ['SQLITE_CANTOPEN_ISDIR', 'STORE_PATH'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'STORE_RECORD_EXISTS'],
  ['SQLITE_', 'STORE_UNAVAILABLE'],
  ['UNKNOWN_SQLITE_ERROR_', 'STORE_UNAVAILABLE'],
]

const BY_ERRNO: Readonly<Record<string, MpcWalletErrorCode>> = {
  EACCES: 'STORE_READ_ONLY',
  EPERM: 'STORE_READ_ONLY',
  EROFS: 'STORE_READ_ONLY',
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
  EFBIG: 'STORE_FULL',
  ELOOP: 'STORE_PATH',
  ENOENT: 'STORE_PATH',
  ENOTDIR: 'STORE_PATH',
  EISDIR: 'STORE_PATH',
  ERR_FS_EISDIR: 'STORE_PATH',
  ENAMETOOLONG: 'STORE_PATH',
}

/**
 * Gives what SQLite, the file system or this package threw a code of ours. Total: what is not known
 * is `STORE_UNAVAILABLE`, and the name of its own code stands in the message.
 * @internal
 */
export function toStoreError(error: unknown): MpcWalletError {
  if (error instanceof MpcWalletError) return error
  const name = codeOf(error)
  const code = name === undefined ? undefined : storeCode(name)
  // not from SQLite nor the file system: a defect
  if (code === undefined) return MpcWalletError.wrap(error)
  return storeError(code, `${ERROR_TABLE[code].meaning} (${name})`, error)
}

/** An error whose message ends with what to do. @internal */
export function storeError(
  code: MpcWalletErrorCode,
  what: string,
  cause?: unknown,
): MpcWalletError {
  const message = `${what}: ${ERROR_TABLE[code].next}`
  return new MpcWalletError(code, message, cause === undefined ? {} : { cause })
}

/** @internal */
export function recordExists(): MpcWalletError {
  return storeError('STORE_RECORD_EXISTS', ERROR_TABLE.STORE_RECORD_EXISTS.meaning)
}

function storeCode(name: string): MpcWalletErrorCode | undefined {
  const found = BY_SQLITE_CODE.find(([prefix]) => name.startsWith(prefix))
  if (found !== undefined) return found[1]
  if (Object.hasOwn(BY_ERRNO, name)) return BY_ERRNO[name]
  return /^E[A-Z0-9]+$/.test(name) ? 'STORE_UNAVAILABLE' : undefined
}

/** Read by shape: under jest and across copies of the package the class is of another realm. @internal */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
