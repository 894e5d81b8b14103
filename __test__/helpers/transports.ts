import type { SessionInvitation, Transport } from '../../src/index.js'

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

/** What happens around a party's invitations and subscriptions. */
export interface Announcing {
  /** Hears of each subscription. */
  readonly subscribe?: (sessionId: Uint8Array) => void
  /** Whether each session is announced again, a while later. */
  readonly again?: boolean
  /** The invitations end when it resolves, and fail when it rejects. */
  readonly until?: () => Promise<void>
}

/** A transport whose reading is watched and interrupted; everything else goes through. */
export function announcing(
  transport: Transport,
  { subscribe, again = false, until = () => new Promise(() => {}) }: Announcing,
): Transport {
  async function* invitations(): AsyncGenerator<SessionInvitation> {
    const end = until().then(() => ({ done: true, value: undefined }) as const)
    const source = transport.invitations()[Symbol.asyncIterator]()
    for (;;) {
      const next = await Promise.race([source.next(), end])
      if (next.done === true) return
      yield next.value
      if (!again) continue
      await new Promise((resolve) => setTimeout(resolve, 150))
      yield next.value
    }
  }
  return {
    open: (descriptor, signature) => transport.open(descriptor, signature),
    invitations,
    send: (envelope) => transport.send(envelope),
    subscribe: (sessionId, after) => {
      subscribe?.(sessionId)
      return transport.subscribe(sessionId, after)
    },
    close: () => transport.close(),
  }
}

/** The round in an envelope's header. */
export function roundOf(envelope: Uint8Array): number {
  return new DataView(envelope.buffer, envelope.byteOffset).getUint16(6)
}
