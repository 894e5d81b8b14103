import { MpcWalletError } from '../errors.js'
import { MemoryTransport } from './memory-transport.js'
import { SessionBoard } from './session-board.js'
import { IDENTITY_KEY_BYTES } from './wire.js'

/**
 * Connects parties that live in one process: for tests, and to try the wallet without a relay.
 *
 * It keeps the relay's bounds (256 envelopes and 8 MiB a session) and its refusals, so what runs
 * here runs there. Nothing is written down: what it stores ends with the process.
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
    if (identityKey.length !== IDENTITY_KEY_BYTES)
      throw new MpcWalletError('INVALID_INPUT', `identityKey: must be ${IDENTITY_KEY_BYTES} bytes`)
    const transport = new MemoryTransport({
      board: this.#board,
      identityKey: new Uint8Array(identityKey),
    })
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
