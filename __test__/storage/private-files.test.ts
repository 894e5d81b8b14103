import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { FileCounter, FileStore, SqliteStore } from '../../src/index.js'
import { runStore } from '../helpers/store-process.js'
import { bytesOf, DURABLE, type DurableBackend, inDirectory } from '../helpers/stores.js'

/** Nobody's, for what is tried as a user whom modes bind. */
const OTHER_USER = 65_534

const MAIN_FILES = { SQLite: 'store/wallet.db', file: 'store/store.format' } as const

/** A store with records, closed or not. */
async function filled(backend: DurableBackend, directory: string) {
  const store = await backend.open(directory)
  await store.commit({
    writes: ['a', 'b'].map((id) => ({ kind: 'put', id, value: bytesOf(1, 100) })),
    readBack: [],
  })
  return store
}

/** Moves something away and leaves a symbolic link to it. */
function replaceByLink(path: string): void {
  renameSync(path, `${path}-real`)
  symlinkSync(`${path}-real`, path)
}

describe.each(DURABLE)('the files of a $name store', (backend) => {
  const main = MAIN_FILES[backend.name]

  it('are for their owner alone while it is open, whatever the umask', async () => {
    await inDirectory(async (directory) => {
      const umask = process.umask(0)
      try {
        const store = await filled(backend, directory)
        const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
        const modes = entries.map((entry) => {
          const { mode } = lstatSync(join(entry.parentPath, entry.name))
          return [entry.isDirectory() ? 'directory' : 'file', (mode & 0o777).toString(8)].join(' ')
        })
        await store.close()

        expect(new Set(modes)).toEqual(new Set(['directory 700', 'file 600']))
        expect(modes.length).toBeGreaterThan(4)
      } finally {
        process.umask(umask)
      }
    })
  })

  it.each([0o701, 0o710, 0o720, 0o750, 0o755])('refuses a directory of mode %o', async (mode) => {
    await inDirectory(async (directory) => {
      await (await filled(backend, directory)).close()
      chmodSync(join(directory, 'store'), mode)

      await expect(backend.open(directory)).rejects.toMatchObject({
        code: 'STORE_INSECURE_MODE',
        message: expect.stringContaining('chmod 700'),
      })
    })
  })

  it.each([0o601, 0o604, 0o620, 0o640, 0o666])('refuses a main file of mode %o', async (mode) => {
    await inDirectory(async (directory) => {
      await (await filled(backend, directory)).close()
      chmodSync(join(directory, main), mode)

      await expect(backend.open(directory)).rejects.toMatchObject({
        code: 'STORE_INSECURE_MODE',
        message: expect.stringContaining('chmod 600'),
      })
    })
  })

  it('opens again once the modes are right', async () => {
    await inDirectory(async (directory) => {
      await (await filled(backend, directory)).close()
      chmodSync(join(directory, main), 0o644)
      await expect(backend.open(directory)).rejects.toMatchObject({ code: 'STORE_INSECURE_MODE' })
      chmodSync(join(directory, main), 0o600)

      const store = await backend.open(directory)
      expect(await store.list()).toEqual(['a', 'b'])
      await store.close()
    })
  })

  it('refuses its directory, its main file and its lock behind a symbolic link', async () => {
    for (const path of [
      'store',
      main,
      backend.name === 'file' ? 'store/store.lock' : `${main}.lock`,
    ])
      await inDirectory(async (directory) => {
        await (await filled(backend, directory)).close()
        replaceByLink(join(directory, path))

        await expect(backend.open(directory)).rejects.toMatchObject({
          code: 'STORE_PATH',
          message: expect.stringContaining('link'),
        })
      })
  })

  it('refuses a main file with a second name', async () => {
    await inDirectory(async (directory) => {
      await (await filled(backend, directory)).close()
      linkSync(join(directory, main), join(directory, 'second'))

      await expect(backend.open(directory)).rejects.toMatchObject({ code: 'STORE_PATH' })
    })
  })

  it('refuses a directory where a file should be, and the other way round', async () => {
    await inDirectory(async (directory) => {
      mkdirSync(join(directory, 'store'), { mode: 0o700 })
      mkdirSync(join(directory, main), { mode: 0o700 })
      await expect(backend.open(directory)).rejects.toMatchObject({ code: 'STORE_PATH' })
    })
    await inDirectory(async (directory) => {
      writeFileSync(join(directory, 'store'), '', { mode: 0o600 })
      await expect(backend.open(directory)).rejects.toMatchObject({ code: 'STORE_PATH' })
    })
  })

  it('refuses a directory whose parent is not there', async () => {
    await inDirectory(async (directory) => {
      await expect(backend.open(join(directory, 'missing'))).rejects.toMatchObject({
        code: 'STORE_PATH',
      })
    })
  })

  it('that belong to another user are refused', async () => {
    await inDirectory(async (directory) => {
      if (process.geteuid?.() !== 0) {
        process.stderr.write('SKIPPED: only root can give files away\n')
        return
      }
      await (await filled(backend, directory)).close()
      chownSync(join(directory, main), OTHER_USER, OTHER_USER)

      await expect(backend.open(directory)).rejects.toMatchObject({
        code: 'STORE_INSECURE_MODE',
        message: expect.stringContaining('another user'),
      })
    })
  })

  it.each([
    ['directory', 'store', 0o500],
    ['main file', main, 0o400],
  ])('say STORE_READ_ONLY at once if the %s is', async (what, path, mode) => {
    if (what === 'main file' && backend.name === 'file') return // which is never written again
    await inDirectory(async (directory) => {
      await (await filled(backend, directory)).close()
      chmodSync(join(directory, path), mode)
      if (process.geteuid?.() === 0)
        for (const entry of ['', ...(readdirSync(directory, { recursive: true }) as string[])])
          chownSync(join(directory, entry), OTHER_USER, OTHER_USER)

      const { stdout } = await runStore(
        backend,
        directory,
        'open as an ordinary user',
        String(OTHER_USER),
      )
      chmodSync(join(directory, 'store'), 0o700)
      expect(stdout).toBe('STORE_READ_ONLY\n')
    })
  })

  it('are refused a second time in this process, which is said', async () => {
    await inDirectory(async (directory) => {
      const store = await filled(backend, directory)

      await expect(backend.open(directory)).rejects.toMatchObject({
        code: 'STORE_LOCKED',
        message: expect.stringContaining('this process'),
      })
      expect(await store.list()).toEqual(['a', 'b'])
      await store.close()
      await (await backend.open(directory)).close()
    })
  })

  it('do not lock each other when they are copies', async () => {
    await inDirectory(async (first) =>
      inDirectory(async (second) => {
        const stores = [await backend.open(first), await backend.open(second)]
        for (const store of stores) await store.close()
      }),
    )
  })
})

