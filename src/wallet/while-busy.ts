import { setTimeout as delay } from 'node:timers/promises'
import { MpcWalletError } from '../errors.js'
import type { Stop } from './stop.js'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 64

/**
 * Makes a native call, again and again while the native side has no place for it. Without a `stop`
 * it goes on until there is one.
 *
 * @internal
 */
export async function whileBusy<Value>(
  stop: Stop | undefined,
  call: () => Promise<Value>,
): Promise<Value> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    stop?.throwIfStopped()
    try {
      return await call()
    } catch (error) {
      // as it came: it may carry what the peer is to be told
      if (MpcWalletError.wrap(error).code !== 'NATIVE_BUSY') throw error
    }
    await (stop === undefined ? delay(pauseMs) : stop.race(delay(pauseMs)))
  }
}
