import type { CeremonyId } from './ids.js'

/** Behind so many the oldest is forgotten: whoever has that many ids needs to repeat none. */
const MAX_REMEMBERED = 4_096
/** What the native side allows. An unverified descriptor may claim any time. */
const LONGEST_LIFETIME_MS = 60 * 60 * 1_000

/**
 * Invitations that did not verify, until they would have expired: the same announcement again does
 * not cost another wait.
 *
 * @internal
 */
export class FailedInvitations {
  readonly #expiries = new Map<CeremonyId, number>()

  has(ceremonyId: CeremonyId): boolean {
    const expiry = this.#expiries.get(ceremonyId)
    return expiry !== undefined && expiry > Date.now()
  }

  add(ceremonyId: CeremonyId, expiresAtMs: number): void {
    const now = Date.now()
    for (const [known, expiry] of this.#expiries) if (expiry <= now) this.#expiries.delete(known)
    const [oldest] = this.#expiries.keys()
    if (oldest !== undefined && this.#expiries.size >= MAX_REMEMBERED) this.#expiries.delete(oldest)
    this.#expiries.set(ceremonyId, Math.min(expiresAtMs, now + LONGEST_LIFETIME_MS))
  }
}
