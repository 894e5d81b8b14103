import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { SqliteStore } from '../../src/index.js'
import { createDatabase, openConnection, setPragma } from '../../src/storage/sqlite-connection.js'
import { loadSqlite } from '../../src/storage/sqlite-driver.js'
import { migrate } from '../../src/storage/sqlite-schema.js'
import { VERSION } from '../../src/version.js'
import { TYPESCRIPT } from '../helpers/native-process.js'
import { runStore } from '../helpers/store-process.js'
import { bytesOf, durable, inDirectory } from '../helpers/stores.js'

const Driver = await loadSqlite()

describe('the connection of a SQLite store', () => {
  it('has every setting in force, and a WAL', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'wallet.db')
      createDatabase(Driver, path)
      const { db } = openConnection(Driver, path)
      const inForce = (name: string): unknown => db.pragma(name, { simple: true })

      expect({
        journal_mode: inForce('journal_mode'),
        synchronous: inForce('synchronous'),
        fullfsync: inForce('fullfsync'),
        checkpoint_fullfsync: inForce('checkpoint_fullfsync'),
        locking_mode: inForce('locking_mode'),
        secure_delete: inForce('secure_delete'),
        trusted_schema: inForce('trusted_schema'),
        cell_size_check: inForce('cell_size_check'),
        foreign_keys: inForce('foreign_keys'),
        temp_store: inForce('temp_store'),
        wal_autocheckpoint: inForce('wal_autocheckpoint'),
        page_size: inForce('page_size'),
        encoding: inForce('encoding'),
      }).toEqual({
        journal_mode: 'wal',
        synchronous: 2,
        fullfsync: 1,
        checkpoint_fullfsync: 1,
        locking_mode: 'exclusive',
        secure_delete: 1,
        trusted_schema: 0,
        cell_size_check: 1,
        foreign_keys: 1,
        temp_store: 2,
        wal_autocheckpoint: 0,
        page_size: 8_192,
        encoding: 'UTF-8',
      })
      db.close()
    })
  })

  it('is refused if a setting does not take', () => {
    const db = new Driver(':memory:')

    expect(() => setPragma(db, 'journal_mode', 'wal', 'wal')).toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE', retryable: false }),
    )
    expect(() => setPragma(db, 'no_such_setting', 'on', 1)).toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
    )
    db.close()
  })

  it('is refused for a store that is not in WAL mode any more', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'wallet.db')
      createDatabase(Driver, path)
      const db = new Driver(path)
      db.pragma('journal_mode = delete')
      db.close()

      await expect(SqliteStore.open({ path })).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    })
  })
})

