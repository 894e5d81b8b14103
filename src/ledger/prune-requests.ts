import type { LedgerContext } from './attempt.js'
import type { LedgerRequest, RequestId } from './ledger-request.js'
import { placeOf, requestStoreId } from './request-record.js'
import type { RequestRecords } from './request-records.js'
import { isFinished } from './request-state.js'

/** Records deleted in one commit. */
const MAX_DELETIONS = 1_024

/** What to forget of one principal. */
export interface PruneParameters {
  readonly lane: string
  /** Forgets what has not changed since. */
  readonly unchangedSinceMs: number
  /** And so many of the oldest in any case. */
  readonly oldest?: number
  readonly isRunning: (requestId: RequestId) => boolean
}

/**
 * Forgets requests that ended, or were never begun: where anything may have left or is still to
 * come, the record stays. Returns how many.
 *
 * @internal
 */
export async function pruneRequests(
  context: LedgerContext,
  records: RequestRecords,
  { lane, unchangedSinceMs, oldest = 0, isRunning }: PruneParameters,
): Promise<number> {
  const { requests } = await records.loadAll(lane)
  const idle = requests
    .filter(({ state }) => isFinished(state) || state === 'created')
    .sort((left, right) => left.updatedAtMs - right.updatedAtMs)
    .filter(({ updatedAtMs }, position) => position < oldest || updatedAtMs <= unchangedSinceMs)
  let count = 0
  for (let start = 0; start < idle.length; start += MAX_DELETIONS) {
    const some = idle.slice(start, start + MAX_DELETIONS)
    const still = some.filter(({ requestId }) => !isRunning(requestId))
    await forget(context, records, still)
    count += still.length
  }
  return count
}

async function forget(
  { audit, walletId }: LedgerContext,
  records: RequestRecords,
  requests: readonly LedgerRequest[],
): Promise<void> {
  if (requests.length === 0) return
  const places = requests.map(placeOf)
  await audit.append(
    { kind: 'ledger.pruned', walletId, facts: { count: requests.length } },
    places.map((place) => ({ kind: 'delete', id: requestStoreId(walletId, place) })),
  )
  for (const place of places) records.remove(place)
}
