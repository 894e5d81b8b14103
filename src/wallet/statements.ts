import { MpcWalletError } from '../errors.js'
import { invalid } from '../guards.js'
import { toHex } from '../hex.js'
import type { TakenStatement } from '../native.js'
import type { WalletContext } from './context.js'

/** A policy with its signatures is the longest. */
const MAX_STATEMENT_LENGTH = 400_000

/** What became of a person's word. */
export type StatementKind = TakenStatement['kind']

/** What a person's word did at this party. */
export interface StatementResult {
  /**
   * Of a policy: `policy-needs-signatures` until its quorum signed, `policy-waiting` where it loosens
   * something, `policy-in-force`.
   */
  readonly kind: StatementKind
  /** Of a policy that waits: when it comes in force, if this party keeps running. */
  readonly untilMs?: number
}

/** Takes what a person signed, verified natively, and says so. @internal */
export async function takeStatement(
  context: WalletContext,
  statement: Uint8Array,
): Promise<StatementResult> {
  const taken = context.native.takeStatement(statement, BigInt(Date.now()))
  return await settleStatement(context, taken)
}

/** Counts the time that a looser policy waits, and puts it in force when that is over. @internal */
export async function advancePolicy(context: WalletContext): Promise<StatementResult> {
  return await settleStatement(context, context.native.advancePolicy(BigInt(Date.now())))
}

async function settleStatement(
  { records, journal, events }: WalletContext,
  { kind, requestId, untilMs, batch }: TakenStatement,
): Promise<StatementResult> {
  if (batch.writes.length > 0) {
    await records?.commit(batch)
    await journal?.note('statement.taken', { kind })
  }
  events.emit('statement', {
    kind,
    ...(requestId !== undefined && { requestId: toHex(requestId) }),
  })
  return Object.freeze({ kind, ...(untilMs !== undefined && { untilMs: Number(untilMs) }) })
}

/** Statements travel between people as text. @internal */
export function readStatement(statement: unknown): Uint8Array {
  if (
    typeof statement !== 'string' ||
    statement.length > MAX_STATEMENT_LENGTH ||
    !/^[\w-]+$/.test(statement)
  )
    throw invalid('statement', 'must be what a person signed, as base64url text')
  return new Uint8Array(Buffer.from(statement, 'base64url'))
}

/** @internal */
export function writeStatement(statement: Uint8Array): string {
  return Buffer.from(statement).toString('base64url')
}

/** @internal */
export async function wrapped<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}
