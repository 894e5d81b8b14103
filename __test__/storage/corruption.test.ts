import {
  copyFileSync,
  cpSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { MpcWalletError, SqliteStore } from '../../src/index.js'
import { runStore } from '../helpers/store-process.js'
import {
  bytesOf,
  contents,
  DURABLE,
  type DurableBackend,
  durable,
  filesIn,
  inDirectory,
} from '../helpers/stores.js'

const SHARE = Buffer.from('a sealed share, as far as a store can tell. '.repeat(7))

const ID = 'wallet/1/identity'

/** A closed store with a few small records and one that does not fit a page. */
async function fill(backend: DurableBackend, directory: string): Promise<Map<string, Uint8Array>> {
  const store = await backend.open(directory)
  await store.store('wallet/1/share', SHARE)
  await store.store(ID, bytesOf(64, 64))
  await store.store('wallet/2/share', bytesOf(9_000, 9_000))
  const records = await contents(store)
  await store.close()
  return records
}

/** All records, or the code of the first error. */
async function outcome(backend: DurableBackend, directory: string) {
  try {
    const store = await backend.open(directory)
    try {
      return await contents(store)
    } finally {
      await store.close()
    }
  } catch (error) {
    if (error instanceof MpcWalletError) return error.code
    throw error
  }
}

/** Changes one bit of a file, whatever was opened or written in between. */
function flip(pristine: string, directory: string, path: string, bit: number): void {
  rmSync(join(directory, 'store'), { recursive: true })
  cpSync(join(pristine, 'store'), join(directory, 'store'), { recursive: true })
  const bytes = readFileSync(join(directory, path))
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  writeFileSync(join(directory, path), bytes)
}

describe.each(DURABLE)('a flipped bit in a $name store', (backend) => {
  it('is found at the opening or the reading, or changed nothing', async () => {
    await inDirectory(async (pristine) =>
      inDirectory(async (directory) => {
        const records = await fill(backend, pristine)
        cpSync(join(pristine, 'store'), join(directory, 'store'), { recursive: true })
        const found = new Map<string, number>()
        const files = filesIn(pristine)
        for (const path of files) {
          const { length } = readFileSync(join(pristine, path))
          // odd, so that every place in a byte has its turn
          const step = Math.ceil((length * 8 * files.length) / 200) | 1
          for (let bit = 0; bit < length * 8; bit += step) {
            flip(pristine, directory, path, bit)
            const result = await outcome(backend, directory)
            if (typeof result !== 'string') expect(result).toEqual(records)
            const kind = typeof result === 'string' ? result : 'unchanged'
            found.set(kind, (found.get(kind) ?? 0) + 1)
          }
        }

        expect(found.get('STORE_CORRUPT')).toBeGreaterThan(15)
        for (const kind of found.keys())
          expect(['STORE_CORRUPT', 'STORE_VERSION', 'unchanged']).toContain(kind)
      }),
    )
  })

  it('in an id, wherever it stands, is found at the opening: no record is taken for absent', async () => {
    await inDirectory(async (pristine) =>
      inDirectory(async (directory) => {
        await fill(backend, pristine)
        cpSync(join(pristine, 'store'), join(directory, 'store'), { recursive: true })
        let places = 0
        for (const path of filesIn(pristine)) {
          const bytes = readFileSync(join(pristine, path))
          for (let at = bytes.indexOf(ID); at >= 0; at = bytes.indexOf(ID, at + 1)) {
            flip(pristine, directory, path, 8 * (at + ID.length - 1))
            await expect(backend.open(directory)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
            places++
          }
        }

        expect(places).toBe(backend.name === 'SQLite' ? 2 : 1) // SQLite has it in the index too
      }),
    )
  })

  it('in a value is found where it is read, and leaves the other records readable', async () => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      const path =
        filesIn(directory).find((name) => readFileSync(join(directory, name)).includes(SHARE)) ?? ''
      const bytes = readFileSync(join(directory, path))
      const place = bytes.indexOf(SHARE) + 150
      bytes[place] = (bytes[place] ?? 0) ^ 1
      writeFileSync(join(directory, path), bytes)

      const store = await backend.open(directory)
      await expect(store.load('wallet/1/share')).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        retryable: false,
      })
      expect(await store.load(ID)).toEqual(bytesOf(64, 64))
      await store.close()
    })
  })
})

