import { MpcWalletError } from '../errors.js'
import { untilAborted } from './until-aborted.js'

/** What can end a ceremony early. */
export interface StopParameters {
  readonly timeoutMs: number
  /** The caller's signal: `ABORTED`, with its reason as the cause. */
  readonly caller?: AbortSignal | undefined
  /** Aborted with an {@link MpcWalletError} when whatever owns the ceremony closes. */
  readonly owner?: AbortSignal | undefined
}

/**
 * The one place that decides that a ceremony ends early: time, the caller, or the wallet being
 * closed, whichever is first. Leaves no timer and no listener behind once disposed.
 *
 * @internal
 */
export class Stop implements Disposable {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #links: (() => void)[] = []
  #timedOut = false

  constructor({ timeoutMs, caller, owner }: StopParameters) {
    this.#timer = setTimeout(() => {
      this.#timedOut = true
      this.end(new MpcWalletError('PROTOCOL_TIMEOUT', `no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    this.#link(
      caller,
      (reason) => new MpcWalletError('ABORTED', 'aborted by the caller', { cause: reason }),
    )
    this.#link(owner, (reason) => MpcWalletError.wrap(reason))
  }

  /** Aborted when the ceremony has to end. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether time ran out, rather than somebody asking. */
  get timedOut(): boolean {
    return this.#timedOut
  }

  /** Why the ceremony has to end, once it has to. */
  get error(): MpcWalletError | undefined {
    return this.signal.aborted ? MpcWalletError.wrap(this.signal.reason) : undefined
  }

  throwIfStopped(): void {
    if (this.error !== undefined) throw this.error
  }

  /** Ends the ceremony, unless it has ended. */
  end(error: MpcWalletError): void {
    clearTimeout(this.#timer)
    this.#controller.abort(error)
  }

  /** The promise's outcome, or the reason to end if that comes first. */
  race<Value>(promise: Promise<Value>): Promise<Value> {
    return untilAborted(promise, this.signal)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    for (const unlink of this.#links.splice(0)) unlink()
  }

  #link(source: AbortSignal | undefined, toError: (reason: unknown) => MpcWalletError): void {
    if (source === undefined) return
    const stop = (): void => this.end(toError(source.reason))
    if (source.aborted) stop()
    source.addEventListener('abort', stop, { once: true })
    this.#links.push(() => source.removeEventListener('abort', stop))
  }
}
