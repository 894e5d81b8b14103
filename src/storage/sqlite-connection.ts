import { renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from 'better-sqlite3'
import { MpcWalletError } from '../errors.js'
import { createPrivateFile, syncDirectory } from './private-files.js'
import type { SqliteDriver } from './sqlite-driver.js'
import { createdWith, createSchema, migrate, requireKnownVersion } from './sqlite-schema.js'
import { storeError } from './store-error.js'

/** What is set on a connection, and what SQLite must then say is in force. */
const PRAGMAS: readonly (readonly [name: string, set: string, inForce: string | number])[] = [
  ['trusted_schema', 'off', 0],
  ['cell_size_check', 'on', 1],
  ['foreign_keys', 'on', 1],
  ['secure_delete', 'on', 1],
  ['temp_store', 'memory', 2], // or values could be spilled into a directory of everybody's
  // FULL: with WAL, NORMAL would lose the last commits in a power cut
  ['synchronous', 'full', 2],
  ['fullfsync', 'on', 1],
  ['checkpoint_fullfsync', 'on', 1],
  // done after commits: inside one, its failure would pass for a failure of the commit
  ['wal_autocheckpoint', '0', 0],
]

/** @internal */
export interface Connection {
  readonly db: Database
  /** The version of this package that made the store. */
  readonly createdWith: string
}

/**
 * Opens the database of a store with every setting in force, checked from end to end.
 *
 * @throws {@link MpcWalletError} `STORE_CORRUPT`, `STORE_VERSION`, `STORE_READ_ONLY`, or what SQLite
 * throws.
 * @internal
 */
export function openConnection(Driver: SqliteDriver, path: string): Connection {
  const db = new Driver(path, { fileMustExist: true, timeout: 0 })
  try {
    // before the first access, which then keeps other programs out, and the WAL index off the disk
    setPragma(db, 'locking_mode', 'exclusive', 'exclusive')
    const version = requireKnownVersion(db)
    setPragmas(db)
    // it was made in WAL mode; in another one a WAL beside it would be ignored
    if (db.pragma('journal_mode', { simple: true }) !== 'wal')
      throw storeError('STORE_CORRUPT', 'the store is not in WAL mode any more')
    // SQLite opens what it cannot write too, and says so only at a write
    db.exec(`BEGIN; PRAGMA user_version = ${version}; ROLLBACK`)
    requireIntegrity(db)
    migrate(Driver, db)
    return { db, createdWith: createdWith(db) }
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Makes an empty database. It has its name only once it is complete: an empty file is a broken store,
 * not a new one.
 * @internal
 */
export function createDatabase(Driver: SqliteDriver, path: string): void {
  const draft = `${path}.draft`
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(draft + end, { force: true })
  createPrivateFile(draft)
  const db = new Driver(draft, { fileMustExist: true, timeout: 0 })
  try {
    setPragmas(db)
    createSchema(db)
  } finally {
    db.close() // which moves everything out of its WAL, flushes and removes that
  }
  renameSync(draft, path)
  syncDirectory(dirname(path))
}

function setPragmas(db: Database): void {
  for (const [name, set, inForce] of PRAGMAS) setPragma(db, name, set, inForce)
}

/** @internal */
export function setPragma(db: Database, name: string, set: string, inForce: string | number): void {
  db.pragma(`${name} = ${set}`)
  if (db.pragma(name, { simple: true }) !== inForce)
    throw new MpcWalletError('STORE_UNAVAILABLE', `SQLite does not take ${name} = ${set}`, {
      retryable: false,
    })
}

function requireIntegrity(db: Database): void {
  if (db.pragma('integrity_check(1)', { simple: true }) !== 'ok')
    throw storeError('STORE_CORRUPT', 'the database does not pass its integrity check')
}