describe('a SQLite store', () => {
  const backend = durable('SQLite')
  const BATCHES = 6

  it('whose WAL was cut off has the batches before the cut, each whole', async () => {
    await inDirectory(async (dead) =>
      inDirectory(async (directory) => {
        // without deletions every batch stays in the WAL
        await runStore(backend, dead, 'grow', String(BATCHES))
        const wal = readFileSync(join(dead, 'store', 'wallet.db-wal')).length
        expect(wal).toBeGreaterThan(50_000)

        const ends = new Set<number>()
        for (let length = 0; length <= wal; length += Math.floor(wal / 24)) {
          rmSync(join(directory, 'store'), { recursive: true, force: true })
          cpSync(join(dead, 'store'), join(directory, 'store'), { recursive: true })
          truncateSync(join(directory, 'store', 'wallet.db-wal'), length)
          const records = await outcome(backend, directory)
          const n = (typeof records !== 'string' && records.get('a')?.[0]) || 0
          const expected = ['a', 'b', 'c'].map((id): [string, Uint8Array] => [
            id,
            Uint8Array.from({ length: 3_000 }, () => n),
          ])
          expect(records).toEqual(new Map(n === 0 ? [] : expected))
          ends.add(n)
        }
        expect([...ends]).toEqual([...Array(BATCHES).keys()].concat(BATCHES).slice(0, ends.size))
        expect(ends.size).toBeGreaterThan(4)
      }),
    )
  })

  it('without its database, but with its WAL, is broken and not new', async () => {
    await inDirectory(async (directory) => {
      await runStore(backend, directory, 'grow', '2')
      unlinkSync(join(directory, 'store', 'wallet.db'))

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
    })
  })

  it.each([0, 1, 100, 8_192, 12_000])('cut off after %i bytes is broken', async (length) => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      truncateSync(join(directory, 'store', 'wallet.db'), length)

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
    })
  })

  it('is not made of another file, which stays as it was', async () => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      const path = join(directory, 'store', 'wallet.db')
      const text = Buffer.from('this is no database, and long enough to be one '.repeat(100))
      writeFileSync(path, text)

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
      expect(readFileSync(path)).toEqual(text)
    })
  })
})

describe('a file store', () => {
  const backend = durable('file')

  it.each([0, 10, 60, 200])('with a record cut off after %i bytes is broken', async (length) => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      for (const path of filesIn(directory).filter((name) => name.includes('records/')))
        truncateSync(join(directory, path), length)

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
    })
  })

  it('notices records that changed places', async () => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      const [first = '', second = ''] = filesIn(directory).filter((name) => /records/.test(name))
      const store = await backend.open(directory)
      copyFileSync(join(directory, first), join(directory, second))
      await expect(contents(store)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      await store.close()

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
    })
  })

  it('notices a record that went while it was open', async () => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      const store = await backend.open(directory)
      for (const path of filesIn(directory).filter((name) => /records/.test(name)))
        unlinkSync(join(directory, path))

      await expect(store.load('wallet/1/share')).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      await store.close()
    })
  })

  it('with records and without its format is broken and not new', async () => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      unlinkSync(join(directory, 'store', 'store.format'))

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
    })
  })

  it('without the directory of its records is broken and not new', async () => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      rmSync(join(directory, 'store', 'records'), { recursive: true })

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
    })
  })

  it('with a journal that is not what was written is broken, and its records stay', async () => {
    await inDirectory(async (directory) => {
      await fill(backend, directory)
      writeFileSync(join(directory, 'store', 'store.journal'), 'torn', { mode: 0o600 })

      expect(await outcome(backend, directory)).toBe('STORE_CORRUPT')
      unlinkSync(join(directory, 'store', 'store.journal'))
      expect(await outcome(backend, directory)).toHaveProperty('size', 3)
    })
  })
})

describe('a store that SQLite calls whole', () => {
  it.each([
    ['a trigger', 'CREATE TRIGGER drops BEFORE INSERT ON record BEGIN SELECT RAISE(IGNORE); END'],
    ['a table', 'CREATE TABLE more (x)'],
    ['no index of its own', 'DROP TABLE record; CREATE TABLE record (id, checksum, value)'],
    ['a view', 'CREATE VIEW v AS SELECT 1'],
  ])('and that has %s which it was not made with is broken', async (_, sql) => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store', 'wallet.db')
      await (await SqliteStore.open({ path })).close()
      const { default: Database } = await import('better-sqlite3')
      const db = new Database(path)
      db.exec(sql)
      db.close()

      await expect(SqliteStore.open({ path })).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    })
  })
})
