import { MpcWalletError } from '../errors.js'
import { toHex } from '../hex.js'
import type { SigningAttempt } from '../ledger/index.js'
import type { Session } from '../native.js'
import { indexOfRole, type PartyRole } from '../party-role.js'
import { readDescriptor } from '../transport/index.js'
import { type CeremonyResult, runCeremony, type SigningSteps } from './ceremony.js'
import { observerOf, type WalletContext } from './context.js'
import type { Inbox } from './inbox.js'
import type { Stop } from './stop.js'

/** A signing session, at the party that asks or at the one that is asked. */
export interface SigningParameters {
  /** Belongs to the ceremony from here on. */
  readonly session: Session
  /** The other signer. */
  readonly peer: PartyRole
  readonly initiated: boolean
  /** See {@link runCeremony}. */
  readonly ahead?: boolean
  /** What has arrived so far. Belongs to the ceremony from here on. */
  readonly inbox?: Inbox
  readonly stop: Stop
  /** The ledger's, where this party has a store. */
  readonly attempt: SigningAttempt | undefined
}

/** Runs a signing session, each step of which is in the ledger before it is taken. @internal */
export async function runSigning(
  context: WalletContext,
  { session, peer, initiated, ahead = false, inbox, stop, attempt }: SigningParameters,
): Promise<CeremonyResult> {
  const { transport, records } = context
  return await runCeremony({
    kind: 'sign',
    session,
    transport,
    records,
    ...(inbox !== undefined && { inbox }),
    peers: [peer],
    initiated,
    ahead,
    stop,
    ...(attempt !== undefined && { steps: stepsOf(attempt, session, peer) }),
    observer: observerOf(context),
  })
}

function stepsOf(attempt: SigningAttempt, session: Session, peer: PartyRole): SigningSteps {
  const { participants } = readDescriptor(session.descriptor)
  const other = participants.find(({ index }) => index === indexOfRole(peer))
  if (other === undefined) throw new MpcWalletError('INTERNAL', 'a session without its other party')
  const name = { sessionId: toHex(session.sessionId), peer: toHex(other.identityKey) }
  return {
    begins: (writes) => attempt.openSession(name, writes),
    shareLeaves: () => attempt.shareLeaves(),
  }
}
