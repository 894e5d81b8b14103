import { MpcWalletError } from '../errors.js'
import { requireFunction, requireInteger, requireObject, requireSignal } from '../guards.js'
import { native, type ReshareConsent, type Session } from '../native.js'
import { ALL_ROLES, PartyRole, roleOfIndex } from '../party-role.js'
import {
  ABORT_ROUND,
  INVITATION_ROUND,
  readDescriptor,
  readEnvelopeHeader,
  type SessionDescriptor,
  type SessionInvitation,
  SessionKind,
  type Transport,
} from '../transport/index.js'
import { type CeremonyObserver, type CeremonyResult, runCeremony } from './ceremony.js'
import { observerOf, type WalletContext } from './context.js'
import type { CeremonyProgress } from './events.js'
import { type CeremonyId, toCeremonyId } from './ids.js'
import { Inbox } from './inbox.js'
import type { PartyRecords } from './party-records.js'
import { sayGoodbye } from './say-goodbye.js'
import { Stop } from './stop.js'

/** How long to wait for the other parties. */
const DEFAULT_TIMEOUT_MS = 10 * 60_000
const MAX_TIMEOUT_MS = 55 * 60_000
/** The session outlives the waiting, so that time always runs out here first, with culprits. @internal */
export const SESSION_GRACE_MS = 60_000
/** After a party said that it holds other epochs, the next attempt takes that into account. */
const MAX_ATTEMPTS = 3
/** Descriptor and round 0 leave in one flight, so the second follows the first at once or never. */
const PATIENCE_MS = 2_000

