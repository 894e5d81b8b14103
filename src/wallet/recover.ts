import { MpcWalletError } from '../errors.js'
import { invalid, requireInteger, requireObject, requireSignal } from '../guards.js'
import { native, type Recovery, type RecoveryDecision } from '../native.js'
import { ALL_ROLES, type PartyRole } from '../party-role.js'
import type { PolicyRule } from '../policy/index.js'
import { requireTransport, type Transport } from '../transport/index.js'
import type { WalletContext } from './context.js'
import type { CeremonyProgress, EnvelopeDropped } from './events.js'
import type { WalletId } from './ids.js'
import { bytesOfCards, type NewWallet, observeCeremony, readCard, readCards } from './keygen.js'
import { notifyPeers } from './notices.js'
import { type Party, takePartyKeys } from './party.js'
import {
  attempt,
  makeEpoch,
  type RefreshReturnType,
  readTimeout,
  SESSION_GRACE_MS,
} from './reshare.js'
import { Stop } from './stop.js'

const MAX_DOCUMENT_LENGTH = 1_024
const MAX_DOCUMENTS = 16
const DEFAULT_APPROVAL_MS = 7 * 24 * 3_600_000
const MAX_APPROVAL_MS = 30 * 24 * 3_600_000
const WALLET_ID = /^0x[0-9a-f]{64}$/

/** What the person behind a party says of a replacement. */
export type RecoveryVerdict = 'approve' | 'reject' | 'veto'

/** Which device is to replace which, and what this party's person says. */
export interface SignRecoveryParameters {
  /** The card of the new device; its role is that of the party that it replaces. */
  readonly replacement: string
  /** `approve` by default; `reject` by one whose yes is needed, `veto` by one who may object. */
  readonly verdict?: RecoveryVerdict
  /** How long it is good for; seven days by default, thirty at most. */
  readonly expiresInMs?: number
}

/** Where a recovery stands at this party. */
export interface RecoveryStatus {
  readonly state:
    | 'approved'
    | 'waiting'
    | 'needs-approval'
    | 'vetoed'
    | 'rejected'
    | 'expired'
    | 'clock-jumped'
  /** Of `waiting`: when the time to object is over, if this party keeps running. */
  readonly untilMs?: number
  /** Of `needs-approval`: whose persons have not said yes. */
  readonly missing: readonly PartyRole[]
}

/** A recovery, and what persons signed about it. */
export interface RecoveryParameters {
  /** The card of the new device. */
  readonly replacement: string
  /** What {@link MpcAgentWallet.signRecovery} gave at the parties, in any order. */
  readonly documents?: readonly string[]
}

