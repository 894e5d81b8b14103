import { MpcWalletError } from '../errors.js'
import type { SessionBoard } from './session-board.js'
import type { Delivery, SessionInvitation, Transport } from './transport.js'
import { SESSION_ID_BYTES } from './wire.js'

/** One party's end of a {@link MemoryNetwork}; made by {@link MemoryNetwork.connect}. */
export class MemoryTransport implements Transport {
  readonly #board: SessionBoard
  readonly #identityKey: Uint8Array
  readonly #readers = new Set<AsyncIterator<unknown>>()
  #closed = false

  /** @internal */
  constructor({ board, identityKey }: { board: SessionBoard; identityKey: Uint8Array }) {
    this.#board = board
    this.#identityKey = identityKey
  }

  async open(descriptor: Uint8Array, signature: Uint8Array): Promise<void> {
    this.#assertOpen()
    this.#board.open(this.#identityKey, descriptor, signature)
  }

  invitations(): AsyncIterableIterator<SessionInvitation> {
    this.#assertOpen()
    return this.#track((onEnd) => this.#board.invitations(this.#identityKey, onEnd))
  }

  async send(envelope: Uint8Array): Promise<void> {
    this.#assertOpen()
    this.#board.send(this.#identityKey, envelope)
  }

  subscribe(sessionId: Uint8Array, after = 0n): AsyncIterableIterator<Delivery> {
    this.#assertOpen()
    if (sessionId.length !== SESSION_ID_BYTES)
      throw new MpcWalletError('INVALID_INPUT', `sessionId: must be ${SESSION_ID_BYTES} bytes`)
    return this.#track((onEnd) => this.#board.subscribe(this.#identityKey, sessionId, after, onEnd))
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const reader of [...this.#readers]) await reader.return?.()
  }

  #track<Reader extends AsyncIterator<unknown>>(make: (onEnd: () => void) => Reader): Reader {
    const reader: Reader = make(() => this.#readers.delete(reader))
    this.#readers.add(reader)
    return reader
  }

  #assertOpen(): void {
    if (this.#closed) throw new MpcWalletError('SESSION_CLOSED', 'the transport is closed')
  }
}
