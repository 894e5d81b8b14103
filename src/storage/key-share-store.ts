import type { OutsideCounter } from './outside-counter.js'

/** One change of a batch. Later ones of the same id see what earlier ones did. */
export type StoreWrite =
  | { readonly kind: 'put'; readonly id: string; readonly value: Uint8Array }
  /** As `put`, for an id that must not exist. */
  | { readonly kind: 'create'; readonly id: string; readonly value: Uint8Array }
  /** An id that does not exist is no error. */
  | { readonly kind: 'delete'; readonly id: string }

/** What {@link KeyShareStore.commit} does in one step. */
export interface StoreBatch {
  readonly writes: readonly StoreWrite[]
  /** Ids whose values are read after the writes are durable. */
  readonly readBack: readonly string[]
}

/**
 * Keeps sealed records. To a store, ids and values are opaque: sealing is native, and no store ever
 * sees a plaintext share.
 *
 * An id is 1 to 255 bytes of well-formed text without NUL, and nothing else about it matters: no id
 * is a path. A value has up to 1 MiB, a batch up to 4 096 writes and 64 MiB.
 *
 * Every method rejects with {@link MpcWalletError}: `INVALID_INPUT`, `SESSION_CLOSED` after
 * {@link KeyShareStore.close}, or a `STORE_` code. After a write that failed with
 * `STORE_UNAVAILABLE` or `STORE_CORRUPT` it is not known whether it happened (wholly or not at
 * all), and the store refuses everything until it is opened again.
 */
export interface KeyShareStore {
  /** Where it is noticed that an older copy of the store was put in its place. */
  readonly counter?: OutsideCounter
  /** Writes a record, whether there was one or not; durable when it resolves. */
  store(id: string, share: Uint8Array): Promise<void>
  /** A copy of the value, `undefined` where there is none. */
  load(id: string): Promise<Uint8Array | undefined>
  /** Whether there was a record; it is gone durably when it resolves. */
  delete(id: string): Promise<boolean>
  exists(id: string): Promise<boolean>
  /** Ids that begin with the prefix, ascending by their UTF-8 bytes. Reads no values. */
  list(prefix?: string): Promise<readonly string[]>
  /**
   * Makes all writes or none, durable when it resolves, then reads from the files and not from a
   * cache of this process.
   *
   * @throws {@link MpcWalletError} `STORE_RECORD_EXISTS` if the id of a `create` exists: nothing is
   * written.
   */
  commit(batch: StoreBatch): Promise<readonly (Uint8Array | undefined)[]>
  /** Releases the files and the lock. A second call does nothing. */
  close(): Promise<void>
}
