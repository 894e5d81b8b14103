import type { PartyRole } from '../party-role.js'
import type { Transport } from '../transport/index.js'

/** An envelope as its sender handed it over. */
export interface RecordedEnvelope {
  readonly from: PartyRole
  readonly envelope: Uint8Array
}

/** A transport that writes down what is sent through it, as a relay that keeps everything would. */
export function recordEnvelopes(
  transport: Transport,
  from: PartyRole,
  into: RecordedEnvelope[],
): Transport {
  return {
    open: (descriptor, signature) => transport.open(descriptor, signature),
    invitations: () => transport.invitations(),
    send: (envelope) => {
      into.push({ from, envelope: new Uint8Array(envelope) })
      return transport.send(envelope)
    },
    subscribe: (sessionId, after) => transport.subscribe(sessionId, after),
    close: () => transport.close(),
  }
}
