import { Deferred } from './deferred.js'
import { untilAborted } from './until-aborted.js'

/** A fixed number of places, given in the order in which they were asked for. @internal */
export class Slots {
  #free: number
  readonly #queue: Deferred[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Waits for a place, which is given back by disposing it. Rejects with the signal's reason. */
  async acquire(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else await this.#wait(signal)
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) this.#release()
        held = false
      },
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const turn = new Deferred()
    this.#queue.push(turn)
    try {
      await untilAborted(turn.promise, signal)
    } catch (error) {
      const position = this.#queue.indexOf(turn)
      if (position >= 0) this.#queue.splice(position, 1)
      else this.#release() // the place came in the same moment
      throw error
    }
  }

  #release(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free += 1
    else next.resolve()
  }
}