describe('a SQLite store', () => {
  it.each(['-wal', '-shm', '-journal'])(
    'refuses a %s behind a link, or of a loose mode',
    async (end) => {
      await inDirectory(async (directory) => {
        const path = join(directory, 'store', 'wallet.db')
        await (await SqliteStore.open({ path })).close()
        writeFileSync(path + end, '', { mode: 0o600 })
        chmodSync(path + end, 0o640)
        await expect(SqliteStore.open({ path })).rejects.toMatchObject({
          code: 'STORE_INSECURE_MODE',
        })

        chmodSync(path + end, 0o600)
        replaceByLink(path + end)
        await expect(SqliteStore.open({ path })).rejects.toMatchObject({ code: 'STORE_PATH' })
      })
    },
  )

  it('writes nothing to a database that took the place of its own', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'store', 'wallet.db')
      const store = await SqliteStore.open({ path })
      await store.store('a', bytesOf(1, 10))
      copyFileSync(path, `${path}.copy`)
      renameSync(`${path}.copy`, path)

      await expect(store.store('a', bytesOf(2, 10))).rejects.toMatchObject({ code: 'STORE_PATH' })
      await expect(store.load('a')).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: false,
      })
      await store.close()
    })
  })

  it.each([
    ['no path', undefined],
    ['no text', 7],
    ['an empty path', ''],
    ['a NUL', '/x/a\0b'],
    ['white space at the end', '/x/wallet.db '],
    ['4 097 characters', `/${'x'.repeat(4_096)}`],
  ])('refuses %s', async (_, path) => {
    const wrong = path as string
    const refused = expect.objectContaining({ code: 'INVALID_INPUT' })
    await expect(SqliteStore.open({ path: wrong })).rejects.toEqual(refused)
    await expect(FileStore.open({ directory: wrong })).rejects.toEqual(refused)
    expect(() => new FileCounter({ path: wrong })).toThrow(refused)
  })
})
