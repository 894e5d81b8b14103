import { invalid, requireBytes } from '../guards.js'
import { MemoryTransport } from './memory-transport.js'
import { SessionBoard } from './session-board.js'
import { IDENTITY_KEY_BYTES } from './wire.js'

/**
 * Connects parties that live in one process: for tests, and to try the wallet without a network.
 *
 * It bounds what it keeps (256 envelopes and 8 MiB a session) and refuses the rest with a `RELAY_`
 * code, as any store of messages has to. Nothing is written down: what it stores ends with the
 * process.
 *
 * @example
 * const network = new MemoryNetwork()
 * const party = Party.create({ role: PartyRole.Agent })
 * const transport = network.connect(party.identityKey)
 */
export class MemoryNetwork {
  readonly #board: SessionBoard
  readonly #transports = new Set<MemoryTransport>()

  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#board = new SessionBoard({ now })
  }

  /**
   * The transport of the party with this identity key. It gets what is addressed to that party and
   * sends as no other.
   */
  connect(identityKey: Uint8Array): MemoryTransport {
    const key = requireBytes('identityKey', identityKey, { max: IDENTITY_KEY_BYTES })
    if (key.length !== IDENTITY_KEY_BYTES)
      throw invalid('identityKey', `must be ${IDENTITY_KEY_BYTES} bytes`)
    const transport = new MemoryTransport({ board: this.#board, identityKey: key })
    this.#transports.add(transport)
    return transport
  }

  /** Closes every transport. */
  async close(): Promise<void> {
    for (const transport of this.#transports) await transport.close()
    this.#transports.clear()
    this.#board.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
