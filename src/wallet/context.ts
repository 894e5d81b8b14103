import type { Wallet } from '../native.js'
import type { PartyRole } from '../party-role.js'
import type { PolicyEngine } from '../policy/index.js'
import type { Transport } from '../transport/index.js'
import type { Accounts } from './accounts.js'
import type { AskedRequests } from './asked-requests.js'
import type { CeremonyObserver } from './ceremony.js'
import type { Emitter } from './emitter.js'
import type { WalletEvents } from './events.js'
import type { Journal } from './journal.js'
import type { PartyRecords } from './party-records.js'

/** What the parts of an open wallet share. @internal */
export interface WalletContext {
  readonly role: PartyRole
  readonly native: Wallet
  readonly transport: Transport
  /** Where this party's records are kept, unless they are only in memory. */
  readonly records: PartyRecords | undefined
  /** What is written down, where there are records. */
  readonly journal: Journal | undefined
  readonly events: Emitter<WalletEvents>
  readonly asked: AskedRequests
  readonly accounts: Accounts
  /** Runs the rules in code, where this party has any. */
  readonly engine: PolicyEngine | undefined
  /** Aborted, with the error for whoever waits, when the wallet closes. */
  readonly closing: AbortSignal
  /** Keeps a piece of work in the list of those that closing waits for. */
  track<Value>(work: Promise<Value>): Promise<Value>
}

/** Turns what a ceremony reports into the wallet's events. @internal */
export function observerOf({ events }: WalletContext): CeremonyObserver {
  return {
    progress: (progress) => events.emit('ceremony', progress),
    dropped: (dropped) => events.emit('envelopeDropped', dropped),
    undelivered: (undelivered) => events.emit('undelivered', undelivered),
  }
}
