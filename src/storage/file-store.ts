import { createHash } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { requireObject } from '../guards.js'
import { VERSION } from '../version.js'
import { decodeChecked, encodeChecked, encodeId, overheadOf, payloadOf } from './checked-bytes.js'
import { FileCounter } from './file-counter.js'
import type { StoreWrite } from './key-share-store.js'
import type { OutsideCounter } from './outside-counter.js'
import {
  publishFile,
  readPrivateFile,
  replaceFile,
  requirePath,
  requirePrivateDirectory,
  stagedPath,
  stageFile,
  syncDirectory,
} from './private-files.js'
import { MAX_VALUE_BYTES } from './read-batch.js'
import { RecordStore, type Records } from './record-store.js'
import { loadSqlite } from './sqlite-driver.js'
import { recordExists, storeError, toStoreError } from './store-error.js'
import { lockStore, type StoreLock } from './store-lock.js'
import { ascending } from './utf8-order.js'

const FORMAT = 1
const LONGEST_START = overheadOf('record') + 256
const LONGEST_RECORD = LONGEST_START + MAX_VALUE_BYTES
const LONGEST_FORMAT = 1_024
/** A batch has at most 4 096 names of 64 digits. */
const LONGEST_JOURNAL = 1 << 20
const RECORD_NAME = /^[0-9a-f]{64}$/
const STAGED_NAME = /^[0-9a-f]{64}\.next$/

export interface FileStoreParameters {
  /** A directory of its own with mode 0700; it is made if missing. */
  readonly directory: string
}

/**
 * Keeps each sealed record in a file of its own. It guarantees what {@link SqliteStore} does, with
 * one difference: deleting takes the name away, and the bytes stay until the file system uses their
 * place again.
 *
 * @example
 * const store = await FileStore.open({ directory: '/var/lib/agent/wallet' })
 */
export class FileStore extends RecordStore {
  /** The version of this package that made the store. */
  readonly createdWith: string
  /** In the directory, in `store.counter`. */
  readonly counter: OutsideCounter

  private constructor(records: Records, madeWith: string, counter: OutsideCounter) {
    super(records)
    this.createdWith = madeWith
    this.counter = counter
  }

  /**
   * Opens a store, or makes an empty one where there is none, and finishes a commit that a crash
   * interrupted.
   *
   * @throws {@link MpcWalletError} as {@link SqliteStore.open}. It needs better-sqlite3 too: the lock
   * is SQLite's.
   */
  static async open(parameters: FileStoreParameters): Promise<FileStore> {
    const directory = requirePath('directory', requireObject('parameters', parameters).directory)
    const Driver = await loadSqlite()
    try {
      requirePrivateDirectory(directory)
      const lock = lockStore(Driver, join(directory, 'store'))
      try {
        const madeWith = readFormat(directory) ?? createFormat(directory)
        const records = fileRecords(directory, lock)
        const counter = new FileCounter({ path: join(directory, 'store.counter') })
        return new FileStore(records, madeWith, counter)
      } catch (error) {
        lock.release()
        throw error
      }
    } catch (error) {
      throw toStoreError(error)
    }
  }
}

interface Format {
  readonly format: number
  readonly createdWith: string
}

function readFormat(directory: string): string | undefined {
  const bytes = readPrivateFile(join(directory, 'store.format'), { max: LONGEST_FORMAT })
  if (bytes === undefined) return undefined
  // written by this package, as its checksum says
  const { format, createdWith } = JSON.parse(decodeChecked('store', bytes).toString()) as Format
  if (format !== FORMAT)
    throw storeError(
      'STORE_VERSION',
      `the store has version ${format}, this package reads ${FORMAT}`,
    )
  return createdWith
}

/** Written last: a directory with records and without it is a broken store, not a new one. */
function createFormat(directory: string): string {
  const records = join(directory, 'records')
  requirePrivateDirectory(records)
  if (readdirSync(records).length > 0 || existsSync(join(directory, 'store.journal')))
    throw storeError(
      'STORE_CORRUPT',
      'there are records, and the file that says their format is gone',
    )
  const format: Format = { format: FORMAT, createdWith: VERSION }
  replaceFile(
    join(directory, 'store.format'),
    encodeChecked('store', Buffer.from(JSON.stringify(format))),
  )
  return format.createdWith
}

/** The files that a commit puts in place and takes away, once it is decided. */
interface Journal {
  readonly puts: readonly string[]
  readonly deletes: readonly string[]
}

