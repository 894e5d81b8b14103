import { MpcWalletError } from '../errors.js'
import { type Notice, native } from '../native.js'
import { ALL_ROLES, type PartyRole } from '../party-role.js'
import {
  INVITATION_ROUND,
  readEnvelopeHeader,
  type SessionDescriptor,
  type SessionInvitation,
} from '../transport/index.js'
import { announceApprovalRequest, isApprovalRequest } from './approvals.js'
import type { WalletContext } from './context.js'
import { Inbox } from './inbox.js'
import { isTakenInTime } from './say-goodbye.js'
import { takeStatement } from './statements.js'
import type { Stop } from './stop.js'

/** Envelopes that are tried before a notice is given up. */
const MAX_ATTEMPTS = 8
/** How long a notice can be fetched by a party that is off. */
const LIFETIME_MS = 23 * 3_600_000

/**
 * Tells both other parties what a person signed or is asked, and this party's newest certificate with it. Never
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
      await noteDocument(context, notice.from, document)
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

/**
 * What persons say about a recovery, a request, a freeze or a policy, or a request that persons are
 * asked about. Each is verified natively, whoever carried it.
 */
async function noteDocument(
  context: WalletContext,
  from: PartyRole,
  document: Uint8Array,
): Promise<void> {
  if (isApprovalRequest(document)) return announceApprovalRequest(context, from, document)
  try {
    const { native: wallet, records } = context
    const noted = native.Recovery.announce(wallet, document, BigInt(Date.now()))
    if (noted.writes.length > 0) await records?.commit(noted)
  } catch (error) {
    if (MpcWalletError.wrap(error).code !== 'INVALID_INPUT') throw error
    await takeStatement(context, document) // it is of another kind
  }
}

function isNotice(envelope: Uint8Array, initiator: number): boolean {
  try {
    const header = readEnvelopeHeader(envelope)
    return header.round === INVITATION_ROUND && header.from === initiator
  } catch {
    return false // bytes of another layout are no notice
  }
}
