import type { Hex } from '../hex.js'
import type { KeyShareStore } from '../storage/index.js'
import { GENESIS, hashEntry, parseEntry } from './audit-entry.js'
import {
  type AuditHead,
  HEAD_INTERVAL,
  isSigned,
  parseHead,
  type VerifyHead,
} from './audit-head.js'
import { broken, readTip } from './audit-records.js'
import { EXPORT_HEADER, exportAuditLog } from './export-audit-log.js'

/** Whom to believe about a log. */
export interface VerifyAuditLogParameters {
  /** For the identity key of the party whose log it is: see {@link headVerifier}. */
  readonly verifyHead: VerifyHead
  /**
   * A head of this log that was kept somewhere else. Without one, a log that was cut off, or was
   * written anew after the last head, cannot be told from a shorter one.
   */
  readonly knownHead?: AuditHead
}

/** A log that is as it was written. */
export interface AuditVerdict {
  readonly entries: number
  /** So many of them a signed head stands for. Whoever can write to the store can change the rest. */
  readonly signedEntries: number
  readonly lastHead?: AuditHead
}

/**
 * Verifies the log of a store: every entry follows the one before, every head is there, in place
 * and signed.
 *
 * @throws {@link MpcWalletError} `AUDIT_BROKEN`, whose message says where and how.
 */
export async function verifyAuditLog(
  store: KeyShareStore,
  parameters: VerifyAuditLogParameters,
): Promise<AuditVerdict> {
  const verdict = await verifyAuditExport(exportAuditLog(store), parameters)
  const { sequence } = await readTip(store)
  if (sequence !== verdict.entries)
    throw broken(`it ends with entry ${verdict.entries}, and was left with ${sequence}`)
  return verdict
}

/**
 * Verifies the lines of {@link exportAuditLog}, in the order in which they come.
 *
 * A line ends with a line feed and with nothing else; `node:readline` splits at other characters
 * too, which may stand inside a line.
 *
 * @example
 * const lines = (await readFile('audit.jsonl', 'utf8')).replace(/\n$/, '').split('\n')
 * await verifyAuditExport(lines, { verifyHead: headVerifier(identityKey), knownHead })
 * @throws {@link MpcWalletError} `AUDIT_BROKEN`, whose message says where and how.
 */
export async function verifyAuditExport(
  lines: AsyncIterable<string> | Iterable<string>,
  parameters: VerifyAuditLogParameters,
): Promise<AuditVerdict> {
  const { verifyHead, knownHead } = parameters
  if (knownHead !== undefined && !isSigned(knownHead, verifyHead))
    throw broken('the head that was kept is not signed by this key')
  const chain = new Chain(parameters)
  let first = true
  for await (const line of lines) {
    if (!first) chain.take(line)
    else if (line !== EXPORT_HEADER) throw broken('its first line is not that of this format')
    first = false
  }
  if (first) throw broken('it has no first line')
  return chain.finish()
}

/** As much of a log as was read. */
class Chain {
  readonly #parameters: VerifyAuditLogParameters
  #sequence = 0
  #hash: Hex = GENESIS
  #lastHead: AuditHead | undefined

  constructor(parameters: VerifyAuditLogParameters) {
    this.#parameters = parameters
  }

  take(line: string): void {
    const entry = parseEntry(line)
    if (entry !== undefined) {
      this.#requireHead()
      this.#follow(entry)
      this.#sequence = entry.sequence
      this.#hash = hashEntry(line)
      this.#compareWithKnown()
      return
    }
    const head = parseHead(line)
    if (head === undefined) throw broken(`what follows entry ${this.#sequence} is unreadable`)
    this.#check(head)
    this.#lastHead = head
  }

  finish(): AuditVerdict {
    this.#requireHead()
    const { knownHead } = this.#parameters
    if (knownHead !== undefined && knownHead.sequence > this.#sequence)
      throw broken(
        `it ends with entry ${this.#sequence}, and the head that was kept has ${knownHead.sequence}`,
      )
    const lastHead = this.#lastHead
    return {
      entries: this.#sequence,
      signedEntries: Math.max(lastHead?.sequence ?? 0, knownHead?.sequence ?? 0),
      ...(lastHead && { lastHead }),
    }
  }

  #follow({ sequence, previous }: { sequence: number; previous: Hex }): void {
    const expected = this.#sequence + 1
    if (sequence < expected) throw broken(`entry ${sequence} comes a second time or out of order`)
    if (sequence > expected)
      throw broken(
        expected === sequence - 1
          ? `entry ${expected} is missing or out of order`
          : `entries ${expected} to ${sequence - 1} are missing or out of order`,
      )
    if (previous !== this.#hash)
      throw broken(
        sequence === 1
          ? 'entry 1 is not the first of a log'
          : `entry ${sequence} does not continue entry ${sequence - 1}: one of them was altered`,
      )
  }

  #check(head: AuditHead): void {
    const { sequence } = head
    if (sequence > this.#sequence)
      throw broken(`a head stands for entry ${sequence}, and there are ${this.#sequence} before it`)
    if (sequence < this.#sequence || this.#lastHead?.sequence === sequence)
      throw broken(`the head of entry ${sequence} comes a second time or out of order`)
    if (!isSigned(head, this.#parameters.verifyHead))
      throw broken(`the head of entry ${sequence} is not signed by this key`)
    if (head.hash !== this.#hash)
      throw broken(`entry ${sequence} is not the one that its head was signed for`)
  }

  /** Heads that were taken out would leave the entries before them free to be changed. */
  #requireHead(): void {
    const due = this.#sequence > 0 && this.#sequence % HEAD_INTERVAL === 0
    if (due && this.#lastHead?.sequence !== this.#sequence)
      throw broken(`the head of entry ${this.#sequence} is missing`)
  }

  #compareWithKnown(): void {
    const { knownHead } = this.#parameters
    if (knownHead?.sequence === this.#sequence && knownHead.hash !== this.#hash)
      throw broken(`entry ${this.#sequence} is not the one that the kept head was signed for`)
  }
}
