import { MpcWalletError } from '../errors.js'
import { type Delivery, MAX_ENVELOPE_BYTES, type Transport } from '../transport/index.js'
import { Deferred } from './deferred.js'

/** What one native call takes. */
const MAX_BATCH_ENVELOPES = 64
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/**
 * Collects a session's envelopes while the native side is at work, so that each call takes all that
 * have arrived.
 *
 * Reads one batch ahead at most: behind that it stops reading, and the transport keeps the rest.
 *
 * @internal
 */
export class Inbox implements Disposable {
  readonly #iterator: AsyncIterator<Delivery>
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #bytesReceived = 0
  #arrival = new Deferred()
  #room = new Deferred()
  #failure: MpcWalletError | undefined
  #closed = false

  constructor({ transport, sessionId }: { transport: Transport; sessionId: Uint8Array }) {
    this.#iterator = transport.subscribe(sessionId)[Symbol.asyncIterator]()
    void this.#read()
  }

  /** Bytes of all envelopes that came. */
  get bytesReceived(): number {
    return this.#bytesReceived
  }

  /** Resolves when there is something to take. */
  arrival(): Promise<void> {
    return this.#arrival.promise
  }

  /**
   * What has arrived, without waiting and as much as one native call takes; empty if nothing has.
   * If more is left, {@link Inbox.arrival} stays resolved.
   *
   * @throws {@link MpcWalletError} when the transport failed or was closed, after everything that
   * came before was taken.
   */
  take(): Uint8Array[] {
    if (this.#queue.length === 0 && this.#failure !== undefined) throw this.#failure
    const batch = this.#queue.splice(0, this.#batchLength())
    for (const envelope of batch) this.#queuedBytes -= envelope.length
    if (this.#queue.length === 0 && this.#failure === undefined) this.#arrival = new Deferred()
    this.#room.resolve()
    return batch
  }

  /** Returns what was taken and is for somebody else, in front of what came since. */
  putBack(envelopes: readonly Uint8Array[]): void {
    this.#queue.unshift(...envelopes)
    for (const envelope of envelopes) this.#queuedBytes += envelope.length
    if (envelopes.length > 0) this.#arrival.resolve()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#room.resolve()
    // not awaited: an implementation may settle it only with its next message
    this.#iterator.return?.()?.catch(() => {})
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** How many of the first in the queue one native call takes. */
  #batchLength(): number {
    let bytes = 0
    const position = this.#queue.findIndex((envelope, index) => {
      bytes += envelope.length
      return index >= MAX_BATCH_ENVELOPES || bytes > MAX_BATCH_BYTES
    })
    return position < 0 ? this.#queue.length : position
  }

  async #read(): Promise<void> {
    try {
      while (!this.#closed) {
        const next = await this.#iterator.next()
        if (this.#closed) return
        if (next.done === true)
          return this.#fail(new MpcWalletError('SESSION_CLOSED', 'the transport was closed'))
        await this.#put(next.value.envelope)
      }
    } catch (error) {
      this.#fail(MpcWalletError.wrap(error))
    }
  }

  async #put(envelope: Uint8Array): Promise<void> {
    if (envelope.length > MAX_ENVELOPE_BYTES) return // no party sends one that is so large
    while (
      !this.#closed &&
      (this.#queue.length >= MAX_BATCH_ENVELOPES ||
        this.#queuedBytes + envelope.length > MAX_BATCH_BYTES)
    ) {
      this.#room = new Deferred()
      await this.#room.promise
    }
    this.#queue.push(envelope)
    this.#queuedBytes += envelope.length
    this.#bytesReceived += envelope.length
    this.#arrival.resolve()
  }

  #fail(error: MpcWalletError): void {
    this.#failure = error
    this.#arrival.resolve()
  }
}
