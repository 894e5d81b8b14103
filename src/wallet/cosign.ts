import { setMaxListeners } from 'node:events'
import { setImmediate as settle } from 'node:timers/promises'
import { MpcWalletError } from '../errors.js'
import { requireFunction, requireObject } from '../guards.js'
import { type Invitation, native } from '../native.js'
import { indexOfRole } from '../party-role.js'
import {
  readDescriptor,
  type SessionDescriptor,
  type SessionInvitation,
  SessionKind,
} from '../transport/index.js'
import { type CeremonyResult, runCeremony } from './ceremony.js'
import { observerOf, type WalletContext } from './context.js'
import { type CosignRequest, describeRequest } from './cosign-request.js'
import { type CeremonyId, toCeremonyId } from './ids.js'
import { Inbox } from './inbox.js'
import { openInvitation } from './open-invitation.js'
import { reportFailure } from './sign-transaction.js'
import { Stop } from './stop.js'
import { untilAborted } from './until-aborted.js'

/** Requests that are handled at once; the transport keeps the rest. */
const MAX_REQUESTS = 32
/** Descriptor and round 0 leave in one flight, so the second follows the first at once or never. */
const ROUND_0_TIMEOUT_MS = 30_000
/** Envelopes that are looked through for a withdrawal while somebody thinks. */
const MAX_HELD = 64

/** How this party answers. */
export interface CosignParameters {
  /**
   * Decides about one request. Only `true` is a yes; anything else, and an error, is a no. `signal`
   * aborts when the answer no longer matters: the request expired, the asking party took it back,
   * or co-signing was closed.
   */
  readonly approve: (
    request: CosignRequest,
    options: { readonly signal: AbortSignal },
  ) => boolean | Promise<boolean>
  /**
   * Hears about requests that were approved and gave no signature, and about errors of `approve`.
   */
  readonly onError?: (error: MpcWalletError) => void
}

/** The co-signing side of a wallet, until it is closed. */
export interface Cosigning extends AsyncDisposable {
  /** Takes no more requests, ends those under way and waits for them. */
  close(): Promise<void>
}

/** Answers signing requests. @internal */
export function cosign(context: WalletContext, parameters: CosignParameters): Cosigner {
  const { approve, onError } = requireObject('parameters', parameters)
  return new Cosigner(context, {
    approve: requireFunction('approve', approve),
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

/** @internal */
export class Cosigner implements Cosigning {
  readonly #context: WalletContext
  readonly #parameters: CosignParameters
  readonly #closing = new AbortController()
  readonly #invitations: AsyncIterator<SessionInvitation>
  readonly #live = new Map<CeremonyId, Promise<void>>()
  /** Resolves when nothing is under way any more. */
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
        if (this.#live.size >= MAX_REQUESTS)
          await untilAborted(Promise.race(this.#live.values()), signal)
        const next = await untilAborted(this.#invitations.next(), signal)
        if (next.done === true) break
        this.#take(next.value)
      }
    } catch (error) {
      this.#fail(error)
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
    if (this.#live.has(ceremonyId) || this.#context.asked.has(ceremonyId)) return
    const answered = this.#answer(announced, descriptor).finally(() =>
      this.#live.delete(ceremonyId),
    )
    this.#live.set(ceremonyId, answered)
  }

  #isForThisWallet({ kind, walletId, initiator, participants }: SessionDescriptor): boolean {
    const own = indexOfRole(this.#context.role)
    return (
      kind === SessionKind.Sign &&
      Buffer.compare(walletId, this.#context.native.walletId) === 0 &&
      initiator !== own &&
      participants.some(({ index }) => index === own)
    )
  }

  /** From an invitation to a signature, a refusal or a failure. Never rejects. */
  async #answer(announced: SessionInvitation, descriptor: SessionDescriptor): Promise<void> {
    const { transport, accounts, asked } = this.#context
    const { sessionId } = descriptor
    const ceremonyId = toCeremonyId(sessionId)
    let inbox: Inbox | undefined
    try {
      inbox = new Inbox({ transport, sessionId })
      const invitation = await this.#open(announced, descriptor, inbox)
      const request = describeRequest(invitation, accounts)
      asked.add(ceremonyId, request.expiresAtMs)
      using stop = new Stop({
        timeoutMs: Math.max(1, request.expiresAtMs - Date.now()),
        owner: this.#closing.signal,
      })
      await this.#decide({ invitation, request, inbox, stop })
    } catch (error) {
      this.#drop(error, ceremonyId)
    } finally {
      inbox?.close()
    }
  }

  async #open(
    announced: SessionInvitation,
    descriptor: SessionDescriptor,
    inbox: Inbox,
  ): Promise<Invitation> {
    using stop = new Stop({ timeoutMs: ROUND_0_TIMEOUT_MS, owner: this.#closing.signal })
    const wallet = this.#context.native
    return await openInvitation({ wallet, announced, descriptor, inbox, stop })
  }

  /** Asks, and signs or refuses. Never rejects. */
  async #decide(pending: Pending): Promise<void> {
    const { events, role } = this.#context
    const { ceremonyId, digest, from } = pending.request
    try {
      if (await this.#isApproved(pending)) {
        const { durationMs, bytesSent, bytesReceived } = await this.#sign(pending)
        const cost = { durationMs, bytesSent, bytesReceived }
        events.emit('signed', { ceremonyId, digest, with: from, initiated: false, ...cost })
      } else {
        await this.#refuse(pending)
        events.emit('refused', { ceremonyId, digest, by: role })
      }
    } catch (error) {
      const failure = MpcWalletError.wrap(error)
      reportFailure(this.#context, pending.request, failure)
      this.#fail(failure)
    }
  }

  async #isApproved(pending: Pending): Promise<boolean> {
    const { request, stop } = pending
    const held: Uint8Array[] = []
    try {
      await stop.race(settle()) // a request that was taken back already is not even asked about
      this.#look(pending, held)
      const { ceremonyId, digest, from } = request
      this.#context.events.emit('request', { ceremonyId, from, digest })
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
      await this.#refuse(pending)
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
    try {
      return (await this.#parameters.approve(request, { signal })) === true
    } catch (cause) {
      throw new MpcWalletError('CEREMONY_REFUSED', 'approve failed', {
        cause,
        culprits: [this.#context.role],
      })
    }
  }

  async #sign({ invitation, request, inbox, stop }: Pending): Promise<CeremonyResult> {
    const { native: wallet, transport } = this.#context
    const now = BigInt(Date.now())
    const session = native.Session.join(wallet, invitation, invitation.accept(now), now)
    return await runCeremony({
      kind: 'sign',
      session,
      transport,
      inbox,
      peers: [request.from],
      initiated: false,
      stop,
      observer: observerOf(this.#context),
    })
  }

  /** Tells the asking party, so that it need not wait for its time to run out. */
  async #refuse({ invitation }: Pending): Promise<void> {
    for (const goodbye of invitation.refuse()) await this.#context.transport.send(goodbye)
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
