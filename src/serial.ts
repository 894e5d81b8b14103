/** Runs tasks one after the other, in the order in which they came. @internal */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs a task when those before it have ended, however they ended. */
  run<Value>(task: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => {}) // whoever called hears of it
    return result
  }
}
