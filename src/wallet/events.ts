import type { MpcWalletErrorCode } from '../errors.js'
import type { Hex } from '../hex.js'
import type { PartyRole } from '../party-role.js'
import type { ListenerFailure } from './emitter.js'
import type { CeremonyId } from './ids.js'

/** What a ceremony makes: a wallet's keys, a signature, or other shares of the same keys. */
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

/** Another party asks this one to co-sign. */
export interface RequestReceived {
  readonly ceremonyId: CeremonyId
  readonly from: PartyRole
  readonly digest: Hex
}

/** A signature exists; this party asked for it or co-signed it. */
export interface Signed {
  readonly ceremonyId: CeremonyId
  readonly digest: Hex
  /** The other signer. */
  readonly with: PartyRole
  /** Whether this party asked for it. */
  readonly initiated: boolean
  readonly durationMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** A party said no, before any share of a signature had left. */
export interface Refused {
  readonly ceremonyId: CeremonyId
  readonly digest: Hex
  readonly by: PartyRole
}

/** A signing ceremony ended without a signature at this party, and not by a refusal in time. */
export interface Failed {
  readonly ceremonyId: CeremonyId
  readonly digest: Hex
  readonly code: MpcWalletErrorCode
  readonly culprits: readonly PartyRole[]
  /** Whether the other signer may hold the signature: this party's share had left. */
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

/** What `wallet.on` listens to. Events carry ids and states, no payloads. */
export interface WalletEvents {
  ceremony: CeremonyProgress
  envelopeDropped: EnvelopeDropped
  invitationDropped: InvitationDropped
  cosigningEnded: CosigningEnded
  request: RequestReceived
  signed: Signed
  refused: Refused
  failed: Failed
  undelivered: Undelivered
  epochChanged: EpochChanged
  listenerFailed: ListenerFailure
}
