import { MpcWalletError } from '../errors.js'
import type { KeyShareStore, OutsideCounter, StoreWrite } from '../storage/index.js'

const GENERATION_ID = 'generation'
const IDENTITY_ID = 'identity'
const NUMBER_BYTES = 8

/**
 * How often a store took what must never be undone: a share, an acknowledgement, a certificate, a
 * failed check. The number is in the store, with what it counts, and then outside of it: a store
 * whose number is the lower one is an older copy. An older copy revives the oblivious-transfer state
 * of pairs that were poisoned since, and forgets what this party acknowledged.
 *
 * @internal
 */
export class Generation {
  readonly #counter: OutsideCounter
  #number: bigint
  #outside: bigint
  #advancing: Promise<void> = Promise.resolve()

  private constructor(counter: OutsideCounter, number: bigint, outside: bigint) {
    this.#counter = counter
    this.#number = number
    this.#outside = outside
  }

  /**
   * Compares a store with its counter.
   *
   * @throws {@link MpcWalletError} `ROLLBACK` for a store that is older.
   */
  static async open(
    store: KeyShareStore,
    counter: OutsideCounter | undefined,
  ): Promise<Generation | undefined> {
    if (counter === undefined) return undefined
    const outside = (await counter.read()) ?? 0n
    // a store without a party holds nothing that could be old: it counts on from where another ended
    const isNew = !(await store.exists(IDENTITY_ID))
    const number = isNew ? outside : readNumber(await store.load(GENERATION_ID))
    if (number < outside)
      throw new MpcWalletError('ROLLBACK', 'the store is older than the counter outside of it')
    // what a process left that ended between the two
    if (number > outside) await counter.advance(number)
    return new Generation(counter, number, number)
  }

  /** What to write together with something that must not be undone; then {@link Generation.settle}. */
  next(): { readonly number: bigint; readonly write: StoreWrite } {
    this.#number += 1n
    const value = new Uint8Array(NUMBER_BYTES)
    new DataView(value.buffer).setBigUint64(0, this.#number)
    return { number: this.#number, write: { kind: 'put', id: GENERATION_ID, value } }
  }

  /** Moves the counter after a number is durable in the store. In turn: a counter never goes back. */
  settle(number: bigint): Promise<void> {
    const advance = async (): Promise<void> => {
      if (number <= this.#outside) return
      await this.#counter.advance(number)
      this.#outside = number
    }
    this.#advancing = this.#advancing.then(advance, advance)
    return this.#advancing
  }
}

function readNumber(value: Uint8Array | undefined): bigint {
  if (value === undefined) return 0n
  if (value.length !== NUMBER_BYTES)
    throw new MpcWalletError('STORE_CORRUPT', "the store's generation is not a number")
  return new DataView(value.buffer, value.byteOffset).getBigUint64(0)
}
