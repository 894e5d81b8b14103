/** The backends under test, and directories for them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStore, type KeyShareStore, MemoryStore, SqliteStore } from '../../src/storage/index.js'

export interface Backend {
  readonly name: string
  /** Opens the store of a directory of the test. */
  open(directory: string): Promise<KeyShareStore>
}

export interface DurableBackend extends Backend {
  readonly name: 'SQLite' | 'file'
}

/** Those that write to the disk; their files are in `<directory>/store`. */
export const DURABLE: readonly DurableBackend[] = [
  {
    name: 'SQLite',
    open: (directory) => SqliteStore.open({ path: join(directory, 'store', 'wallet.db') }),
  },
  { name: 'file', open: (directory) => FileStore.open({ directory: join(directory, 'store') }) },
]

export const BACKENDS: readonly Backend[] = [
  ...DURABLE,
  { name: 'memory', open: async () => new MemoryStore() },
]

export function durable(name: string): DurableBackend {
  const backend = DURABLE.find((one) => one.name === name)
  if (backend === undefined) throw new Error(`there is no backend ${name}`)
  return backend
}

/** Runs with a new directory, and removes it. */
export async function inDirectory<Result>(
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'mpc-wallet-store-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A new directory in one of a test, for one of several stores. */
export function directoryOf(directory: string, name: string): string {
  const path = join(directory, name)
  mkdirSync(path, { recursive: true })
  return path
}

/** Bytes that depend on a seed alone. */
export function bytesOf(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let position = 0; position < length; position++)
    bytes[position] = (seed * 31 + position * 7) & 0xff
  return bytes
}

/** All records of a store. */
export async function contents(store: KeyShareStore): Promise<Map<string, Uint8Array>> {
  const ids = await store.list()
  const values = await store.commit({ writes: [], readBack: ids })
  return new Map(
    ids.map((id, position) => {
      const value = values[position]
      if (value === undefined) throw new Error('a listed record is not there')
      return [id, value]
    }),
  )
}

/** All files below a directory, relative to it. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}