/** How a survivor takes part in a recovery. */
export interface RecoverParameters extends RecoveryParameters {
  readonly signal?: AbortSignal
  /** How long to wait for the other two; ten minutes by default. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: CeremonyProgress) => void
}

/** How a new device takes the place of a lost one. */
export interface JoinRecoveryParameters {
  /** This device's party, of the lost one's role, with keys of its own. */
  readonly party: Party
  readonly walletId: WalletId
  /** The cards of this party and of both survivors, in any order. */
  readonly cards: readonly string[]
  /** This party's transport. It stays the caller's to close. */
  readonly transport: Transport
  /** Rules in code that the policy names and this party runs. */
  readonly rules?: readonly PolicyRule[]
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  readonly onProgress?: (progress: CeremonyProgress) => void
  /** Envelopes and invitations that did not verify and were left aside. */
  readonly onDropped?: (dropped: EnvelopeDropped) => void
}

/**
 * The person's word about a replacement, as text to hand to both survivors; those that answer
 * requests get it by themselves.
 *
 * @internal
 */
export async function signRecovery(
  context: WalletContext,
  parameters: SignRecoveryParameters,
): Promise<string> {
  const { replacement, verdict = 'approve', expiresInMs } = requireObject('parameters', parameters)
  if (verdict !== 'approve' && verdict !== 'reject' && verdict !== 'veto')
    throw invalid('verdict', 'must be approve, reject or veto')
  const lifetime = requireInteger('expiresInMs', expiresInMs ?? DEFAULT_APPROVAL_MS, {
    min: 1,
    max: MAX_APPROVAL_MS,
  })
  try {
    const recovery = openRecovery(context, readCard('replacement', replacement).bytes)
    const signed = recovery.sign(verdict, BigInt(Date.now() + lifetime))
    await commit(context, recovery.observe(signed, nowMs()))
    await notifyPeers(context, signed)
    return Buffer.from(signed).toString('base64url')
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

/** Takes note of what persons signed, and says where the recovery stands. @internal */
export async function recoveryStatus(
  context: WalletContext,
  parameters: RecoveryParameters,
): Promise<RecoveryStatus> {
  const request = readRecovery(parameters)
  try {
    const recovery = openRecovery(context, request.card)
    return await noteAll(context, recovery, request.documents)
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

/** The operator's word that this machine's clock is right as it is. @internal */
export async function confirmClock(
  context: WalletContext,
  parameters: RecoveryParameters,
): Promise<void> {
  const request = readRecovery(parameters)
  try {
    const recovery = openRecovery(context, request.card)
    await commit(context, recovery.confirmClock(nowMs()))
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

/** Replaces a lost device, together with the other survivor and the new device. @internal */
export async function recover(
  context: WalletContext,
  parameters: RecoverParameters,
): Promise<RefreshReturnType> {
  const request = readRecovery(parameters)
  return await makeEpoch(context, 'recover', parameters, async (lifetimeMs) => {
    const recovery = openRecovery(context, request.card)
    assertApproved(await noteAll(context, recovery, request.documents))
    return {
      initiator: initiatorWithout(request.lost),
      consent: () => recovery.consent(nowMs(), lifetimeMs),
    }
  })
}

/** Joins a wallet as the device that replaces a lost one. @internal */
export async function joinNativeRecovery(
  parameters: JoinRecoveryParameters,
  ending: AbortSignal,
): Promise<NewWallet> {
  const {
    party,
    walletId,
    cards,
    transport,
    rules = [],
    signal,
    timeoutMs,
  } = requireObject('parameters', parameters)
  if (typeof walletId !== 'string' || !WALLET_ID.test(walletId))
    throw invalid('walletId', 'must be the id of the wallet')
  const id = new Uint8Array(Buffer.from(walletId.slice(2), 'hex'))
  const checked = requireTransport('transport', transport)
  const pinned = bytesOfCards(readCards(cards, party))
  const wait = readTimeout(timeoutMs)
  const lifetimeMs = wait + SESSION_GRACE_MS
  using stop = new Stop({
    timeoutMs: wait,
    caller: requireSignal('signal', signal),
    owner: ending,
  })
  try {
    stop.throwIfStopped()
    const { identity, store, records } = takePartyKeys(party)
    const { wallet } = await attempt({
      seat: {
        role: party.role,
        walletId: id,
        transport: checked,
        records,
        observer: observeCeremony(parameters),
      },
      kind: 'recover',
      initiator: initiatorWithout(party.role),
      consent: () => native.ReshareConsent.join(identity, id, pinned, store, nowMs(), lifetimeMs),
      lifetimeMs,
      stop,
    })
    if (wallet === undefined) throw new MpcWalletError('INTERNAL', 'a recovery gave no wallet')
    const begun = wallet.begin(true, nowMs())
    if (begun.writes.length > 0) await records?.commit(begun)
    return { wallet, transport: checked, records, rules }
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

/** The survivor with the lowest index starts the ceremony. */
function initiatorWithout(lost: PartyRole): PartyRole {
  const [first] = ALL_ROLES.filter((role) => role !== lost)
  if (first === undefined) throw new MpcWalletError('INTERNAL', 'a committee of one')
  return first
}

function openRecovery({ native: wallet }: WalletContext, card: Uint8Array): Recovery {
  return native.Recovery.open(wallet, card, nowMs())
}

/** A document that says nothing here is left aside: one bad text must not hide the others. */
async function noteAll(
  context: WalletContext,
  recovery: Recovery,
  documents: readonly Uint8Array[],
): Promise<RecoveryStatus> {
  let refused: MpcWalletError | undefined
  for (const document of documents) {
    try {
      await commit(context, recovery.observe(document, nowMs()))
    } catch (error) {
      refused = MpcWalletError.wrap(error)
    }
  }
  const decision = recovery.decide(nowMs())
  await commit(context, decision.batch)
  if (refused !== undefined && decision.state === 'needs-approval') throw refused
  return statusOf(decision)
}

function statusOf({ state, untilMs, missing }: RecoveryDecision): RecoveryStatus {
  return Object.freeze({
    state,
    missing: Object.freeze([...missing]),
    ...(untilMs !== undefined && { untilMs: Number(untilMs) }),
  })
}

function assertApproved({ state, untilMs, missing }: RecoveryStatus): void {
  if (state === 'approved') return
  if (state === 'waiting')
    throw new MpcWalletError(
      'RECOVERY_WAITING',
      `the time to object ends at ${new Date(untilMs ?? 0).toISOString()}`,
    )
  if (state === 'clock-jumped')
    throw new MpcWalletError('CLOCK_JUMPED', 'the clock of this machine jumped')
  if (state === 'needs-approval')
    throw new MpcWalletError('APPROVAL_MISSING', `nobody approved for: ${missing.join(', ')}`)
  throw new MpcWalletError('CEREMONY_REFUSED', `the recovery was ${state}`)
}

async function commit({ records }: WalletContext, batch: RecoveryDecision['batch']): Promise<void> {
  if (batch.writes.length > 0) await records?.commit(batch)
}

function readRecovery(parameters: RecoveryParameters) {
  const { replacement, documents = [] } = requireObject('parameters', parameters)
  const { bytes, role } = readCard('replacement', replacement)
  if (!Array.isArray(documents) || documents.length > MAX_DOCUMENTS)
    throw invalid('documents', `must be a list of at most ${MAX_DOCUMENTS}`)
  return { card: bytes, lost: role, documents: documents.map(readDocument) }
}

function readDocument(document: unknown, position: number): Uint8Array {
  if (
    typeof document !== 'string' ||
    document.length > MAX_DOCUMENT_LENGTH ||
    !/^[\w-]+$/.test(document)
  )
    throw invalid(`documents[${position}]`, 'must be what signRecovery gave')
  return new Uint8Array(Buffer.from(document, 'base64url'))
}

function nowMs(): bigint {
  return BigInt(Date.now())
}