function fileRecords(directory: string, lock: StoreLock): Records {
  const folder = join(directory, 'records')
  const journalPath = join(directory, 'store.journal')
  const pathOf = (name: string): string => join(folder, name)

  // never made here: that would turn a broken store into an empty one
  if (!existsSync(folder)) throw storeError('STORE_CORRUPT', 'the directory of the records is gone')
  requirePrivateDirectory(folder)
  finishInterrupted()
  const ids = new Set(readIds(folder))

  /** Takes up where it stopped, however often. */
  function finish({ puts, deletes }: Journal): void {
    for (const name of puts)
      if (existsSync(stagedPath(pathOf(name)))) renameSync(stagedPath(pathOf(name)), pathOf(name))
      else if (!existsSync(pathOf(name)))
        throw storeError('STORE_CORRUPT', 'a record of an interrupted commit is gone')
    for (const name of deletes) rmSync(pathOf(name), { force: true })
    syncDirectory(folder)
  }

  function removeJournal(): void {
    rmSync(journalPath)
    // before the next commit, or a power cut could bring this one back after it
    syncDirectory(directory)
  }

  function finishInterrupted(): void {
    rmSync(stagedPath(journalPath), { force: true })
    const bytes = readPrivateFile(journalPath, { max: LONGEST_JOURNAL })
    if (bytes !== undefined) {
      // written by this package, as its checksum says
      finish(JSON.parse(decodeChecked('journal', bytes).toString()) as Journal)
      removeJournal()
    }
    for (const name of readdirSync(folder).filter((entry) => STAGED_NAME.test(entry)))
      rmSync(pathOf(name))
  }

  function write(writes: readonly StoreWrite[]): void {
    const changes = changesOf(writes, ids)
    const values = [...changes].flatMap(([id, value]) => (value ? [{ id, value }] : []))
    const deleted = [...changes.keys()].filter((id) => !changes.get(id) && ids.has(id))
    const journal = { puts: values.map(({ id }) => nameOf(id)), deletes: deleted.map(nameOf) }
    const needsJournal = values.length + deleted.length > 1
    try {
      for (const { id, value } of values) stageFile(pathOf(nameOf(id)), encodeRecord(id, value))
      if (needsJournal) {
        syncDirectory(folder)
        stageFile(journalPath, encodeChecked('journal', Buffer.from(JSON.stringify(journal))))
      }
    } catch (error) {
      for (const name of journal.puts) rmSync(stagedPath(pathOf(name)), { force: true })
      throw error
    }
    try {
      if (needsJournal) publishFile(journalPath) // here it is decided
      finish(journal)
      if (needsJournal) removeJournal()
    } catch (error) {
      throw storeError('STORE_UNAVAILABLE', 'a commit was interrupted by an error', error)
    }
    for (const { id } of values) ids.add(id)
    for (const id of deleted) ids.delete(id)
  }

  return {
    has: (id) => ids.has(id),
    ids: (prefix) => ascending([...ids].filter((id) => id.startsWith(prefix))),
    read: (id) => {
      if (!ids.has(id)) return undefined
      const bytes = readPrivateFile(pathOf(nameOf(id)), { max: LONGEST_RECORD + 1 })
      if (bytes === undefined) throw storeError('STORE_CORRUPT', "a record's file is gone")
      return readRecord(id, decodeChecked('record', bytes))
    },
    write,
    close: () => lock.release(),
  }
}

/** What a batch comes to: the new value of each id, or none. */
function changesOf(
  writes: readonly StoreWrite[],
  ids: ReadonlySet<string>,
): ReadonlyMap<string, Uint8Array | undefined> {
  const changes = new Map<string, Uint8Array | undefined>()
  for (const write of writes) {
    const exists = changes.has(write.id) ? changes.get(write.id) !== undefined : ids.has(write.id)
    if (write.kind === 'create' && exists) throw recordExists()
    changes.set(write.id, write.kind === 'delete' ? undefined : write.value)
  }
  return changes
}

/** A file name for any id: short, and the same on file systems that ignore case. */
function nameOf(id: string): string {
  return createHash('sha256').update(id).digest('hex')
}

function encodeRecord(id: string, value: Uint8Array): Buffer {
  return encodeChecked('record', Buffer.concat([encodeId(id), value]))
}

function readRecord(id: string, payload: Buffer): Uint8Array {
  const start = encodeId(id)
  if (!payload.subarray(0, start.length).equals(start))
    throw storeError('STORE_CORRUPT', 'a record has another id than it was asked for by')
  return new Uint8Array(payload.subarray(start.length))
}

function readIds(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => RECORD_NAME.test(name))
    .map((name) => {
      const start = readPrivateFile(join(folder, name), { max: LONGEST_START }) ?? Buffer.alloc(0)
      const payload = payloadOf('record', start)
      const id = payload.subarray(1, 1 + (payload[0] ?? 0)).toString()
      if (nameOf(id) !== name)
        throw storeError('STORE_CORRUPT', 'a record has another name than its id says')
      return id
    })
}
