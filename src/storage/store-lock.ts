import { rmSync, writeFileSync } from 'node:fs'
import { createPrivateFile, hasPrivateFile, readPrivateFile } from './private-files.js'
import type { SqliteDriver } from './sqlite-driver.js'
import { codeOf, storeError } from './store-error.js'

/** @internal */
export interface StoreLock {
  release(): void
}

/**
 * Keeps every other process, and a second opening in this one, out of a store.
 *
 * The lock is the operating system's, on an empty SQLite database beside the store that nothing is
 * ever written to; it ends with the process, however that ends. The process id in the other file is
 * for the error message, and nothing is decided by it.
 *
 * POSIX drops a process's locks on a file when that process closes *any* descriptor of it: nothing
 * here may open the lock file but SQLite.
 *
 * @throws {@link MpcWalletError} `STORE_LOCKED`, naming the process that holds it.
 * @internal
 */
export function lockStore(Driver: SqliteDriver, base: string): StoreLock {
  const lockPath = `${base}.lock`
  const pidPath = `${base}.pid`
  if (!hasPrivateFile(lockPath)) createUnlessThere(lockPath)
  const lock = new Driver(lockPath, { fileMustExist: true, timeout: 0 })
  try {
    lock.pragma('journal_mode = memory') // or each lock would make a journal file
    lock.exec('BEGIN EXCLUSIVE')
    rmSync(pidPath, { force: true })
    writeFileSync(pidPath, String(process.pid), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    lock.close()
    if (codeOf(error) !== 'SQLITE_BUSY') throw error
    throw storeError('STORE_LOCKED', `the store is open in ${holder(pidPath)}`, error)
  }
  return {
    release: () => {
      rmSync(pidPath, { force: true })
      lock.close()
    },
  }
}

function createUnlessThere(path: string): void {
  try {
    createPrivateFile(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error // another process was first: then the lock decides
  }
}

function holder(pidPath: string): string {
  const pid = Number(readPrivateFile(pidPath, { max: 16 })?.toString() || Number.NaN)
  if (pid === process.pid) return 'this process'
  return Number.isSafeInteger(pid) ? `process ${pid}` : 'another process'
}
