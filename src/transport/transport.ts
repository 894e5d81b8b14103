/**
 * A ceremony that somebody started: what a participant needs to join it. Nothing in it is verified
 * yet.
 */
export interface SessionInvitation {
  /** The canonical descriptor bytes; their SHA-256 is the session id. */
  readonly descriptor: Uint8Array
  /** The initiator's signature over them. */
  readonly signature: Uint8Array
}

/** One envelope with its place in the session's order. */
export interface Delivery {
  /**
   * Ascending within a session, not necessarily without gaps. Hand it to `subscribe` to go on
   * behind it.
   */
  readonly sequence: bigint
  readonly envelope: Uint8Array
}

/**
 * How envelopes travel between the parties of a wallet. A transport routes and stores; it is not
 * trusted.
 *
 * Envelopes are signed, and sealed from round 2 on, before they get here: a transport can delay,
 * drop, repeat or invent bytes, and every one that does not verify is dropped by its recipient
 * without a change of state.
 *
 * An implementation belongs to one party. It keeps the order of one sender's envelopes within a
 * session, delivers to a late subscriber what was sent before, and returns from both iterables at
 * once when they are told to: `return()` settles a pending `next()`, because a ceremony that stops
 * does not wait for another message.
 */
export interface Transport {
  /** Announces a session to its participants. The same descriptor again changes nothing. */
  open(descriptor: Uint8Array, signature: Uint8Array): Promise<void>
  /**
   * Sessions that this party is asked to join: those open already, oldest first, then each new one.
   */
  invitations(): AsyncIterable<SessionInvitation>
  /** Resolves when the transport has taken the envelope over. */
  send(envelope: Uint8Array): Promise<void>
  /**
   * What the others sent to this party in a session, behind `after` or from the start; ends when
   * the transport closes.
   */
  subscribe(sessionId: Uint8Array, after?: bigint): AsyncIterable<Delivery>
  /** Ends every iterable. What was stored may be gone. */
  close(): Promise<void>
}
