import { dirname } from 'node:path'
import { invalid } from '../guards.js'
import { decodeChecked, encodeChecked } from './checked-bytes.js'
import type { OutsideCounter } from './outside-counter.js'
import {
  readPrivateFile,
  replaceFile,
  requirePath,
  requirePrivateDirectory,
} from './private-files.js'
import { storeError, toStoreError } from './store-error.js'

const LONGEST = 256
const HIGHEST = 2n ** 64n - 1n

/**
 * An {@link OutsideCounter} in a file: it notices a store that was restored without it, not a disk
 * that was restored as a whole. One process writes it.
 */
export class FileCounter implements OutsideCounter {
  readonly #path: string

  constructor({ path }: { readonly path: string }) {
    this.#path = requirePath('path', path)
  }

  async read(): Promise<bigint | undefined> {
    return this.#use(() => this.#read())
  }

  async advance(to: bigint): Promise<void> {
    if (typeof to !== 'bigint' || to < 0n || to > HIGHEST)
      throw invalid('to', 'must be a bigint from 0 to 2^64 - 1')
    this.#use(() => {
      const current = this.#read()
      if (current === to) return
      if (current !== undefined && to < current)
        throw storeError('ROLLBACK', 'the counter outside the store is already higher')
      replaceFile(this.#path, encodeChecked('counter', Buffer.from(String(to))))
    })
  }

  #read(): bigint | undefined {
    const bytes = readPrivateFile(this.#path, { max: LONGEST })
    return bytes && BigInt(decodeChecked('counter', bytes).toString())
  }

  #use<Result>(work: () => Result): Result {
    try {
      requirePrivateDirectory(dirname(this.#path))
      return work()
    } catch (error) {
      throw toStoreError(error)
    }
  }
}