/** How this party takes part in a refresh. */
export interface RefreshParameters {
  readonly signal?: AbortSignal
  /** How long to wait for the other two; ten minutes by default. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: CeremonyProgress) => void
}

/** A finished refresh. */
export interface RefreshReturnType {
  readonly ceremonyId: CeremonyId
  /** Number of the new share set. */
  readonly epoch: bigint
  readonly durationMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** A party's place in a ceremony that makes an epoch: of an open wallet, or of a new device. @internal */
export interface Seat {
  readonly role: PartyRole
  readonly walletId: Uint8Array
  readonly transport: Transport
  readonly records: PartyRecords | undefined
  readonly observer: CeremonyObserver
}

/** @internal */
export interface Attempt {
  readonly seat: Seat
  readonly kind: 'refresh' | 'recover'
  /** Who starts it; everybody else waits for its invitation. */
  readonly initiator: PartyRole
  readonly consent: () => ReshareConsent
  readonly lifetimeMs: number
  readonly stop: Stop
}

/** Makes other shares of the same keys, together with both other parties. @internal */
export async function refresh(
  context: WalletContext,
  parameters: RefreshParameters,
): Promise<RefreshReturnType> {
  return await makeEpoch(context, 'refresh', parameters, async (lifetimeMs) => ({
    initiator: PartyRole.Agent,
    consent: () => native.ReshareConsent.refresh(context.native, nowMs(), lifetimeMs),
  }))
}

/** Makes this wallet's next epoch, of what `prepare` says who starts and what is consented to. @internal */
export async function makeEpoch(
  context: WalletContext,
  kind: Attempt['kind'],
  parameters: RefreshParameters,
  prepare: (lifetimeMs: number) => Promise<Pick<Attempt, 'initiator' | 'consent'>>,
): Promise<RefreshReturnType> {
  const { signal, timeoutMs, onProgress } = requireObject('parameters', parameters)
  const wait = readTimeout(timeoutMs)
  const lifetimeMs = wait + SESSION_GRACE_MS
  const listener = onProgress && requireFunction('onProgress', onProgress)
  using stop = new Stop({
    timeoutMs: wait,
    caller: requireSignal('signal', signal),
    owner: context.closing,
  })
  const stopListening = listener && context.events.on('ceremony', listener)
  const [before] = context.native.heldEpochs
  try {
    stop.throwIfStopped()
    const prepared = await prepare(lifetimeMs)
    const result = await attempt({ ...prepared, seat: seatOf(context), kind, lifetimeMs, stop })
    return announce(context, kind, result)
  } catch (error) {
    throw orOvertaken(context, before, MpcWalletError.wrap(error))
  } finally {
    stopListening?.()
  }
}

/**
 * Of two ceremonies at once the one that is certified first erases what the other starts from: nobody
 * is to blame for that, and another try goes on from the new shares.
 */
function orOvertaken(
  { native: wallet, closing }: WalletContext,
  before: bigint | undefined,
  error: MpcWalletError,
): MpcWalletError {
  if (error.code !== 'PROTOCOL_CONFIG' || closing.aborted) return error
  const [now] = wallet.heldEpochs
  if (now === before) return error
  const message = 'another ceremony was certified meanwhile: call again'
  return new MpcWalletError('EPOCH_BEHIND', message, { cause: error })
}

/** @internal */
export function readTimeout(timeoutMs: unknown): number {
  return requireInteger('timeoutMs', timeoutMs ?? DEFAULT_TIMEOUT_MS, {
    min: 1,
    max: MAX_TIMEOUT_MS,
  })
}

function seatOf(context: WalletContext): Seat {
  const { role, native: wallet, transport, records } = context
  return { role, walletId: wallet.walletId, transport, records, observer: observerOf(context) }
}

/** Tells the wallet's listeners of its new epoch. */
function announce(
  { native: wallet, events }: WalletContext,
  kind: Attempt['kind'],
  { ceremonyId, durationMs, bytesSent, bytesReceived }: CeremonyResult,
): RefreshReturnType {
  const result = { ceremonyId, epoch: wallet.epoch, durationMs, bytesSent, bytesReceived }
  events.emit('epochChanged', { kind, ...result })
  return result
}

/** Runs a ceremony that makes an epoch, again where a party said that it holds other epochs. @internal */
export async function attempt(parameters: Attempt): Promise<CeremonyResult> {
  for (let attempts = 1; ; attempts += 1) {
    parameters.stop.throwIfStopped()
    try {
      return await run(parameters)
    } catch (error) {
      const { code } = MpcWalletError.wrap(error)
      if (code !== 'EPOCH_BEHIND' || attempts === MAX_ATTEMPTS) throw error
    }
  }
}

async function run(parameters: Attempt): Promise<CeremonyResult> {
  const { seat, initiator, consent, lifetimeMs } = parameters
  if (seat.role !== initiator) return await join(parameters)
  return await ceremony(parameters, consent().start(nowMs(), lifetimeMs))
}

/** Waits for the initiator's session and takes part in it, if it is what this party consents to. */
async function join(parameters: Attempt): Promise<CeremonyResult> {
  const { seat, consent, stop } = parameters
  const { transport } = seat
  const own = consent()
  const invitations = transport.invitations()[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await stop.race(invitations.next())
      if (next.done === true) throw new MpcWalletError('SESSION_CLOSED', 'the transport was closed')
      const descriptor = readInvited(parameters, next.value)
      if (descriptor === undefined) continue
      using inbox = new Inbox({ transport, sessionId: descriptor.sessionId })
      const session = await accept(parameters, own, next.value, descriptor, inbox)
      if (session !== undefined) return await ceremony(parameters, session, inbox)
    }
  } finally {
    // not awaited: an implementation may settle it only with its next invitation
    invitations.return?.()?.catch(() => {})
  }
}

/** The descriptor, if it is of this ceremony and by the party that starts it. */
function readInvited(
  { seat, kind, initiator }: Attempt,
  { descriptor }: SessionInvitation,
): SessionDescriptor | undefined {
  try {
    const read = readDescriptor(descriptor)
    const wanted = kind === 'refresh' ? SessionKind.Refresh : SessionKind.Recover
    const ours =
      read.kind === wanted &&
      roleOfIndex(read.initiator) === initiator &&
      Buffer.compare(read.walletId, seat.walletId) === 0
    return ours ? read : undefined
  } catch {
    return undefined // bytes of another layout are nobody's invitation
  }
}

async function accept(
  { seat, stop }: Attempt,
  own: ReshareConsent,
  { descriptor, signature }: SessionInvitation,
  { sessionId, initiator }: SessionDescriptor,
  inbox: Inbox,
): Promise<Session | undefined> {
  const ceremonyId = toCeremonyId(sessionId)
  const others: Uint8Array[] = []
  using patience = new Stop({ timeoutMs: PATIENCE_MS, owner: stop.signal })
  try {
    for (;;) {
      await patience.race(inbox.arrival())
      const batch = inbox.take()
      const position = batch.findIndex((envelope) => isRound0(envelope, initiator))
      const round0 = batch[position]
      if (round0 === undefined) {
        others.push(...batch)
        continue
      }
      others.push(...batch.slice(0, position), ...batch.slice(position + 1), ...inbox.take())
      if (others.some((envelope) => isEndedBy(envelope, initiator))) return undefined
      const { session, code, outgoing } = own.accept(descriptor, signature, round0, nowMs())
      inbox.putBack(others)
      if (session !== undefined) return session
      await sayGoodbye(seat.transport, () => outgoing)
      seat.observer.dropped({ ceremonyId, code: code ?? 'INTERNAL', round: INVITATION_ROUND })
      return undefined
    }
  } catch (error) {
    stop.throwIfStopped()
    const { code } = MpcWalletError.wrap(error)
    seat.observer.dropped({ ceremonyId, code, round: INVITATION_ROUND })
    return undefined
  }
}

/** Whether an envelope claims to be the initiator's stop: an attempt that nobody goes on with. */
function isEndedBy(envelope: Uint8Array, initiator: number): boolean {
  try {
    const header = readEnvelopeHeader(envelope)
    return header.round === ABORT_ROUND && header.from === initiator
  } catch {
    return false // the session drops it, with an event
  }
}

function isRound0(envelope: Uint8Array, initiator: number): boolean {
  try {
    const header = readEnvelopeHeader(envelope)
    return header.round === INVITATION_ROUND && header.from === initiator
  } catch {
    return false // the session drops it, with an event
  }
}

async function ceremony(
  { seat, kind, stop }: Attempt,
  session: Session,
  inbox?: Inbox,
): Promise<CeremonyResult> {
  return await runCeremony({
    kind,
    session,
    transport: seat.transport,
    records: seat.records,
    ...(inbox !== undefined && { inbox }),
    peers: ALL_ROLES.filter((role) => role !== seat.role),
    initiated: inbox === undefined,
    stop,
    observer: seat.observer,
  })
}

function nowMs(): bigint {
  return BigInt(Date.now())
}
