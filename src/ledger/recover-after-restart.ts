import type { MpcWalletError } from '../errors.js'
import type { Hex } from '../hex.js'
import type { StoreWrite } from '../storage/index.js'
import type { LedgerContext } from './attempt.js'
import { moved, type RequestId } from './ledger-request.js'
import { interrupted } from './request-failure.js'
import { corrupt, putRequest } from './request-record.js'
import { orDamage, type RequestRecords } from './request-records.js'
import { parseSession, parseSessionStoreId, sessionPrefix } from './session-record.js'

/** Lost verdicts by the peer's identity key: one for each session that nobody ended. */
export type LostVerdicts = ReadonlyMap<Hex, number>

/** The writes that count lost verdicts against their peers. */
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

/** Ends the sessions that nobody ended, in one commit. @internal */
export async function recoverAfterRestart(
  context: LedgerContext,
  records: RequestRecords,
  count: CountLostVerdicts,
): Promise<Recovery> {
  const { store, audit, walletId, now } = context
  const lostVerdicts = new Map<Hex, number>()
  const ended: Record<'failed' | 'unknown', RequestId[]> = { failed: [], unknown: [] }
  const damaged: MpcWalletError[] = []
  const writes: StoreWrite[] = []
  for (const id of await store.list(sessionPrefix(walletId))) {
    const name = parseSessionStoreId(walletId, id)
    if (name === undefined) {
      damaged.push(corrupt(id))
      continue
    }
    lostVerdicts.set(name.peer, (lostVerdicts.get(name.peer) ?? 0) + 1)
    writes.push({ kind: 'delete', id })
    const session = parseSession(name, (await store.load(id)) ?? new Uint8Array())
    if (session === undefined) {
      damaged.push(corrupt(id)) // its request is ended as unknown when somebody asks for it
      continue
    }
    const request = await orDamage(records.get(session.requestId), damaged)
    if (request?.session?.sessionId !== name.sessionId) continue
    const { state, failure } = interrupted(request.side, session.shareLeft)
    writes.push(putRequest(moved(request, state, now(), { failure })))
    ended[state].push(request.requestId)
  }
  if (writes.length > 0) {
    const facts = { lostVerdicts: Object.fromEntries(lostVerdicts), ...ended }
    const counted = await count(lostVerdicts)
    await audit.append({ kind: 'ledger.recovered', walletId, facts }, [...writes, ...counted])
  }
  return { lostVerdicts, ...ended, damaged }
}
