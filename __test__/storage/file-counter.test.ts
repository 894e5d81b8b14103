import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { FileCounter, FileStore, SqliteStore } from '../../src/index.js'
import { inDirectory } from '../helpers/stores.js'

describe('a counter in a file', () => {
  it('knows nothing at first, and then the highest number, also when it is opened again', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'counter')
      const counter = new FileCounter({ path })

      expect(await counter.read()).toBeUndefined()
      for (const to of [0n, 1n, 7n, 7n, 2n ** 64n - 1n]) {
        await counter.advance(to)
        expect(await counter.read()).toBe(to)
        expect(await new FileCounter({ path }).read()).toBe(to)
      }
      expect(statSync(path).mode & 0o777).toBe(0o600)
    })
  })

  it('never goes back', async () => {
    await inDirectory(async (directory) => {
      const counter = new FileCounter({ path: join(directory, 'counter') })
      await counter.advance(7n)

      for (const to of [6n, 0n])
        await expect(counter.advance(to)).rejects.toMatchObject({ code: 'ROLLBACK' })
      expect(await counter.read()).toBe(7n)
    })
  })

  it.each([-1n, 2n ** 64n, 7, '7', undefined])('refuses %p', async (to) => {
    await inDirectory(async (directory) => {
      const counter = new FileCounter({ path: join(directory, 'counter') })

      await expect(counter.advance(to as bigint)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      expect(await counter.read()).toBeUndefined()
    })
  })

  it('with any bit flipped is broken, and never another number', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'counter')
      const counter = new FileCounter({ path })
      await counter.advance(1_000n)
      const bytes = readFileSync(path)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        writeFileSync(path, flipped)

        await expect(counter.read()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
        await expect(counter.advance(2_000n)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      }
    })
  })

  it('keeps the rules of a store for its file and its directory', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'counter')
      const counter = new FileCounter({ path })
      await counter.advance(1n)
      chmodSync(path, 0o644)
      await expect(counter.read()).rejects.toMatchObject({ code: 'STORE_INSECURE_MODE' })
      chmodSync(path, 0o600)
      chmodSync(directory, 0o755)
      await expect(counter.advance(2n)).rejects.toMatchObject({ code: 'STORE_INSECURE_MODE' })
    })
  })

  it('is beside a SQLite store, and in the directory of a file store', async () => {
    await inDirectory(async (directory) => {
      const sqlite = await SqliteStore.open({ path: join(directory, 'a', 'wallet.db') })
      const file = await FileStore.open({ directory: join(directory, 'b') })
      await sqlite.counter.advance(1n)
      await file.counter.advance(2n)
      await sqlite.close()
      await file.close()

      const paths = ['a/wallet.db.counter', 'b/store.counter']
      const counters = paths.map((path) => new FileCounter({ path: join(directory, path) }))
      expect(await Promise.all(counters.map((counter) => counter.read()))).toEqual([1n, 2n])
    })
  })
})
