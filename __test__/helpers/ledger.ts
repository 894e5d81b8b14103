import { openAuditLog } from '../../src/audit/index.js'
import type { Json } from '../../src/canonical-json.js'
import {
  type CountLostVerdicts,
  type OpenRequestLedgerParameters,
  openRequestLedger,
  type ProposedRequest,
  type Recovery,
  type RequestLedger,
  type SigningAttempt,
} from '../../src/ledger/index.js'
import type { KeyShareStore } from '../../src/storage/index.js'
import { auditor, walletId } from './audit.js'

export const peer = `0x${'b2'.repeat(32)}` as const
export const signature: Json = { r: `0x${'11'.repeat(32)}`, s: `0x${'22'.repeat(32)}`, yParity: 1 }

/** A payment that an agent asks for. */
export function payment(change: Partial<ProposedRequest> = {}): ProposedRequest {
  const proposal = { chain: 'eip155:1', path: [0, 1], transaction: '0x02c0', memo: 'invoice 17' }
  return { side: 'initiator', principal: 'agent', key: 'invoice-17', proposal, ...change }
}

/** A number as an id of 32 bytes. */
export function sessionId(number: number): `0x${string}` {
  return `0x${number.toString(16).padStart(64, '0')}`
}

export type LedgerSettings = Partial<Omit<OpenRequestLedgerParameters, 'store' | 'audit'>> & {
  readonly count?: CountLostVerdicts
}

/** The ledger of a store as a process finds it that starts. */
export async function openLedger(
  store: KeyShareStore,
  { count = () => [], ...settings }: LedgerSettings = {},
): Promise<{ readonly ledger: RequestLedger; readonly recovery: Recovery }> {
  const audit = await openAuditLog({ store, signHead: auditor().signHead })
  const ledger = await openRequestLedger({ store, audit, walletId, ...settings })
  return { ledger, recovery: await ledger.recoverAfterRestart(count) }
}

let sessions = 0

/** A ceremony that gives a signature, with a session of its own. */
export async function sign(attempt: SigningAttempt): Promise<Json> {
  sessions++
  await attempt.openSession({ sessionId: sessionId(sessions), peer })
  await attempt.shareLeaves()
  return signature
}

/** A ceremony that would be one too many. */
export async function neverSign(): Promise<never> {
  throw new Error('a ceremony ran that must not')
}
