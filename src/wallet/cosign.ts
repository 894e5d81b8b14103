import { setMaxListeners } from 'node:events'
import { setImmediate as settle } from 'node:timers/promises'
import { MpcWalletError } from '../errors.js'
import { requireFunction, requireObject } from '../guards.js'
import { type Hex, toHex } from '../hex.js'
import type { SigningAttempt } from '../ledger/index.js'
import { type Invitation, native } from '../native.js'
import { indexOfRole } from '../party-role.js'
import {
  readDescriptor,
  type SessionDescriptor,
  type SessionInvitation,
  SessionKind,
} from '../transport/index.js'
import type { WalletContext } from './context.js'
import { type CosignRequest, describeRequest } from './cosign-request.js'
import { counted, NO_PRICES, type Permitted, permitted, verdictsOf } from './decide.js'
import type { SigningSubject } from './events.js'
import { FailedInvitations } from './failed-invitations.js'
import { type CeremonyId, toCeremonyId } from './ids.js'
import { Inbox } from './inbox.js'
import { takeNotice } from './notices.js'
import { openInvitation } from './open-invitation.js'
import { runSigning } from './run-signing.js'
import { sayGoodbye } from './say-goodbye.js'
import { reportFailure, type SignedBatch, signaturesOf } from './sign-items.js'
import { encodeSigned } from './signed-record.js'
import { Slots } from './slots.js'
import { Stop } from './stop.js'
import { untilAborted } from './until-aborted.js'

/** Notices of one party that are taken at once. */
const MAX_NOTICES_OF_ONE = 4
/** Requests of one asking party that are handled at once. */
const MAX_REQUESTS_OF_ONE = 16
/** Announcements in the name of one party that are opened at once. */
const MAX_OPENING_OF_ONE = 16
/** Announcements in the name of one party that wait to be opened. */
const MAX_WAITING_OF_ONE = 256
/** What opening an invitation may take in all, where the native side is busy. */
const OPENING_TIMEOUT_MS = 30_000
/** Signing takes the asking party and one other. */
const QUORUM = 2
/** Envelopes that are looked through for a withdrawal while somebody thinks. */
const MAX_HELD = 64

/** How long persons' word that is on its way is waited for. */
const APPROVAL_GRACE_MS = 5_000

/** How this party answers. */
export interface CosignParameters {
  /**
   * Decides about one request, and so about all of its items, after the policy did: it only ever
   * tightens. Only `true` is a yes; anything else, and an error, is a no. Without it the policy alone
   * decides. `signal` aborts when the answer no longer matters: the request expired,
   * the asking party took it back, or co-signing was closed.
   */
  readonly approve?: (
    request: CosignRequest,
    options: { readonly signal: AbortSignal },
  ) => boolean | Promise<boolean>
  /**
   * Hears about requests that were approved and gave no signature, about errors of `approve`, and
   * of what ended co-signing if it was not closed.
   */
  readonly onError?: (error: MpcWalletError) => void
}

/** The co-signing side of a wallet, until it is closed. */
export interface Cosigning extends AsyncDisposable {
  /**
   * Resolves when co-signing is over, for whatever reason: it was closed, the wallet was, or the
   * transport announces no more requests. Never rejects.
   */
  readonly finished: Promise<void>
  /** Takes no more requests, ends those under way and waits for them. */
  close(): Promise<void>
}

/** Answers signing requests. @internal */
export function cosign(context: WalletContext, parameters: CosignParameters = {}): Cosigner {
  const { approve, onError } = requireObject('parameters', parameters)
  return new Cosigner(context, {
    ...(approve !== undefined && { approve: requireFunction('approve', approve) }),
    ...(onError !== undefined && { onError: requireFunction('onError', onError) }),
  })
}

/** One request on its way from invitation to answer. */
interface Pending {
  readonly invitation: Invitation
  readonly request: CosignRequest
  readonly inbox: Inbox
  readonly stop: Stop
}

/** A verified invitation that was not let in yet. */
interface Verified {
  readonly invitation: Invitation
  readonly inbox: Inbox
  /** Its place among those that are opened. */
  readonly opening: Disposable
  readonly requests: Slots
}

/**
 * What one of the other parties may take of this one: each has its own, so that none can make this
 * party deaf to the other. Before round 0 is verified the party is a claim, and is counted apart.
 */
interface Lane {
  readonly opening: Slots
  readonly requests: Slots
  readonly notices: Slots
}

