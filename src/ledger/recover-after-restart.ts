import type { MpcWalletError } from '../errors.js'
import type { Hex } from '../hex.js'
import type { StoreWrite } from '../storage/index.js'
import type { LedgerContext } from './attempt.js'
import { moved, type RequestId } from './ledger-request.js'
import { interrupted } from './request-failure.js'
import { corrupt, putRequest } from './request-record.js'
import { orDamage, type RequestRecords } from './request-records.js'
import { parseSession, parseSessionStoreId, sessionPrefix } from './session-record.js'

/** Sessions that are ended in one commit, so that one entry of the audit log can name them. */
const MAX_SESSIONS = 256

/** Lost verdicts by the peer's identity key: one for each session that nobody ended. */
export type LostVerdicts = ReadonlyMap<Hex, number>

/**
 * The writes that count lost verdicts against their peers. Called once for each commit, so it has
 * to look at the store each time.
 */
export type CountLostVerdicts = (
  lostVerdicts: LostVerdicts,
) => readonly StoreWrite[] | Promise<readonly StoreWrite[]>

/** What an unclean stop left behind. */
export interface Recovery {
  readonly lostVerdicts: LostVerdicts
  /** Nothing had left. Asking again with the same key begins a new ceremony. */
  readonly failed: readonly RequestId[]
  /** This party's share had left: the other signer may hold a signature. */
  readonly unknown: readonly RequestId[]
  readonly damaged: readonly MpcWalletError[]
}

/** What is found out about some sessions, and written in one commit. */
class Findings {
  readonly lostVerdicts = new Map<Hex, number>()
  readonly failed: RequestId[] = []
  readonly unknown: RequestId[] = []
  readonly damaged: MpcWalletError[] = []
  readonly writes: StoreWrite[] = []

  lost(peer: Hex, count = 1): void {
    this.lostVerdicts.set(peer, (this.lostVerdicts.get(peer) ?? 0) + count)
  }

  add({ lostVerdicts, failed, unknown, damaged }: Recovery): void {
    for (const [peer, count] of lostVerdicts) this.lost(peer, count)
    this.failed.push(...failed)
    this.unknown.push(...unknown)
    this.damaged.push(...damaged)
  }
}

/** Ends the sessions that nobody ended. @internal */
export async function recoverAfterRestart(
  context: LedgerContext,
  records: RequestRecords,
  count: CountLostVerdicts,
): Promise<Recovery> {
  const { store, audit, walletId } = context
  const ids = await store.list(sessionPrefix(walletId))
  const all = new Findings()
  for (let start = 0; start < ids.length; start += MAX_SESSIONS) {
    const found = new Findings()
    for (const id of ids.slice(start, start + MAX_SESSIONS))
      await endSession(context, records, id, found)
    if (found.writes.length > 0) {
      const { lostVerdicts, failed, unknown } = found
      const facts = { lostVerdicts: Object.fromEntries(lostVerdicts), failed, unknown }
      const writes = [...found.writes, ...(await count(lostVerdicts))]
      await audit.append({ kind: 'ledger.recovered', walletId, facts }, writes)
    }
    all.add(found)
  }
  const { lostVerdicts, failed, unknown, damaged } = all
  return { lostVerdicts, failed, unknown, damaged }
}

async function endSession(
  { store, walletId, now }: LedgerContext,
  records: RequestRecords,
  id: string,
  found: Findings,
): Promise<void> {
  const name = parseSessionStoreId(walletId, id)
  if (name === undefined) {
    found.damaged.push(corrupt(id))
    return
  }
  found.lost(name.peer)
  found.writes.push({ kind: 'delete', id })
  const session = parseSession(name, (await store.load(id)) ?? new Uint8Array())
  if (session === undefined) {
    found.damaged.push(corrupt(id)) // its request is ended as unknown when somebody asks for it
    return
  }
  const request = await orDamage(records.get(session.requestId), found.damaged)
  if (request?.session?.sessionId !== name.sessionId) return
  const { state, failure } = interrupted(request.side, session.shareLeft)
  found.writes.push(putRequest(moved(request, state, now(), { failure })))
  found[state].push(request.requestId)
}
