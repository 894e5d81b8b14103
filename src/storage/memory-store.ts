import { MpcWalletError } from '../errors.js'
import type { KeyShareStore, StoreBatch } from './key-share-store.js'

/** A store that forgets when the process ends. */
export class MemoryStore implements KeyShareStore {
  readonly #records = new Map<string, Uint8Array>()

  async store(id: string, share: Uint8Array): Promise<void> {
    this.#records.set(id, new Uint8Array(share))
  }

  async load(id: string): Promise<Uint8Array | undefined> {
    return this.#copy(id)
  }

  async delete(id: string): Promise<boolean> {
    return this.#records.delete(id)
  }

  async exists(id: string): Promise<boolean> {
    return this.#records.has(id)
  }

  async list(prefix = ''): Promise<readonly string[]> {
    return [...this.#records.keys()].filter((id) => id.startsWith(prefix)).sort()
  }

  async commit({ writes, readBack }: StoreBatch): Promise<readonly (Uint8Array | undefined)[]> {
    if (writes.some(({ kind, id }) => kind === 'create' && this.#records.has(id)))
      throw new MpcWalletError('STORE_RECORD_EXISTS', 'a record of this id exists')
    for (const write of writes) {
      if (write.kind === 'delete') this.#records.delete(write.id)
      else this.#records.set(write.id, new Uint8Array(write.value))
    }
    return readBack.map((id) => this.#copy(id))
  }

  async close(): Promise<void> {}

  #copy(id: string): Uint8Array | undefined {
    const value = this.#records.get(id)
    return value && new Uint8Array(value)
  }
}
