/** A promise that is settled from outside, once. @internal */
export class Deferred {
  readonly promise: Promise<void>
  resolve: () => void = () => {}

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve
    })
  }
}
