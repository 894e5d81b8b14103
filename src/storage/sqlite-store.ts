import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from 'better-sqlite3'
import { requireObject } from '../guards.js'
import { recordChecksum } from './checked-bytes.js'
import { FileCounter } from './file-counter.js'
import type { StoreWrite } from './key-share-store.js'
import type { OutsideCounter } from './outside-counter.js'
import { hasPrivateFile, requirePath, requirePrivateDirectory } from './private-files.js'
import { RecordStore, type Records } from './record-store.js'
import { createDatabase, openConnection } from './sqlite-connection.js'
import { loadSqlite, type SqliteDriver } from './sqlite-driver.js'
import { storeError, toStoreError } from './store-error.js'
import { lockStore, type StoreLock } from './store-lock.js'

const WAL_BYTES = 4 << 20

export interface SqliteStoreParameters {
  /** The database file, in a directory of its own with mode 0700; both are made if missing. */
  readonly path: string
}

/**
 * Keeps sealed records in one SQLite database: the store for anything that matters.
 *
 * A commit is flushed to the disk before it resolves, and blocks the thread for that long. What is
 * deleted is overwritten with zeros and moved out of the WAL, as far as the disk lets software
 * decide that.
 *
 * @example
 * const store = await SqliteStore.open({ path: '/var/lib/agent/wallet/wallet.db' })
 */
export class SqliteStore extends RecordStore {
  /** The version of this package that made the store. */
  readonly createdWith: string
  /** Beside the database, in `<path>.counter`. */
  readonly counter: OutsideCounter

  private constructor(records: Records, madeWith: string, counter: OutsideCounter) {
    super(records)
    this.createdWith = madeWith
    this.counter = counter
  }

  /**
   * Opens a store, or makes an empty one where there is none.
   *
   * @throws {@link MpcWalletError} `STORE_LOCKED` while it is open elsewhere, `STORE_INSECURE_MODE`,
   * `STORE_PATH`, `STORE_READ_ONLY`, `STORE_FULL`, `STORE_CORRUPT`, `STORE_VERSION`,
   * `STORE_DRIVER_MISSING`, `STORE_UNAVAILABLE`.
   */
  static async open(parameters: SqliteStoreParameters): Promise<SqliteStore> {
    const path = requirePath('path', requireObject('parameters', parameters).path)
    const Driver = await loadSqlite()
    try {
      requirePrivateDirectory(dirname(path))
      const lock = lockStore(Driver, path)
      try {
        requireFiles(Driver, path)
        const { db, createdWith } = openConnection(Driver, path)
        const counter = new FileCounter({ path: `${path}.counter` })
        return new SqliteStore(sqliteRecords(db, path, lock), createdWith, counter)
      } catch (error) {
        lock.release()
        throw error
      }
    } catch (error) {
      throw toStoreError(error)
    }
  }
}

function requireFiles(Driver: SqliteDriver, path: string): void {
  const companions = ['-wal', '-shm', '-journal'].filter((end) => hasPrivateFile(path + end))
  if (hasPrivateFile(path)) return
  // a new database would take over the records of this WAL
  if (companions.length > 0)
    throw storeError('STORE_CORRUPT', 'the database is gone, and what belongs to it is there')
  createDatabase(Driver, path)
}

interface Row {
  readonly checksum: Buffer
  readonly value: Buffer
}

function sqliteRecords(db: Database, path: string, lock: StoreLock): Records {
  const has = db.prepare<[string], number>('SELECT 1 FROM record WHERE id = ?').pluck()
  const ids = db
    .prepare<[string], string>('SELECT id FROM record WHERE id >= ? ORDER BY id')
    .pluck()
  const read = db.prepare<[string], Row>('SELECT checksum, value FROM record WHERE id = ?')
  const create = db.prepare('INSERT INTO record (id, checksum, value) VALUES (?, ?, ?)')
  const put = db.prepare(
    `INSERT INTO record (id, checksum, value) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET checksum = excluded.checksum, value = excluded.value`,
  )
  const remove = db.prepare('DELETE FROM record WHERE id = ?')
  const writeAll = db.transaction((writes: readonly StoreWrite[]) => {
    for (const write of writes) {
      if (write.kind === 'delete') remove.run(write.id)
      else
        (write.kind === 'create' ? create : put).run(
          write.id,
          recordChecksum(write.id, write.value),
          write.value,
        )
    }
  })

  const file = statSync(path)
  /** A store that was moved away, or had another put in its place, would take commits to nowhere. */
  const requireSameFile = (): void => {
    const { dev, ino } = statSync(path)
    if (dev !== file.dev || ino !== file.ino)
      throw storeError('STORE_PATH', 'the database was replaced while it was open')
  }

  /** Moves the WAL into the database and empties it. What fails here is done again by the next one. */
  const checkpoint = (): void => {
    try {
      db.pragma('wal_checkpoint(TRUNCATE)')
    } catch {}
  }

  checkpoint() // what a process that was killed had erased, perhaps
  return {
    has: (id) => has.get(id) !== undefined,
    ids: (prefix) => {
      const found: string[] = []
      for (const id of ids.iterate(prefix)) {
        if (!id.startsWith(prefix)) break
        found.push(id)
      }
      return found
    },
    read: (id) => {
      db.pragma('shrink_memory') // drops SQLite's page cache
      const row = read.get(id)
      if (row === undefined) return undefined
      if (!recordChecksum(id, row.value).equals(row.checksum))
        throw storeError('STORE_CORRUPT', 'a record has another checksum than it was written with')
      return new Uint8Array(row.value)
    },
    write: (writes) => {
      requireSameFile()
      writeAll.immediate(writes)
      const erases = writes.some(({ kind }) => kind === 'delete')
      if (erases || statSync(`${path}-wal`).size > WAL_BYTES) checkpoint()
    },
    close: () => {
      try {
        db.close() // the last one, so it empties and removes the WAL
      } finally {
        lock.release()
      }
    },
  }
}
