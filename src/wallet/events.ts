import type { MpcWalletErrorCode } from '../errors.js'
import type { Hex } from '../hex.js'
import type { PartyRole } from '../party-role.js'
import type { ApprovalRequested } from './approvals.js'
import type { ListenerFailure } from './emitter.js'
import type { CeremonyId } from './ids.js'
import type { PolicyDecision } from './policy-decision.js'
import type { StatementKind } from './statements.js'

/** What a ceremony makes: a wallet's keys, signatures, or other shares of the same keys. */
export type CeremonyKind = 'keygen' | 'sign' | 'refresh' | 'recover'

/** Where a ceremony stands at this party. */
export interface CeremonyProgress {
  readonly ceremonyId: CeremonyId
  readonly kind: CeremonyKind
  /** The round whose messages are being collected. */
  readonly round: number
  /** How many rounds the ceremony has. */
  readonly rounds: number
  /** Whose messages of this round have not come; empty when the ceremony is done. */
  readonly missing: readonly PartyRole[]
}

/** An envelope that did not verify. It changed nothing and stopped nothing. */
export interface EnvelopeDropped {
  readonly ceremonyId: CeremonyId
  /** Why, as a stable word. */
  readonly code: string
  /** The round it claims to be of. */
  readonly round: number
  /** Whom it claims to come from, if that is a party at all. */
  readonly from?: PartyRole
}

/**
 * An invitation that did not verify, could not be read or was one too many. Nobody was asked about
 * it.
 */
export interface InvitationDropped {
  readonly ceremonyId?: CeremonyId
  readonly code: MpcWalletErrorCode
}

/** Co-signing ended: this party answers no more requests until it is started again. */
export interface CosigningEnded {
  /** Why; absent when it was closed at this party. */
  readonly code?: MpcWalletErrorCode
}

/** What a signing ceremony is about. */
export interface SigningSubject {
  readonly ceremonyId: CeremonyId
  /** One for each item, in their order. */
  readonly digests: readonly Hex[]
}

/** Another party asks this one to co-sign. */
export interface RequestReceived extends SigningSubject {
  readonly from: PartyRole
}

/** A signature of every item exists; this party asked for them or co-signed them. */
export interface Signed extends SigningSubject {
  /** The other signer. */
  readonly with: PartyRole
  /** Whether this party asked for it. */
  readonly initiated: boolean
  /** Names the request to both signers' policies, as in `decided`: what `reportOutcome` is told. */
  readonly requestId: Hex
  readonly durationMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** A party said no to all items, before any share of a signature had left. */
export interface Refused extends SigningSubject {
  readonly by: PartyRole
}

/** A signing ceremony ended without signatures at this party, and not by a refusal in time. */
export interface Failed extends SigningSubject {
  readonly code: MpcWalletErrorCode
  readonly culprits: readonly PartyRole[]
  /** Whether the other signer may hold the signatures: this party's shares had left. */
  readonly signatureMayExist: boolean
}

/**
 * The last message of a finished ceremony could not be handed to the transport; the other party may
 * not have finished.
 */
export interface Undelivered {
  readonly ceremonyId: CeremonyId
  readonly code: MpcWalletErrorCode
}

/** All parties hold shares of a new epoch; the keys and addresses are the same. */
export interface EpochChanged {
  readonly ceremonyId: CeremonyId
  readonly kind: 'refresh' | 'recover'
  /** Number of the new share set. Backups of older ones are stale. */
  readonly epoch: bigint
  readonly durationMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** This party's policy said something about a request. */
export interface Decided {
  /** Names the request, at every party. */
  readonly requestId: Hex
  readonly decision: PolicyDecision
}

/** A person's word arrived and was verified: about a request, a freeze, or another policy. */
export interface StatementTaken {
  readonly kind: StatementKind
  /** Of an approval. */
  readonly requestId?: Hex
}

/** What `wallet.on` listens to. Events carry ids and states, no payloads. */
export interface WalletEvents {
  ceremony: CeremonyProgress
  envelopeDropped: EnvelopeDropped
  invitationDropped: InvitationDropped
  cosigningEnded: CosigningEnded
  request: RequestReceived
  decided: Decided
  approvalRequested: ApprovalRequested
  statement: StatementTaken
  signed: Signed
  refused: Refused
  failed: Failed
  undelivered: Undelivered
  epochChanged: EpochChanged
  listenerFailed: ListenerFailure
}
