import { canonicalJson, decodeUtf8 } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { Serial } from '../serial.js'
import type { KeyShareStore, StoreWrite } from '../storage/index.js'
import { type AuditEntry, type AuditEvent, encodeEntry, hashEntry } from './audit-entry.js'
import {
  type AuditHead,
  encodeHead,
  HEAD_INTERVAL,
  makeHead,
  parseHead,
  type SignHead,
} from './audit-head.js'
import { broken, encodeTip, entryId, headId, readTip, TIP_ID, type Tip } from './audit-records.js'

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
   * neither. Entries are in the order of the calls.
   *
   * @throws {@link MpcWalletError} what the store throws; then look at the store before calling it
   * unwritten.
   */
  async append(event: AuditEvent, alongWith: readonly StoreWrite[] = []): Promise<AuditEntry> {
    this.#requireOpen()
    const { kind, walletId } = event
    // as they are now, whatever the caller does with them later
    const facts: AuditEvent['facts'] = JSON.parse(canonicalJson('facts', event.facts))
    return await this.#serial.run(async () => {
      const { sequence: last, hash: previous } = await this.#readTip()
      const sequence = last + 1
      const timeMs = this.#now()
      const entry = { sequence, timeMs, kind, facts, previous, ...(walletId && { walletId }) }
      const value = encodeEntry(entry)
      const tip = { sequence, hash: hashEntry(value) }
      const head = sequence % HEAD_INTERVAL === 0 ? [this.#headWrite(tip, timeMs)] : []
      const writes: StoreWrite[] = [
        { kind: 'create', id: entryId(sequence), value },
        { kind: 'put', id: TIP_ID, value: encodeTip(tip) },
        ...head.map(({ write }) => write),
        ...alongWith,
      ]
      this.#tip = undefined
      await this.#store.commit({ writes, readBack: [] })
      this.#tip = tip
      return entry
    })
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
