/**
 * The promise's outcome, or the signal's reason as a rejection if that comes first. The promise
 * itself goes on, and its rejection is not unhandled. Leaves no listener on the signal.
 *
 * @internal
 */
export function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    const leave = (): void => signal.removeEventListener('abort', stop)
    promise.then(
      (value) => {
        leave()
        resolve(value)
      },
      (error) => {
        leave()
        reject(error)
      },
    )
  })
}
