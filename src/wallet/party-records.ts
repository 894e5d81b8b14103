import { MpcWalletError } from '../errors.js'
import type { Identity, RoundOutcome, Session, Store, StoreBatch } from '../native.js'
import type { KeyShareStore, StoreWrite } from '../storage/index.js'

/** Sessions that this party started or joined. @internal */
export const SEEN_PREFIX = 'session/'

/** Records of one wallet have up to 33 kB. */
const READ_AT_ONCE = 512

/** A record as the native side opens it. @internal */
export interface StoredRecord {
  readonly id: string
  readonly value: Uint8Array
}

/** What a party's records are opened with. @internal */
export interface OpenedRecords {
  readonly native: Store
  readonly store: KeyShareStore
  readonly identity: Identity
}

/**
 * The records of a party that outlive its process: sealed natively, kept by a store. No plaintext
 * passes here.
 *
 * @internal
 */
export class PartyRecords {
  readonly store: KeyShareStore
  /** Whose records they are. */
  readonly identity: Identity
  readonly #native: Store

  constructor({ native, store, identity }: OpenedRecords) {
    this.#native = native
    this.store = store
    this.identity = identity
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

  /** Commits a batch that was sealed just now. */
  commit(batch: StoreBatch): Promise<readonly (Uint8Array | undefined)[]> {
    return this.store.commit({ writes: toWrites(batch), readBack: batch.readBack })
  }
}

/** All records whose id begins with a prefix. @internal */
export async function readRecords(store: KeyShareStore, prefix: string): Promise<StoredRecord[]> {
  const ids = await store.list(prefix)
  const records: StoredRecord[] = []
  for (let start = 0; start < ids.length; start += READ_AT_ONCE) {
    const some = ids.slice(start, start + READ_AT_ONCE)
    const values = await store.commit({ writes: [], readBack: some })
    for (const [position, id] of some.entries()) {
      const value = values[position]
      if (value !== undefined) records.push({ id, value })
    }
  }
  return records
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
