import { chmodSync, cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { FileStore, type KeyShareStore, SqliteStore } from '../../src/index.js'
import { root } from '../docs/documents.js'
import { bytesOf, contents, inDirectory } from '../helpers/stores.js'

const GOLDEN = join(root, '__test__', 'vectors', 'golden')
const versions = readdirSync(GOLDEN).filter((name) => /^\d+\.\d+\.\d+$/.test(name))

/** A copy with the modes that git does not keep. */
function copy(version: string, directory: string): void {
  cpSync(join(GOLDEN, version), join(directory, version), { recursive: true })
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600)
}

describe.each(versions)('the stores that version %s left', (version) => {
  const records: Record<string, string> = JSON.parse(
    readFileSync(join(GOLDEN, version, 'records.json'), 'utf8'),
  )
  const expected = new Map(
    Object.entries(records).map(([id, value]) => [
      id,
      new Uint8Array(Buffer.from(value, 'base64')),
    ]),
  )

  it.each([
    ['SQLite', (folder: string) => SqliteStore.open({ path: join(folder, 'sqlite', 'wallet.db') })],
    ['file', (folder: string) => FileStore.open({ directory: join(folder, 'file') })],
  ])('are opened, read and written: %s', async (_, open) => {
    await inDirectory(async (directory) => {
      copy(version, directory)
      const store = await open(join(directory, version))
      expect(await contents(store)).toEqual(expected)
      expect([store.createdWith, await store.counter.read()]).toEqual([version, 7n])
      await store.store('new', bytesOf(1, 100))
      await store.close()

      const again: KeyShareStore = await open(join(directory, version))
      expect(await contents(again)).toEqual(new Map([...expected, ['new', bytesOf(1, 100)]]))
      await again.close()
    })
  })
})
