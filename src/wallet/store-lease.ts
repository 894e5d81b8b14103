import { setMaxListeners } from 'node:events'
import { MpcWalletError } from '../errors.js'
import type { KeyShareStore } from '../storage/index.js'
import { Deferred } from './deferred.js'

/** Which party has a store of this process. */
const leases = new WeakMap<KeyShareStore, StoreLease>()
/** Stores that a party is being opened from. */
const opening = new WeakSet<KeyShareStore>()

/** What a wallet or a ceremony holds while it may write to its party's store. */
export interface Stay extends Disposable {
  /** Aborted, with the error for whoever waits, when the party is locked. */
  readonly signal: AbortSignal
}

/**
 * A party's right to use its store. One party has a store at a time: two would each keep in mind what
 * they counted and whom they met, and overwrite what the other wrote down of it.
 *
 * @internal
 */
export class StoreLease {
  readonly #store: KeyShareStore | undefined
  readonly #ending = new AbortController()
  readonly #stays = new Set<Promise<void>>()
  #isAlone = false

  /** Of a party in memory, without a store. */
  constructor(store?: KeyShareStore) {
    this.#store = store
    setMaxListeners(0, this.#ending.signal) // one for each wallet that is open, removed with it
  }

  /**
   * Opens a party from a store. A party that has the store and nothing under way loses it.
   *
   * @throws {@link MpcWalletError} `SESSION_BUSY` while a wallet of the store is open or a ceremony
   * runs, or what `open` throws: then nothing changes hands.
   */
  static async take<Value>(
    store: KeyShareStore,
    open: (lease: StoreLease) => Promise<Value>,
  ): Promise<Value> {
    const before = leases.get(store)
    if (opening.has(store)) throw busy('the store is being opened already')
    if (before?.isBusy === true) throw busy('a party has this store open: close its wallets first')
    opening.add(store)
    try {
      const lease = new StoreLease(store)
      const value = await open(lease)
      await before?.end('the store was opened again by another party')
      leases.set(store, lease)
      return value
    } finally {
      opening.delete(store)
    }
  }

  get isBusy(): boolean {
    return this.#isAlone || this.#stays.size > 0
  }

  /**
   * For a wallet or a ceremony, until it is disposed of.
   *
   * @throws {@link MpcWalletError} `SESSION_CLOSED` once the lease has ended, `SESSION_BUSY` while
   * somebody needs the store alone.
   */
  enter(): Stay {
    this.#assertFree()
    const left = new Deferred()
    this.#stays.add(left.promise)
    return {
      signal: this.#ending.signal,
      [Symbol.dispose]: () => {
        this.#stays.delete(left.promise)
        left.resolve()
      },
    }
  }

  /**
   * Runs what nothing else of the party may run beside.
   *
   * @throws {@link MpcWalletError} as {@link StoreLease.enter}; `SESSION_BUSY` also while anybody is in.
   */
  async alone<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#assertFree()
    if (this.isBusy) throw busy('wallets of this party are open: close them first')
    this.#isAlone = true
    try {
      return await work()
    } finally {
      this.#isAlone = false
    }
  }

  /** Ends everything of the party, and lets nothing begin. */
  async end(reason: string): Promise<void> {
    this.#ending.abort(new MpcWalletError('SESSION_CLOSED', reason))
    await Promise.all(this.#stays)
  }

  #assertFree(): void {
    this.#ending.signal.throwIfAborted()
    if (this.#isAlone) throw busy('the records of this party are being rewrapped')
    if (this.#store !== undefined && opening.has(this.#store))
      throw busy('the store is being opened by another party')
  }
}

function busy(message: string): MpcWalletError {
  return new MpcWalletError('SESSION_BUSY', message)
}
