export { MemoryNetwork } from './memory-network.js'
export { MemoryTransport } from './memory-transport.js'
export { requireTransport } from './require-transport.js'
export type { Delivery, SessionInvitation, Transport } from './transport.js'
export {
  ABORT_ROUND,
  BROADCAST,
  type EnvelopeHeader,
  HEADER_BYTES,
  IDENTITY_KEY_BYTES,
  INVITATION_ROUND,
  MAX_ENVELOPE_BYTES,
  type Participant,
  readDescriptor,
  readEnvelopeHeader,
  type SessionDescriptor,
  SessionKind,
  SIGNATURE_BYTES,
  sessionIdOf,
} from './wire.js'
