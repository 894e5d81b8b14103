import { MpcWalletError } from '../errors.js'
import { type Invitation, native, type Wallet } from '../native.js'
import {
  INVITATION_ROUND,
  readEnvelopeHeader,
  type SessionDescriptor,
  type SessionInvitation,
  type Transport,
} from '../transport/index.js'
import type { Inbox } from './inbox.js'
import { sayGoodbye } from './say-goodbye.js'
import { Stop } from './stop.js'
import { whileBusy } from './while-busy.js'

/** Envelopes of round 0 that are tried before the invitation is given up. */
const MAX_ATTEMPTS = 8
/** Other envelopes that may come before round 0: a whole signature is a dozen. */
const MAX_OTHERS = 64

/** Descriptor and round 0 leave in one flight, so the second follows the first at once or never. */
const PATIENCE_MS = 2_000

/** What an invitation is opened from. */
export interface OpenInvitationParameters {
  readonly wallet: Wallet
  readonly announced: SessionInvitation
  readonly descriptor: SessionDescriptor
  readonly inbox: Inbox
  readonly transport: Transport
  readonly stop: Stop
}

/**
 * Waits a short while for round 0 of a signing session and opens it natively: both signatures are verified and
 * the payload is read. What came beside round 0 stays in the inbox, for the session.
 *
 * @throws {@link MpcWalletError} what the native side said of the last envelope that claimed to be
 * round 0, or `PROTOCOL_TIMEOUT` when none came.
 * @internal
 */
export async function openInvitation(parameters: OpenInvitationParameters): Promise<Invitation> {
  const { wallet, announced, descriptor, inbox, stop } = parameters
  using patience = new Stop({ timeoutMs: PATIENCE_MS, owner: stop.signal })
  const others: Uint8Array[] = []
  let refusal: unknown
  for (let attempts = 0; attempts < MAX_ATTEMPTS; ) {
    await patience.race(inbox.arrival())
    const batch = inbox.take()
    for (const [position, envelope] of batch.entries()) {
      if (!isInvitation(envelope, descriptor)) {
        others.push(envelope)
        continue
      }
      try {
        const { descriptor: bytes, signature } = announced
        const now = BigInt(Date.now())
        const invitation = await whileBusy(stop, () =>
          native.Invitation.open(wallet, bytes, signature, envelope, now),
        )
        inbox.putBack([...others, ...batch.slice(position + 1)])
        return invitation
      } catch (error) {
        stop.throwIfStopped()
        const answer = answerIn(error)
        if (answer !== undefined) {
          await sayGoodbye(parameters.transport, () => answer)
          throw error
        }
        refusal = error // junk may stand before the right one
        attempts += 1
      }
    }
    if (others.length > MAX_OTHERS)
      throw new MpcWalletError('RELAY_BAD_ENVELOPE', 'an invitation without its round 0')
  }
  throw refusal
}

/** What the native side wants the initiator to be told, besides the error. */
function answerIn(error: unknown): readonly Uint8Array[] | undefined {
  // no instanceof: the addon may have been loaded in another realm
  if (typeof error !== 'object' || error === null || !('outgoing' in error)) return undefined
  return error.outgoing as readonly Uint8Array[] // set by the addon, and by nobody else
}

function isInvitation(envelope: Uint8Array, { initiator }: SessionDescriptor): boolean {
  try {
    const header = readEnvelopeHeader(envelope)
    return header.round === INVITATION_ROUND && header.from === initiator
  } catch {
    return false // the session drops it, with an event
  }
}
