import { MpcWalletError } from '../errors.js'
import type { RoundOutcome, Session, Store, StoreBatch } from '../native.js'
import type { KeyShareStore, StoreWrite } from '../storage/index.js'
import type { EpochTimes } from './epoch-times.js'
import type { Generation } from './generation.js'

/** Records of one wallet have up to 33 kB. */
const READ_AT_ONCE = 512
/** Whom a session met is forgotten when it expires: an older copy of that is no harm. */
const SEEN_PREFIX = 'session/'

/** A record as the native side opens it. @internal */
export interface StoredRecord {
  readonly id: string
  readonly value: Uint8Array
}

interface PartyRecordsParameters {
  readonly native: Store
  readonly store: KeyShareStore
  readonly generation: Generation | undefined
  readonly epochTimes: EpochTimes
}

/**
 * The records of a party that outlive its process: sealed natively, kept by a store. No plaintext
 * passes here.
 *
 * @internal
 */
export class PartyRecords {
  readonly store: KeyShareStore
  readonly #native: Store
  readonly #generation: Generation | undefined
  readonly #epochTimes: EpochTimes

  constructor({ native, store, generation, epochTimes }: PartyRecordsParameters) {
    this.#native = native
    this.store = store
    this.#generation = generation
    this.#epochTimes = epochTimes
  }

  /** What ceremonies of this party seal with. */
  get native(): Store {
    return this.#native
  }

  /**
   * Makes durable what a session waits for, and lets the session go on. A batch reaches the store in
   * the turn in which it was sealed: what one session counted is never overwritten by another. Only
   * the registration of the session, which overwrites nothing, may be handed to `register` instead.
   */
  async settle(
    session: Session,
    register?: (writes: readonly StoreWrite[]) => Promise<void>,
  ): Promise<() => Promise<RoundOutcome>> {
    try {
      const batch = session.takeBatch()
      if (register === undefined || !isRegistration(batch)) {
        const values = await this.commit(batch)
        return () => session.committed(BigInt(Date.now()), [...values])
      }
      await register(toWrites(batch))
      return () => session.committed(BigInt(Date.now()), [])
    } catch (error) {
      const { code } = MpcWalletError.wrap(error)
      return () => session.commitFailed(BigInt(Date.now()), code === 'STORE_RECORD_EXISTS')
    }
  }

  /**
   * Commits a batch that was sealed just now; what must not be undone is counted outside of the store
   * too, and a certificate gets its time: now, or when it was known at the latest.
   */
  async commit(
    batch: StoreBatch,
    nowMs: number = Date.now(),
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const { readBack } = batch
    const sealed = toWrites(batch)
    const writes = [...sealed, ...this.#epochTimes.alongWith(sealed, nowMs)]
    const counted = writes.some(({ id }) => !id.startsWith(SEEN_PREFIX))
    if (!counted) return await this.store.commit({ writes, readBack })
    const values = await this.#commitCounted(writes, readBack)
    this.#epochTimes.written(writes)
    return values
  }

  /** Counts what went to the store in another way, and must not be undone either. */
  async advance(): Promise<void> {
    if (this.#generation !== undefined) await this.#commitCounted([], [])
  }

  async #commitCounted(
    writes: readonly StoreWrite[],
    readBack: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const generation = this.#generation
    if (generation === undefined) return await this.store.commit({ writes, readBack })
    const { number, write } = generation.next()
    const values = await this.store.commit({ writes: [...writes, write], readBack })
    // what is in the store is in the store: a counter that failed to follow catches up with the next
    await generation.settle(number).catch(() => {})
    return values
  }
}

/** All records whose id begins with a prefix. @internal */
export async function readRecords(store: KeyShareStore, prefix: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const some of recordsInParts(store, prefix)) records.push(...some)
  return records
}

/** The same, so many at a time as fit a batch. @internal */
export async function* recordsInParts(
  store: KeyShareStore,
  prefix: string,
): AsyncGenerator<StoredRecord[], void, void> {
  const ids = await store.list(prefix)
  for (let start = 0; start < ids.length; start += READ_AT_ONCE) {
    const some = ids.slice(start, start + READ_AT_ONCE)
    const values = await store.commit({ writes: [], readBack: some })
    yield some.flatMap((id, position) => {
      const value = values[position]
      return value === undefined ? [] : [{ id, value }]
    })
  }
}

/** The writes of a batch, as a store takes them. @internal */
export function toWrites({ writes }: StoreBatch): StoreWrite[] {
  return writes.map(toWrite)
}

/** Whether a batch says that a session begins, and nothing else. */
function isRegistration({ writes, readBack }: StoreBatch): boolean {
  return readBack.length === 0 && writes.every(({ id }) => id.startsWith(SEEN_PREFIX))
}

function toWrite({ kind, id, value }: StoreBatch['writes'][number]): StoreWrite {
  if (kind === 'delete') return { kind, id }
  if (value === undefined) throw new MpcWalletError('INTERNAL', 'a write without a value')
  return { kind, id, value }
}
