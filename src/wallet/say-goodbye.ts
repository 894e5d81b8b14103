import type { Transport } from '../transport/index.js'

/** How long a party that ends waits for the transport to take its last messages. */
const FAREWELL_MS = 1_000

/**
 * Waits for the last messages of a party, for a bounded time: a transport that is stuck must not
 * keep it from ending. False when time ran out.
 *
 * @internal
 */
export function isTakenInTime(sent: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, FAREWELL_MS, false)
    sent.then(() => resolve(true), reject).finally(() => clearTimeout(timer))
  })
}

/**
 * Hands over what tells the peers that this party stops. Never rejects, and takes a bounded time:
 * whoever stops has a reason already.
 *
 * @internal
 */
export async function sayGoodbye(
  transport: Transport,
  makeGoodbyes: () => readonly Uint8Array[],
): Promise<void> {
  try {
    await isTakenInTime(
      Promise.allSettled(makeGoodbyes().map(async (envelope) => await transport.send(envelope))),
    )
  } catch {
    // nothing to say: the session never began or is closed
  }
}
