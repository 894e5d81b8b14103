import { type Notice, native } from '../native.js'
import { ALL_ROLES } from '../party-role.js'
import {
  INVITATION_ROUND,
  readEnvelopeHeader,
  type SessionDescriptor,
  type SessionInvitation,
} from '../transport/index.js'
import type { WalletContext } from './context.js'
import { Inbox } from './inbox.js'
import { isTakenInTime } from './say-goodbye.js'
import type { Stop } from './stop.js'

/** Envelopes that are tried before a notice is given up. */
const MAX_ATTEMPTS = 8
/** How long a notice can be fetched by a party that is off. */
const LIFETIME_MS = 23 * 3_600_000

/**
 * Tells both other parties what a person signed, and this party's newest certificate with it. Never
 * rejects, and takes a bounded time: a notice is a convenience, the text itself can be handed over.
 *
 * @internal
 */
export async function notifyPeers(
  { native: wallet, transport, role }: WalletContext,
  document: Uint8Array,
): Promise<void> {
  const peers = ALL_ROLES.filter((peer) => peer !== role)
  const sent = peers.map(async (peer) => {
    const now = BigInt(Date.now())
    const notice = native.Notice.send(wallet, peer, [document], now, LIFETIME_MS)
    await transport.open(notice.descriptor, notice.descriptorSignature)
    for (const envelope of notice.envelopes) await transport.send(envelope)
  })
  await isTakenInTime(Promise.allSettled(sent))
}

/**
 * Takes a notice of another party: keeps what approvers signed about a recovery, so that a veto holds
 * although nobody here asked about it, and a newer certificate.
 *
 * @throws {@link MpcWalletError} what the native side says of the notice, or of its last document.
 * @internal
 */
export async function takeNotice(
  context: WalletContext,
  invitation: SessionInvitation,
  { sessionId, initiator }: SessionDescriptor,
  stop: Stop,
): Promise<void> {
  using inbox = new Inbox({ transport: context.transport, sessionId })
  const notice = await openNotice(context, invitation, initiator, inbox, stop)
  const { records } = context
  const certified = notice.batch()
  if (certified.writes.length > 0) await records?.commit(certified)
  notice.settle()
  let refused: unknown
  for (const document of notice.documents) {
    try {
      await noteDocument(context, document)
    } catch (error) {
      refused = error // one bad document must not hide the others
    }
  }
  if (refused !== undefined) throw refused
}

/** Junk may stand before the notice; what claims to be it is tried a few times. */
async function openNotice(
  { native: wallet }: WalletContext,
  { descriptor, signature }: SessionInvitation,
  initiator: number,
  inbox: Inbox,
  stop: Stop,
): Promise<Notice> {
  let refusal: unknown
  for (let attempts = 0; attempts < MAX_ATTEMPTS; ) {
    await stop.race(inbox.arrival())
    for (const envelope of inbox.take().filter((one) => isNotice(one, initiator))) {
      try {
        const now = BigInt(Date.now())
        return native.Notice.open(wallet, descriptor, signature, envelope, now)
      } catch (error) {
        refusal = error
        attempts += 1
      }
    }
  }
  throw refusal
}

async function noteDocument(
  { native: wallet, records }: WalletContext,
  document: Uint8Array,
): Promise<void> {
  const noted = native.Recovery.announce(wallet, document, BigInt(Date.now()))
  if (noted.writes.length > 0) await records?.commit(noted)
}

function isNotice(envelope: Uint8Array, initiator: number): boolean {
  try {
    const header = readEnvelopeHeader(envelope)
    return header.round === INVITATION_ROUND && header.from === initiator
  } catch {
    return false // bytes of another layout are no notice
  }
}
