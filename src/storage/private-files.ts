/** Files and directories that nobody else may read or write, and that survive a power cut once written. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { invalid } from '../guards.js'
import { codeOf, storeError } from './store-error.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants
const IS_WINDOWS = process.platform === 'win32'
const OTHERS = 0o077
const LONGEST_PATH = 4_096

/** @internal */
export function requirePath(field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_PATH)
    throw invalid(field, `must be a path of 1 to ${LONGEST_PATH} characters`)
  const path = resolve(value)
  // better-sqlite3 trims file names, and would open another file
  if (path.includes('\0') || path !== path.trim())
    throw invalid(field, 'must be a path without NUL, and without white space around it')
  return path
}

/**
 * Refuses a directory that others may look into, and makes one if there is none; its parent must be
 * there. Symbolic links above it are the operator's business.
 * @internal
 */
export function requirePrivateDirectory(path: string): void {
  const found = statusOf(path)
  if (found === undefined) {
    mkdirSync(path, { mode: 0o700 })
    syncDirectory(dirname(path))
  } else requirePrivate(found, 'directory')
}

/** Whether there is such a file; refuses one that is no plain file of this user alone. @internal */
export function hasPrivateFile(path: string): boolean {
  const found = statusOf(path)
  if (found === undefined) return false
  requirePrivate(found, 'file')
  return true
}

/** Makes an empty file, and fails where there is anything. @internal */
export function createPrivateFile(path: string): void {
  closeSync(createPrivate(path))
}

/** The first bytes of a private file, at most so many; `undefined` if there is none. @internal */
export function readPrivateFile(path: string, { max }: { max: number }): Buffer | undefined {
  let descriptor: number
  try {
    // without waiting, if there is a pipe of that name
    descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const found = fstatSync(descriptor)
    requirePrivate(found, 'file')
    const bytes = Buffer.alloc(Math.min(found.size, max))
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(descriptor)
  }
}

/** Where {@link stageFile} puts what {@link publishFile} puts in place. @internal */
export function stagedPath(path: string): string {
  return `${path}.next`
}

/** Writes and flushes the next content of a file, beside it. Leaves nothing behind if it fails. @internal */
export function stageFile(path: string, bytes: Uint8Array): void {
  const staged = stagedPath(path)
  rmSync(staged, { force: true })
  const descriptor = createPrivate(staged)
  try {
    writeFileSync(descriptor, bytes)
    fsyncSync(descriptor)
  } catch (error) {
    rmSync(staged, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** Puts the staged content in the place of the old one, durably and at once. @internal */
export function publishFile(path: string): void {
  renameSync(stagedPath(path), path)
  syncDirectory(dirname(path))
}

/** @internal */
export function replaceFile(path: string, bytes: Uint8Array): void {
  stageFile(path, bytes)
  publishFile(path)
}

/** Makes names durable: those that were added to a directory and those that went. @internal */
export function syncDirectory(path: string): void {
  if (IS_WINDOWS) return // it has no such call
  const descriptor = openSync(path, O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function createPrivate(path: string): number {
  const descriptor = openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)
  try {
    fchmodSync(descriptor, 0o600) // whatever the umask
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  return descriptor
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function requirePrivate(found: Stats, wanted: 'directory' | 'file'): void {
  if (found.isSymbolicLink())
    throw storeError('STORE_PATH', `the store's ${wanted} is a symbolic link`)
  if (wanted === 'directory' ? !found.isDirectory() : !found.isFile())
    throw storeError('STORE_PATH', `there is something else where the store's ${wanted} should be`)
  // under a second name SQLite would use another WAL, and another lock
  if (wanted === 'file' && found.nlink > 1)
    throw storeError('STORE_PATH', "the store's file has a second name, a hard link")
  if (IS_WINDOWS) return // access lists there, no modes
  const mode = wanted === 'directory' ? 0o700 : 0o600
  if ((found.mode & OTHERS) !== 0)
    throw storeError(
      'STORE_INSECURE_MODE',
      `other users may read or write the store's ${wanted}, whose mode must be ${mode.toString(8)}`,
    )
  if (found.uid !== process.geteuid?.())
    throw storeError('STORE_INSECURE_MODE', `the store's ${wanted} belongs to another user`)
  // SQLite would open it, and fail at the first write
  if ((found.mode & mode) !== mode)
    throw storeError('STORE_READ_ONLY', `the mode of the store's ${wanted} takes no writes`)
}
