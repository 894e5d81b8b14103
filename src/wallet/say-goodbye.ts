import { setTimeout as delay } from 'node:timers/promises'
import type { Transport } from '../transport/index.js'

/** How long a party that stops waits for the transport to take its last messages. */
export const FAREWELL_MS = 1_000

/**
 * Hands over what tells the peers that this party stops. Never rejects, and takes a bounded time:
 * whoever stops has a reason already, and a transport that is stuck must not keep it from ending.
 *
 * @internal
 */
export async function sayGoodbye(
  transport: Transport,
  makeGoodbyes: () => readonly Uint8Array[],
): Promise<void> {
  const timer = new AbortController()
  try {
    const sent = Promise.allSettled(
      makeGoodbyes().map(async (envelope) => await transport.send(envelope)),
    )
    await Promise.race([sent, delay(FAREWELL_MS, undefined, { signal: timer.signal })])
  } catch {
    // nothing to say: the session never began or is closed
  } finally {
    timer.abort()
  }
}
