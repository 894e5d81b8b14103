/**
 * Reported when a listener threw, so that a defect in one is neither lost nor able to stop a
 * ceremony.
 */
export interface ListenerFailure {
  /** The event whose listener threw. */
  readonly event: string
  readonly error: unknown
}

type Listeners<Events> = { [Name in keyof Events]?: Set<(value: Events[Name]) => unknown> }

/**
 * Calls listeners, in the order in which they were added, and survives them.
 *
 * @internal
 */
export class Emitter<Events extends { listenerFailed: ListenerFailure }> {
  readonly #listeners: Listeners<Events> = {}

  /** Adds a listener and returns the function that removes it. */
  on<Name extends keyof Events & string>(
    event: Name,
    listener: (value: Events[Name]) => unknown,
  ): () => void {
    // one of its own for each call: the same function may listen twice
    const own = (value: Events[Name]): unknown => listener(value)
    const listeners = this.#listeners[event] ?? new Set()
    this.#listeners[event] = listeners
    listeners.add(own)
    return () => listeners.delete(own)
  }

  emit<Name extends keyof Events & string>(event: Name, value: Events[Name]): void {
    for (const listener of [...(this.#listeners[event] ?? [])]) {
      try {
        const result = listener(value)
        if (result instanceof Promise) result.catch((error) => this.#failed(event, error))
      } catch (error) {
        this.#failed(event, error)
      }
    }
  }

  #failed(event: string, error: unknown): void {
    if (event !== 'listenerFailed') this.emit('listenerFailed', { event, error })
  }
}
