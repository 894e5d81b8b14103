export type StoreWrite =
  | { readonly kind: 'put'; readonly id: string; readonly value: Uint8Array }
  | { readonly kind: 'create'; readonly id: string; readonly value: Uint8Array } // must not exist
  | { readonly kind: 'delete'; readonly id: string }
export interface StoreBatch {
  readonly writes: readonly StoreWrite[]
  readonly readBack: readonly string[]
}
export interface KeyShareStore {
  store(id: string, share: Uint8Array): Promise<void>
  load(id: string): Promise<Uint8Array | undefined>
  delete(id: string): Promise<boolean>
  exists(id: string): Promise<boolean>
  list(prefix?: string): Promise<readonly string[]> // ascending
  /** All or nothing, durable when it resolves; then reads from disk. STORE_RECORD_EXISTS if a create's id exists: nothing is written. */
  commit(batch: StoreBatch): Promise<readonly (Uint8Array | undefined)[]>
  close(): Promise<void>
}
