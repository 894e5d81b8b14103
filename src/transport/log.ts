/** Something with a place in an ascending order. */
interface Sequenced {
  readonly sequence: bigint
}

interface Waiter {
  wake(): void
}

/**
 * An append-only list that any number of readers follow, each at its own pace. A reader is only a
 * position, so a slow one costs nothing; whoever appends keeps the list bounded.
 *
 * @internal
 */
export class Log<Entry extends Sequenced> {
  readonly #entries: Entry[] = []
  readonly #waiting = new Set<Waiter>()
  #last = 0n
  #ended = false

  get entries(): readonly Entry[] {
    return this.#entries
  }

  /** How many readers wait for an entry. */
  get waiting(): number {
    return this.#waiting.size
  }

  get ended(): boolean {
    return this.#ended
  }

  append(make: (sequence: bigint) => Entry): Entry {
    this.#last += 1n
    const entry = make(this.#last)
    this.#entries.push(entry)
    for (const reader of [...this.#waiting]) reader.wake()
    return entry
  }

  /** Forgets an entry; places of the others do not change. */
  remove(entry: Entry): void {
    const position = this.#entries.indexOf(entry)
    if (position >= 0) this.#entries.splice(position, 1)
  }

  /** The first entry behind a place that a reader wants. */
  after(sequence: bigint, wanted: (entry: Entry) => boolean): Entry | undefined {
    let [start, end] = [0, this.#entries.length]
    while (start < end) {
      const middle = (start + end) >>> 1
      if ((this.#entries[middle]?.sequence ?? 0n) > sequence) end = middle
      else start = middle + 1
    }
    for (let at = start; at < this.#entries.length; at++) {
      const entry = this.#entries[at]
      if (entry !== undefined && wanted(entry)) return entry
    }
    return undefined
  }

  /** Lets readers finish what is there and then end. */
  end(): void {
    this.#ended = true
    for (const reader of [...this.#waiting]) reader.wake()
  }

  /** @internal */
  wait(reader: Waiter): void {
    this.#waiting.add(reader)
  }

  /** @internal */
  forget(reader: Waiter): void {
    this.#waiting.delete(reader)
  }
}

/** How a reader looks at a log. */
export interface LogReaderParameters<Entry extends Sequenced, Value> {
  readonly log: Log<Entry>
  readonly after: bigint
  readonly wanted: (entry: Entry) => boolean
  readonly map: (entry: Entry) => Value
  /** Called once, when the reader ended or was told to. */
  readonly onEnd: () => void
}

/** Follows a {@link Log}. `return()` settles a pending `next()` at once. @internal */
export class LogReader<Entry extends Sequenced, Value>
  implements AsyncIterableIterator<Value, undefined>, Waiter
{
  readonly #parameters: LogReaderParameters<Entry, Value>
  readonly #pending: ((result: IteratorResult<Value, undefined>) => void)[] = []
  #position: bigint
  #ended = false

  constructor(parameters: LogReaderParameters<Entry, Value>) {
    this.#parameters = parameters
    this.#position = parameters.after
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Value, undefined>> {
    return new Promise((resolve) => {
      this.#pending.push(resolve)
      this.wake()
    })
  }

  return(): Promise<IteratorResult<Value, undefined>> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Answers as many calls of `next()` as the log allows. @internal */
  wake(): void {
    const { log, wanted, map } = this.#parameters
    while (!this.#ended && this.#pending.length > 0) {
      const entry = log.after(this.#position, wanted)
      if (entry !== undefined) {
        this.#position = entry.sequence
        this.#pending.shift()?.({ done: false, value: map(entry) })
      } else if (log.ended) {
        this.#end()
      } else {
        log.wait(this)
        return
      }
    }
    log.forget(this)
    if (this.#ended) this.#settle()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#parameters.log.forget(this)
    this.#settle()
    this.#parameters.onEnd()
  }

  #settle(): void {
    for (const resolve of this.#pending.splice(0)) resolve({ done: true, value: undefined })
  }
}
