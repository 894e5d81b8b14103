import { canonicalJson, decodeUtf8 } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { Serial } from '../serial.js'
import type { KeyShareStore, StoreWrite } from '../storage/index.js'
import { type AuditEntry, type AuditEvent, encodeEntry, GENESIS, hashEntry } from './audit-entry.js'
import {
  type AuditHead,
  encodeHead,
  HEAD_INTERVAL,
  makeHead,
  parseHead,
  type SignHead,
} from './audit-head.js'
import { broken, encodeTip, entryId, headId, readTip, TIP_ID, type Tip } from './audit-records.js'

/** Entries that share a commit, at most, */
const MAX_GROUP = 32
/** and what is written along with them, unless it is with one alone. */
const MAX_GROUP_WRITES = 1_024
/** The longest numbers that an entry can have. */
const LARGEST = {
  sequence: Number.MAX_SAFE_INTEGER,
  timeMs: Number.MAX_SAFE_INTEGER,
  previous: GENESIS,
} as const

/** An entry that is not on disk yet. */
interface Waiting {
  readonly event: AuditEvent
  readonly alongWith: readonly StoreWrite[]
  readonly resolve: (entry: AuditEntry) => void
  readonly reject: (error: unknown) => void
}

/** Where a log is kept, and who signs for it. */
export interface OpenAuditLogParameters {
  readonly store: KeyShareStore
  readonly signHead: SignHead
  readonly now?: () => number
}

/**
 * Opens the audit log of a store, or begins one.
 *
 * Looks at its end only; {@link verifyAuditLog} looks at all of it.
 *
 * @throws {@link MpcWalletError} `AUDIT_BROKEN` if the log does not end where it was left.
 */
export async function openAuditLog(parameters: OpenAuditLogParameters): Promise<AuditLog> {
  return new AuditLog(parameters, await readTip(parameters.store))
}

/** An append-only log whose entries each name the hash of the one before. */
export class AuditLog {
  readonly #store: KeyShareStore
  readonly #signHead: SignHead
  readonly #now: () => number
  readonly #serial = new Serial()
  readonly #waiting: Waiting[] = []
  /** `undefined` after a write of which it is not known whether it happened. */
  #tip: Tip | undefined
  #closed = false

  /** @internal */
  constructor({ store, signHead, now = Date.now }: OpenAuditLogParameters, tip: Tip) {
    this.#store = store
    this.#signHead = signHead
    this.#now = now
    this.#tip = tip
  }

  /**
   * Writes one entry, and in the same commit whatever it is about: either both are on disk or
   * neither. Entries are in the order of the calls; those that wait for the disk at the same time
   * share a commit.
   *
   * @throws {@link MpcWalletError} what the store throws; then look at the store before calling it
   * unwritten.
   */
  async append(
    { kind, walletId, facts }: AuditEvent,
    alongWith: readonly StoreWrite[] = [],
  ): Promise<AuditEntry> {
    this.#requireOpen()
    // as they are now, whatever the caller does with them later
    const kept: AuditEvent['facts'] = JSON.parse(canonicalJson('facts', facts))
    const event = { kind, facts: kept, ...(walletId && { walletId }) }
    encodeEntry({ ...event, ...LARGEST }) // refused here, it takes no other with it
    const appended = new Promise<AuditEntry>((resolve, reject) => {
      this.#waiting.push({ event, alongWith, resolve, reject })
    })
    void this.#serial.run(() => this.#flush(this.#nextGroup()))
    return await appended
  }

  /**
   * Signs and stores the head of what was written so far; `undefined` for an empty log. Keep it
   * somewhere else: who holds a head can tell later whether anything up to it was changed or cut
   * off.
   */
  async seal(): Promise<AuditHead | undefined> {
    this.#requireOpen()
    return await this.#seal()
  }

  /** Signs the last head. What is under way is written, nothing comes after it. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#seal()
  }

  #nextGroup(): Waiting[] {
    let writes = 0
    const fits = ({ alongWith }: Waiting, position: number): boolean => {
      writes += alongWith.length
      return position === 0 || (position < MAX_GROUP && writes <= MAX_GROUP_WRITES)
    }
    const end = this.#waiting.findIndex((waiting, position) => !fits(waiting, position))
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
  }

  /** Never rejects: whoever appended hears of it. */
  async #flush(group: readonly Waiting[]): Promise<void> {
    if (group.length === 0) return
    try {
      const entries = await this.#commit(group)
      for (const [position, entry] of entries.entries()) group[position]?.resolve(entry)
    } catch (error) {
      const mayBeOfOne = MpcWalletError.wrap(error).code === 'STORE_RECORD_EXISTS'
      if (group.length > 1 && mayBeOfOne) for (const one of group) await this.#flush([one])
      else for (const { reject } of group) reject(error)
    }
  }

  async #commit(group: readonly Waiting[]): Promise<AuditEntry[]> {
    let tip = await this.#readTip()
    const timeMs = this.#now()
    const entries: AuditEntry[] = []
    const writes: StoreWrite[] = []
    for (const { event, alongWith } of group) {
      const entry = { ...event, sequence: tip.sequence + 1, timeMs, previous: tip.hash }
      const value = encodeEntry(entry)
      tip = { sequence: entry.sequence, hash: hashEntry(value) }
      entries.push(entry)
      writes.push({ kind: 'create', id: entryId(entry.sequence), value }, ...alongWith)
      if (tip.sequence % HEAD_INTERVAL === 0) writes.push(this.#headWrite(tip, timeMs).write)
    }
    writes.push({ kind: 'put', id: TIP_ID, value: encodeTip(tip) })
    this.#tip = undefined
    await this.#store.commit({ writes, readBack: [] })
    this.#tip = tip
    return entries
  }

  #seal(): Promise<AuditHead | undefined> {
    return this.#serial.run(async () => {
      const tip = await this.#readTip()
      if (tip.sequence === 0) return undefined
      const stored = await this.#store.load(headId(tip.sequence))
      if (stored !== undefined) {
        const head = parseHead(decodeUtf8(stored) ?? '')
        if (head === undefined) throw broken(`the head of entry ${tip.sequence} is damaged`)
        return head
      }
      const { head, write } = this.#headWrite(tip, this.#now())
      await this.#store.commit({ writes: [write], readBack: [] })
      return head
    })
  }

  #headWrite(tip: Tip, timeMs: number): { head: AuditHead; write: StoreWrite } {
    const head = makeHead({ ...tip, timeMs }, this.#signHead)
    return { head, write: { kind: 'create', id: headId(tip.sequence), value: encodeHead(head) } }
  }

  async #readTip(): Promise<Tip> {
    this.#tip ??= await readTip(this.#store)
    return this.#tip
  }

  #requireOpen(): void {
    if (this.#closed) throw new MpcWalletError('SESSION_CLOSED', 'the audit log was closed')
  }
}
