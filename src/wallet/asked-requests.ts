import { MpcWalletError } from '../errors.js'
import type { CeremonyId } from './ids.js'

/** Sessions expire after an hour at most, so this many are asked about in an hour. */
const MAX_REQUESTS = 4_096

/**
 * Requests that somebody at this party was asked about, until they expire. A transport may announce
 * a session again, and co-signing may start again: nobody is asked twice about one request.
 *
 * @internal
 */
export class AskedRequests {
  readonly #expiries = new Map<CeremonyId, number>()

  has(ceremonyId: CeremonyId): boolean {
    return this.#expiries.has(ceremonyId)
  }

  /**
   * @throws {@link MpcWalletError} `RELAY_QUOTA_EXHAUSTED` when there are too many that have not
   * expired.
   */
  add(ceremonyId: CeremonyId, expiresAtMs: number): void {
    const now = Date.now()
    for (const [known, expiry] of this.#expiries) if (expiry <= now) this.#expiries.delete(known)
    if (this.#expiries.size >= MAX_REQUESTS)
      throw new MpcWalletError('RELAY_QUOTA_EXHAUSTED', `over ${MAX_REQUESTS} live requests`)
    this.#expiries.set(ceremonyId, expiresAtMs)
  }
}