/** @internal */
export class Cosigner implements Cosigning {
  readonly #context: WalletContext
  readonly #parameters: CosignParameters
  readonly #closing = new AbortController()
  readonly #invitations: AsyncIterator<SessionInvitation>
  readonly #live = new Map<CeremonyId, Promise<void>>()
  readonly #failed = new FailedInvitations()
  /** By party index. */
  readonly #lanes = new Map<number, Lane>()
  readonly finished: Promise<void>

  constructor(context: WalletContext, parameters: CosignParameters) {
    setMaxListeners(0, this.#closing.signal) // two for each request under way, removed with it
    this.#context = context
    this.#parameters = parameters
    this.#invitations = context.transport.invitations()[Symbol.asyncIterator]()
    context.closing.addEventListener('abort', this.#close, { once: true })
    this.finished = context.track(this.#run())
  }

  async close(): Promise<void> {
    this.#close()
    await this.finished
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  readonly #close = (): void => {
    if (this.#closing.signal.aborted) return
    this.#context.closing.removeEventListener('abort', this.#close)
    this.#closing.abort(new MpcWalletError('SESSION_CLOSED', 'co-signing was closed'))
    // not awaited: an implementation may settle it only with its next invitation
    this.#invitations.return?.()?.catch(() => {})
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    try {
      for (;;) {
        const next = await untilAborted(this.#invitations.next(), signal)
        if (next.done === true)
          throw new MpcWalletError('SESSION_CLOSED', 'the transport was closed')
        this.#take(next.value)
      }
    } catch (error) {
      const code = signal.aborted ? undefined : MpcWalletError.wrap(error).code
      this.#fail(error)
      this.#context.events.emit('cosigningEnded', { ...(code !== undefined && { code }) })
    } finally {
      this.#close()
      await Promise.allSettled(this.#live.values())
    }
  }

  /** Starts on an invitation, unless it is for somebody else or already known. */
  #take(announced: SessionInvitation): void {
    let descriptor: SessionDescriptor
    try {
      descriptor = readDescriptor(announced.descriptor)
    } catch (error) {
      this.#drop(error)
      return
    }
    if (!this.#isForThisWallet(descriptor)) return
    const ceremonyId = toCeremonyId(descriptor.sessionId)
    if (this.#isKnown(ceremonyId)) return
    const lane = this.#laneOf(descriptor.initiator)
    const places = descriptor.kind === SessionKind.Control ? lane.notices : lane.opening
    if (places.waiting >= MAX_WAITING_OF_ONE) {
      const reason = `over ${MAX_WAITING_OF_ONE} announcements of one party`
      this.#drop(new MpcWalletError('RELAY_QUOTA_EXHAUSTED', reason), ceremonyId)
      return
    }
    const answered =
      descriptor.kind === SessionKind.Control
        ? this.#takeNotice(announced, descriptor, lane)
        : this.#answer(announced, descriptor, lane)
    this.#live.set(
      ceremonyId,
      answered.finally(() => this.#live.delete(ceremonyId)),
    )
  }

  /** Whether a descriptor is between this party and another of this wallet, with their own keys. */
  #isForThisWallet({ kind, walletId, initiator, participants }: SessionDescriptor): boolean {
    const own = indexOfRole(this.#context.role)
    return (
      (kind === SessionKind.Sign || kind === SessionKind.Control) &&
      sameBytes(walletId, this.#context.native.walletId) &&
      initiator !== own &&
      participants.length === QUORUM &&
      participants.some(({ index }) => index === own) &&
      participants.every(({ index, identityKey }) =>
        this.#context.native.parties.some(
          (party) => party.index === index && sameBytes(identityKey, party.identityKey),
        ),
      )
    )
  }

  #isKnown(ceremonyId: CeremonyId): boolean {
    return (
      this.#live.has(ceremonyId) ||
      this.#failed.has(ceremonyId) ||
      this.#context.asked.has(ceremonyId)
    )
  }

  #laneOf(initiator: number): Lane {
    const lane = this.#lanes.get(initiator) ?? {
      opening: new Slots(MAX_OPENING_OF_ONE),
      requests: new Slots(MAX_REQUESTS_OF_ONE),
      notices: new Slots(MAX_NOTICES_OF_ONE),
    }
    this.#lanes.set(initiator, lane)
    return lane
  }

  /** Keeps what another party tells. Never rejects. */
  async #takeNotice(
    announced: SessionInvitation,
    descriptor: SessionDescriptor,
    lane: Lane,
  ): Promise<void> {
    const ceremonyId = toCeremonyId(descriptor.sessionId)
    try {
      using _ = await lane.notices.acquire(this.#closing.signal)
      using stop = new Stop({ timeoutMs: OPENING_TIMEOUT_MS, owner: this.#closing.signal })
      await takeNotice(this.#context, announced, descriptor, stop)
      this.#failed.add(ceremonyId, descriptor.expiresAtMs) // nothing new the next time
    } catch (error) {
      this.#drop(error, ceremonyId)
    }
  }

  /** From an invitation to a signature, a refusal or a failure. Never rejects. */
  async #answer(
    announced: SessionInvitation,
    descriptor: SessionDescriptor,
    lane: Lane,
  ): Promise<void> {
    const { transport } = this.#context
    const { sessionId } = descriptor
    try {
      using opening = await lane.opening.acquire(this.#closing.signal)
      using inbox = new Inbox({ transport, sessionId })
      const invitation = await this.#open(announced, descriptor, inbox)
      await this.#admit({ invitation, inbox, opening, requests: lane.requests })
    } catch (error) {
      this.#drop(error, toCeremonyId(sessionId))
    }
  }

  async #open(
    announced: SessionInvitation,
    descriptor: SessionDescriptor,
    inbox: Inbox,
  ): Promise<Invitation> {
    using stop = new Stop({ timeoutMs: OPENING_TIMEOUT_MS, owner: this.#closing.signal })
    const { native: wallet, transport } = this.#context
    try {
      return await openInvitation({ wallet, announced, descriptor, inbox, transport, stop })
    } catch (error) {
      const { code, retryable } = MpcWalletError.wrap(error)
      // a transport that failed or was closed says nothing about the invitation
      if (code === 'PROTOCOL_TIMEOUT' || (!retryable && code !== 'SESSION_CLOSED'))
        this.#failed.add(toCeremonyId(descriptor.sessionId), descriptor.expiresAtMs)
      throw error
    }
  }

  /**
   * Lets a verified request in when its party has a place for it. Whoever asked is told if it is
   * not let in.
   */
  async #admit({ invitation, inbox, opening, requests }: Verified): Promise<void> {
    const { accounts, asked } = this.#context
    try {
      const request = await describeRequest(invitation, accounts)
      using stop = new Stop({
        timeoutMs: Math.max(1, request.expiresAtMs - Date.now()),
        owner: this.#closing.signal,
      })
      using _ = await requests.acquire(stop.signal)
      opening[Symbol.dispose]() // counted as a request from here on
      asked.add(request.ceremonyId, request)
      await this.#decide({ invitation, request, inbox, stop })
    } catch (error) {
      await this.#refuse(invitation)
      throw error
    }
  }

  /** Asks, and signs or refuses. Never rejects. */
  async #decide(pending: Pending): Promise<void> {
    const { events, role } = this.#context
    const { from, ceremonyId } = pending.request
    const subject = subjectOf(pending.request)
    const no = new MpcWalletError('CEREMONY_REFUSED', 'this party said no', { culprits: [role] })
    let asked = false
    let requestId: Hex = '0x'
    try {
      const signed = await this.#once(pending, async (attempt) => {
        asked = true
        const permit = await this.#judge(pending)
        return await counted(this.#context, permit, async () => {
          requestId = toHex(permit.requestId)
          if (await this.#isApproved(pending)) return await this.#sign(pending, permit, attempt)
          await this.#refuse(pending.invitation)
          throw no
        })
      })
      if (signed === undefined) return
      const { durationMs, bytesSent, bytesReceived } = signed
      const cost = { durationMs, bytesSent, bytesReceived }
      events.emit('signed', { ...subject, requestId, with: from, initiated: false, ...cost })
    } catch (error) {
      const failure = MpcWalletError.wrap(error)
      if (!asked) return this.#drop(failure, ceremonyId)
      reportFailure(this.#context, subject, failure)
      if (failure !== no) this.#fail(failure)
    }
  }

  /** Nothing is taken up that this party was asked about before, in this process or another. */
  async #once(
    { request }: Pending,
    answer: (attempt?: SigningAttempt) => Promise<SignedBatch>,
  ): Promise<SignedBatch | undefined> {
    const { journal, native: wallet } = this.#context
    if (journal === undefined) return await answer()
    const { ceremonyId: key, from, memo, items } = request
    const asking = wallet.parties.find(({ role }) => role === from)
    if (asking === undefined) throw new MpcWalletError('INTERNAL', 'a request of no party')
    let signed: SignedBatch | undefined
    await journal.ledger.request(
      {
        side: 'cosigner',
        principal: toHex(asking.identityKey),
        key,
        proposal: { memo, items: items.map(({ digest, path }) => ({ digest, path })) },
      },
      async (attempt) => {
        signed = await answer(attempt)
        return encodeSigned(signed)
      },
    )
    return signed
  }

  /**
   * What this party's own policy makes of the very bytes. Where it asks persons, their word may be on
   * its way: it is waited for a little.
   */
  async #judge({ invitation, request, stop }: Pending): Promise<Permitted> {
    const { native: wallet, events } = this.#context
    const until = Date.now() + APPROVAL_GRACE_MS
    try {
      for (;;) {
        const verdicts = await stop.race(verdictsOf(this.#context, request.items, stop.signal))
        const decided = invitation.authorize(wallet, verdicts, NO_PRICES, BigInt(Date.now()))
        try {
          return await permitted(this.#context, decided)
        } catch (error) {
          const left = until - Date.now()
          if (MpcWalletError.wrap(error).code !== 'APPROVAL_REQUIRED' || left <= 0) throw error
          await stop.race(nextStatement(events, left))
        }
      }
    } catch (error) {
      await this.#refuse(invitation)
      throw stop.error ?? MpcWalletError.wrap(error)
    }
  }

  async #isApproved(pending: Pending): Promise<boolean> {
    const { request, stop } = pending
    const held: Uint8Array[] = []
    try {
      await stop.race(settle()) // a request that was taken back already is not even asked about
      this.#look(pending, held)
      this.#context.events.emit('request', { ...subjectOf(request), from: request.from })
      let answer: boolean | undefined
      const answered = this.#ask(request, stop.signal).then((yes) => {
        answer = yes
      })
      while (answer === undefined) {
        const arrival = held.length < MAX_HELD ? [pending.inbox.arrival()] : []
        await stop.race(Promise.race([answered, ...arrival]))
        if (answer === undefined) this.#look(pending, held)
      }
      return answer
    } catch (error) {
      await this.#refuse(pending.invitation)
      throw stop.error ?? MpcWalletError.wrap(error)
    } finally {
      pending.inbox.putBack(held)
    }
  }

  /**
   * Looks through what came while somebody thinks; ends the thinking if the request was taken back.
   */
  #look({ invitation, request, inbox, stop }: Pending, held: Uint8Array[]): void {
    const arrived = inbox.take()
    held.push(...arrived)
    if (!arrived.some((envelope) => invitation.isWithdrawnBy(envelope))) return
    const culprits = [request.from]
    stop.end(new MpcWalletError('CEREMONY_REFUSED', 'the request was taken back', { culprits }))
    stop.throwIfStopped()
  }

  async #ask(request: CosignRequest, signal: AbortSignal): Promise<boolean> {
    const { approve } = this.#parameters
    if (approve === undefined) return true
    try {
      return (await approve(request, { signal })) === true
    } catch (cause) {
      throw new MpcWalletError('CEREMONY_REFUSED', 'approve failed', {
        cause,
        culprits: [this.#context.role],
      })
    }
  }

  async #sign(
    { invitation, request, inbox, stop }: Pending,
    { authorization }: Permitted,
    attempt: SigningAttempt | undefined,
  ): Promise<SignedBatch> {
    const now = BigInt(Date.now())
    const session = native.Session.join(this.#context.native, invitation, authorization, now)
    const { ceremonyId, from } = request
    const { signatures, durationMs, bytesSent, bytesReceived } = await runSigning(this.#context, {
      session,
      peer: from,
      initiated: false,
      ahead: request.items.length > 1,
      inbox,
      stop,
      attempt,
    })
    const signed = signaturesOf(authorization.digests, signatures)
    return { ceremonyId, signatures: signed, durationMs, bytesSent, bytesReceived }
  }

  /** Tells the asking party, so that it need not wait for its time to run out. Never rejects. */
  async #refuse(invitation: Invitation): Promise<void> {
    await sayGoodbye(this.#context.transport, () => invitation.refuse())
  }

  #drop(error: unknown, ceremonyId?: CeremonyId): void {
    if (this.#closing.signal.aborted) return
    const { code } = MpcWalletError.wrap(error)
    this.#context.events.emit('invitationDropped', {
      code,
      ...(ceremonyId !== undefined && { ceremonyId }),
    })
  }

  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return // whoever closes does not want to hear that it closed
    try {
      this.#parameters.onError?.(MpcWalletError.wrap(error))
    } catch (failure) {
      this.#context.events.emit('listenerFailed', { event: 'onError', error: failure })
    }
  }
}

/** The next word of a person, or a while. */
function nextStatement(events: WalletContext['events'], waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      stopListening()
      resolve()
    }
    const timer = setTimeout(end, waitMs)
    const stopListening = events.on('statement', end)
  })
}

/** What the events about a request name it by. */
function subjectOf({ ceremonyId, items }: CosignRequest): SigningSubject {
  return { ceremonyId, digests: Object.freeze(items.map(({ digest }) => digest)) }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