describe('a SQLite store', () => {
  it('that SQLite would only read is not opened', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'wallet.db')
      await (await SqliteStore.open({ path })).close()
      const bytes = readFileSync(path)
      bytes[18] = 3 // a later version of the format for writing
      writeFileSync(path, bytes)

      await expect(SqliteStore.open({ path })).rejects.toMatchObject({ code: 'STORE_READ_ONLY' })
    })
  })

  it('flushes its WAL before it acknowledges, and reads back from the file', async () => {
    await inDirectory(async (directory) => {
      if (spawnSync('strace', ['-f', 'true']).status !== 0) {
        process.stderr.write('SKIPPED: without strace nobody sees a flush\n')
        return
      }
      const log = join(directory, 'log')
      const script = fileURLToPath(new URL('processes/store-process.ts', import.meta.url))
      spawnSync('strace', [
        ...[
          '-f',
          '-y',
          '-s',
          '16',
          '-o',
          log,
          '-e',
          'trace=write,pwrite64,pread64,fsync,fdatasync',
        ],
        ...[process.execPath, '--no-warnings', '--import', pathToFileURL(TYPESCRIPT).href],
        ...[script, 'SQLite', directory, 'commit once'],
      ])
      const lines = readFileSync(log, 'utf8').split('\n')
      const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line))
      const asked = at(/write\(1<.*"asked/)
      const acknowledged = at(/write\(1<.*"acknowledged/)
      const commit = lines.slice(asked, acknowledged)
      const flush = commit.findLastIndex((line) => /f(data)?sync\(\d+<.*wallet\.db-wal>/.test(line))
      const write = commit.findLastIndex((line) => /pwrite64\(\d+<.*wallet\.db-wal>/.test(line))

      expect(asked).toBeGreaterThan(0)
      expect(write).toBeGreaterThan(0)
      expect(flush).toBeGreaterThan(write)
      expect(lines.slice(acknowledged, at(/write\(1<.*"read/)).join('\n')).toMatch(
        /pread64\(\d+<.*wallet\.db-wal>/,
      )
    })
  })

  it('leaves nothing of a deleted value in its files', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store', 'wallet.db')
      const secret = Buffer.from('to be erased, but not found again '.repeat(600))
      const store = await SqliteStore.open({ path })
      await store.store('kept', bytesOf(1, 20_000))
      await store.store('short', secret.subarray(0, 340))
      await store.store('long', secret)
      for (const id of ['short', 'long']) await store.delete(id)

      expect(statSync(`${path}-wal`).size).toBe(0)
      await store.close()
      expect(readFileSync(path).includes('not found again')).toBe(false)
    })
  })

  it('empties the WAL that a killed process left', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store', 'wallet.db')
      await runStore(durable('SQLite'), directory, 'grow', '3')
      expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)

      const store = await SqliteStore.open({ path })
      expect(statSync(`${path}-wal`).size).toBe(0)
      expect(await store.list()).toEqual(['a', 'b', 'c'])
      await store.close()
    })
  })

  it('keeps its WAL short without being asked', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store', 'wallet.db')
      const store = await SqliteStore.open({ path })
      let longest = 0
      for (let n = 0; n < 30; n++) {
        await store.store(`value/${n % 3}`, bytesOf(n, 400_000))
        longest = Math.max(longest, statSync(`${path}-wal`).size)
      }
      await store.close()

      expect(longest).toBeGreaterThan(1 << 20)
      expect(longest).toBeLessThanOrEqual(4 << 20)
    })
  })

  it('knows which version made it', async () => {
    await inDirectory(async (directory) => {
      const store = await SqliteStore.open({ path: join(directory, 'store', 'wallet.db') })
      expect(store.createdWith).toBe(VERSION)
      await store.close()
    })
  })

  it.each([
    ['a newer version', 'user_version = 2', 'STORE_VERSION'],
    ['the version before the first', 'user_version = 0', 'STORE_VERSION'],
    ['a negative version', 'user_version = -1', 'STORE_VERSION'],
    ['another application', 'application_id = 7', 'STORE_VERSION'],
  ])('refuses %s, and changes nothing', async (_, pragma, code) => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store.db')
      createDatabase(Driver, path)
      const db = new Driver(path)
      db.pragma(pragma)
      db.close()
      const before = readFileSync(path)

      await expect(SqliteStore.open({ path })).rejects.toMatchObject({ code })
      expect(readFileSync(path)).toEqual(before)
    })
  })

  it('moves to a newer version in one step, with its records', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store.db')
      const store = await SqliteStore.open({ path })
      await store.store('a', bytesOf(1, 100))
      await store.close()
      const db = new Driver(path)
      const sql = db.prepare('SELECT group_concat(sql, char(59)) FROM sqlite_schema').pluck().get()
      const first = String(sql)

      expect(() => migrate(Driver, db, [first, 'DROP TABLE record; no SQL'])).toThrow()
      expect(db.pragma('user_version', { simple: true })).toBe(1)
      migrate(Driver, db, [first, 'CREATE TABLE more (x INTEGER) STRICT'])
      expect(db.pragma('user_version', { simple: true })).toBe(2)
      expect(db.prepare('SELECT id FROM record').pluck().all()).toEqual(['a'])
      db.close()
    })
  })

  it('is a copy like the original, once it is closed', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store.db')
      const store = await SqliteStore.open({ path })
      await store.store('a', bytesOf(1, 100))
      await store.close()
      copyFileSync(path, join(directory, 'copy.db'))

      const copy = await SqliteStore.open({ path: join(directory, 'copy.db') })
      expect(await copy.load('a')).toEqual(bytesOf(1, 100))
      await copy.close()
    })
  })
})
