import { MpcWalletError, type MpcWalletErrorCode } from '../errors.js'
import type { KeyShareStore, StoreBatch, StoreWrite } from './key-share-store.js'
import { readBatch, readId, readPrefix } from './read-batch.js'
import { toStoreError } from './store-error.js'

/** What a backend does, with arguments that were checked. It throws whatever it likes. */
export interface Records {
  has(id: string): boolean
  /** Ids that begin with the prefix, ascending by their UTF-8 bytes. */
  ids(prefix: string): string[]
  /** A copy of the value, from the files and not from a cache of this process. */
  read(id: string): Uint8Array | undefined
  /** All or nothing, durable when it returns. */
  write(writes: readonly StoreWrite[]): void
  close(): void
}

/** Failures of a write after which it is certain that nothing of it happened. */
const NOTHING_WRITTEN: readonly MpcWalletErrorCode[] = [
  'STORE_RECORD_EXISTS',
  'STORE_FULL',
  'STORE_READ_ONLY',
  'STORE_LOCKED',
]

/**
 * The front of every backend: checks arguments, gives errors their codes, and stops after a write
 * whose outcome nobody knows. A disk that failed to flush may report success at the next try.
 */
export class RecordStore implements KeyShareStore {
  readonly #records: Records
  #state: 'open' | 'doubtful' | 'closed' = 'open'

  /** @internal */
  constructor(records: Records) {
    this.#records = records
  }

  async store(id: string, share: Uint8Array): Promise<void> {
    await this.commit({ writes: [{ kind: 'put', id, value: share }], readBack: [] })
  }

  async load(id: string): Promise<Uint8Array | undefined> {
    const checkedId = readId('id', id)
    return this.#use((records) => records.read(checkedId))
  }

  async delete(id: string): Promise<boolean> {
    const checkedId = readId('id', id)
    return this.#use((records) => {
      const existed = records.has(checkedId)
      if (existed) this.#write(records, [{ kind: 'delete', id: checkedId }])
      return existed
    })
  }

  async exists(id: string): Promise<boolean> {
    const checkedId = readId('id', id)
    return this.#use((records) => records.has(checkedId))
  }

  async list(prefix = ''): Promise<readonly string[]> {
    const checkedPrefix = readPrefix('prefix', prefix)
    return this.#use((records) => records.ids(checkedPrefix))
  }

  async commit(batch: StoreBatch): Promise<readonly (Uint8Array | undefined)[]> {
    const { writes, readBack } = readBatch(batch)
    return this.#use((records) => {
      if (writes.length > 0) this.#write(records, writes)
      return readBack.map((id) => records.read(id))
    })
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    try {
      this.#records.close()
    } catch (error) {
      throw toStoreError(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #use<Result>(work: (records: Records) => Result): Result {
    if (this.#state === 'closed') throw new MpcWalletError('SESSION_CLOSED', 'the store was closed')
    if (this.#state === 'doubtful')
      throw new MpcWalletError(
        'STORE_UNAVAILABLE',
        'an earlier write failed and its outcome is not known: close the store and open it again',
        { retryable: false },
      )
    try {
      return work(this.#records)
    } catch (error) {
      throw toStoreError(error)
    }
  }

  #write(records: Records, writes: readonly StoreWrite[]): void {
    try {
      records.write(writes)
    } catch (error) {
      const storeError = toStoreError(error)
      if (!NOTHING_WRITTEN.includes(storeError.code)) this.#state = 'doubtful'
      throw storeError
    }
  }
}
