import { MpcWalletError } from '../errors.js'
import type { PartyRole } from '../party-role.js'
import type { CeremonyId } from './ids.js'

/** Sessions expire after an hour at most, so this many are asked about in an hour, per party. */
const MAX_REQUESTS_OF_ONE = 2_048

interface Asked {
  readonly from: PartyRole
  readonly expiresAtMs: number
}

/**
 * Requests that somebody at this party was asked about, until they expire. A transport may announce
 * a session again, and co-signing may start again: nobody is asked twice about one request.
 *
 * Each asking party has an allowance of its own, so that none can use up another's.
 *
 * @internal
 */
export class AskedRequests {
  readonly #expiries = new Map<PartyRole, Map<CeremonyId, number>>()

  has(ceremonyId: CeremonyId): boolean {
    for (const requests of this.#expiries.values()) if (requests.has(ceremonyId)) return true
    return false
  }

  /**
   * @throws {@link MpcWalletError} `RELAY_QUOTA_EXHAUSTED` when there are too many of this party
   * that have not expired.
   */
  add(ceremonyId: CeremonyId, { from, expiresAtMs }: Asked): void {
    const requests = this.#expiries.get(from) ?? new Map<CeremonyId, number>()
    this.#expiries.set(from, requests)
    if (requests.size >= MAX_REQUESTS_OF_ONE) forgetExpired(requests)
    if (requests.size >= MAX_REQUESTS_OF_ONE)
      throw new MpcWalletError(
        'RELAY_QUOTA_EXHAUSTED',
        `over ${MAX_REQUESTS_OF_ONE} live requests of one party`,
      )
    requests.set(ceremonyId, expiresAtMs)
  }
}

function forgetExpired(requests: Map<CeremonyId, number>): void {
  const now = Date.now()
  for (const [known, expiresAtMs] of requests) if (expiresAtMs <= now) requests.delete(known)
}
