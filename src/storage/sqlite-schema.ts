import type { Database } from 'better-sqlite3'
import { VERSION } from '../version.js'
import type { SqliteDriver } from './sqlite-driver.js'
import { storeError } from './store-error.js'

/** "MPCW", in the header of the file. */
const APPLICATION_ID = 0x4d504357
/** A record of 33 kB fills four pages, and checking a store reads half as many as with 4 kB. */
const PAGE_BYTES = 8_192

/**
 * Each takes a store from the version that is its position to the next. Never edited once released;
 * a golden file of every released version is opened by the tests.
 */
const MIGRATIONS: readonly string[] = [
  // with row ids, so that the list of ids is an index of its own, apart from the values
  `CREATE TABLE metadata (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE record (
     id TEXT NOT NULL PRIMARY KEY CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 255),
     checksum BLOB NOT NULL CHECK (length(checksum) = 32),
     value BLOB NOT NULL CHECK (length(value) <= 1048576)
   ) STRICT;`,
]

/** Makes an empty store of the newest version. @internal */
export function createSchema(db: Database): void {
  db.pragma(`page_size = ${PAGE_BYTES}`)
  db.pragma('journal_mode = wal') // stays in the file
  db.transaction(() => {
    db.pragma(`application_id = ${APPLICATION_ID}`)
    migrateFrom(db, 0, MIGRATIONS)
    db.prepare('INSERT INTO metadata VALUES (?, ?)').run('createdWith', VERSION)
  }).immediate()
}

/**
 * Refuses what is no store, or one of a newer version, before anything of it is changed.
 * @internal
 */
export function requireKnownVersion(db: Database, migrations = MIGRATIONS): number {
  const version = numberOf(db, 'user_version')
  if (db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined)
    throw storeError('STORE_CORRUPT', 'the database is empty')
  if (numberOf(db, 'application_id') !== APPLICATION_ID)
    throw storeError('STORE_VERSION', 'the file is a database, but no store of this package')
  if (version < 1 || version > migrations.length)
    throw storeError(
      'STORE_VERSION',
      `the store has version ${version}, this package reads 1 to ${migrations.length}`,
    )
  return version
}

/**
 * Brings a store of an older version up to date, in one transaction, and refuses one whose tables are
 * not those that this package made: a trigger could drop what is written.
 * @internal
 */
export function migrate(Driver: SqliteDriver, db: Database, migrations = MIGRATIONS): void {
  const version = requireKnownVersion(db, migrations)
  if (version < migrations.length)
    db.transaction(() => migrateFrom(db, version, migrations)).immediate()
  const model = new Driver(':memory:')
  try {
    migrateFrom(model, 0, migrations)
    if (schemaOf(db) !== schemaOf(model))
      throw storeError('STORE_CORRUPT', 'the store has other tables than those it was made with')
  } finally {
    model.close()
  }
}

/** @internal */
export function createdWith(db: Database): string {
  const value = db.prepare("SELECT value FROM metadata WHERE name = 'createdWith'").pluck().get()
  if (typeof value !== 'string')
    throw storeError('STORE_CORRUPT', 'the store does not say which version made it')
  return value
}

function migrateFrom(db: Database, version: number, migrations: readonly string[]): void {
  for (const migration of migrations.slice(version)) db.exec(migration)
  db.pragma(`user_version = ${migrations.length}`)
}

function schemaOf(db: Database): string {
  const rows = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').all()
  return JSON.stringify(rows)
}

function numberOf(db: Database, pragma: string): number {
  return Number(db.pragma(pragma, { simple: true }))
}
