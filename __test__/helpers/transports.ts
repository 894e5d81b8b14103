import type { Transport } from '../../src/index.js'

/** A transport whose sending is taken over; everything else goes through. */
export function sending(
  transport: Transport,
  send: (envelope: Uint8Array, pass: (envelope: Uint8Array) => Promise<void>) => Promise<void>,
): Transport {
  return {
    open: (descriptor, signature) => transport.open(descriptor, signature),
    invitations: () => transport.invitations(),
    send: (envelope) => send(envelope, (passed) => transport.send(passed)),
    subscribe: (sessionId, after) => transport.subscribe(sessionId, after),
    close: () => transport.close(),
  }
}

/** The round in an envelope's header. */
export function roundOf(envelope: Uint8Array): number {
  return new DataView(envelope.buffer, envelope.byteOffset).getUint16(6)
}
