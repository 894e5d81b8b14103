import { setImmediate as settle } from 'node:timers/promises'
import { isErrorCode, MpcWalletError, type MpcWalletErrorCode } from '../errors.js'
import type { RoundOutcome, Session, SignatureOutput, Wallet } from '../native.js'
import { type PartyRole, roleOfIndex } from '../party-role.js'
import type { StoreWrite } from '../storage/index.js'
import type { Transport } from '../transport/index.js'
import type { CeremonyKind, CeremonyProgress, EnvelopeDropped, Undelivered } from './events.js'
import { type CeremonyId, toCeremonyId } from './ids.js'
import { Inbox } from './inbox.js'
import type { PartyRecords } from './party-records.js'
import { isTakenInTime, sayGoodbye } from './say-goodbye.js'
import type { Stop } from './stop.js'
import { whileBusy } from './while-busy.js'

const ROUNDS: Record<CeremonyKind, number> = { keygen: 7, sign: 3, refresh: 7, recover: 7 }
const SHARE_HAD_LEFT =
  'this signature share had left before: the other signer may hold the signature'

/** What a session says when nothing of it waits for a store. */
type Reported = Exclude<RoundOutcome, { kind: 'commit' }>
type Outcome<Kind extends RoundOutcome['kind']> = Extract<RoundOutcome, { kind: Kind }>

/** Who hears about a running ceremony. */
export interface CeremonyObserver {
  progress(progress: CeremonyProgress): void
  dropped(dropped: EnvelopeDropped): void
  undelivered(undelivered: Undelivered): void
}

/** What has to be on disk before a signing session goes on. */
export interface SigningSteps {
  /** Before its first message leaves; with the writes that register it. */
  begins(writes: readonly StoreWrite[]): Promise<void>
  /** Before this party's share of the signature leaves. */
  shareLeaves(): Promise<void>
}

/** What a ceremony runs on. */
export interface CeremonyParameters {
  readonly kind: CeremonyKind
  /** Belongs to the ceremony from here on. */
  readonly session: Session
  readonly transport: Transport
  /** Where this party's records are kept, unless they are only in memory. */
  readonly records: PartyRecords | undefined
  /**
   * What has arrived so far, where this party has read some of it already. Belongs to the ceremony
   * from here on.
   */
  readonly inbox?: Inbox
  /** The other participants. */
  readonly peers: readonly PartyRole[]
  /** Whether this party starts it, and so announces it. */
  readonly initiated: boolean
  /**
   * Whether this party's first message leaves before it looks at what has arrived, so that the
   * others compute meanwhile. It costs a call more: worth it where a round takes long.
   */
  readonly ahead?: boolean
  readonly stop: Stop
  /** Signing, at a party with records. */
  readonly steps?: SigningSteps
  /** Key generation: asks the operator whether the words are those of the other two. */
  readonly confirm?: (proposal: Outcome<'confirm'>, signal: AbortSignal) => Promise<boolean>
  readonly observer: CeremonyObserver
}

/** What a finished ceremony gives, and what it cost. */
export interface CeremonyResult {
  readonly ceremonyId: CeremonyId
  readonly signatures: readonly SignatureOutput[]
  readonly wallet?: Wallet
  readonly durationMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/**
 * Moves envelopes between a transport and a native session until the session is done: one native
 * call for everything that has arrived, then whatever it wants sent. Knows no protocol.
 *
 * When it stops early, it tells the peers, closes the session, and leaves no timer, listener or
 * reader behind.
 *
 * @throws {@link MpcWalletError} the session's verdict, `COSIGNER_OFFLINE` or `PROTOCOL_TIMEOUT`
 * when time ran out, or what {@link Stop} says.
 * @internal
 */
export async function runCeremony(parameters: CeremonyParameters): Promise<CeremonyResult> {
  const ceremony = new Ceremony(parameters)
  try {
    return await ceremony.run()
  } catch (error) {
    throw await ceremony.stopped(error)
  } finally {
    ceremony.close()
  }
}

class Ceremony {
  readonly #parameters: CeremonyParameters
  readonly #ceremonyId: CeremonyId
  readonly #startedAt = performance.now()
  #inbox: Inbox | undefined
  #bytesSent = 0
  #round = 0
  #missing: readonly PartyRole[]
  #shareLeft = false
  /** What the session said, when it was the session that stopped. */
  #verdict: MpcWalletError | undefined
  /** The session's own goodbyes, when it was the session that stopped. */
  #goodbyes: readonly Uint8Array[] | undefined

  constructor(parameters: CeremonyParameters) {
    this.#parameters = parameters
    this.#inbox = parameters.inbox
    this.#ceremonyId = toCeremonyId(parameters.session.sessionId)
    this.#missing = parameters.peers
  }

  async run(): Promise<CeremonyResult> {
    const { session, transport, initiated, ahead = false, stop } = this.#parameters
    if (initiated) {
      await stop.race(transport.open(session.descriptor, session.descriptorSignature))
    }
    const inbox = this.#inbox ?? new Inbox({ transport, sessionId: session.sessionId })
    this.#inbox = inbox
    const arrived = ahead ? [] : inbox.take()
    let outcome = await this.#call(() => session.begin(nowMs(), arrived))
    for (;;) {
      this.#observe(outcome)
      if (outcome.kind === 'done') return await this.#finish(outcome, inbox)
      if (outcome.kind === 'aborted') throw this.#judge(outcome)
      if (outcome.kind !== 'waiting') await this.#send(outcome)
      if (outcome.kind === 'confirm') outcome = await this.#confirm(outcome, inbox)
      else {
        await stop.race(inbox.arrival())
        await stop.race(settle()) // a flight is several envelopes: they are taken together
        outcome = await this.#receive(inbox)
      }
    }
  }

  /** Says goodbye and returns the error that the ceremony ends with. */
  async stopped(failure: unknown): Promise<MpcWalletError> {
    const error = this.#verdict ?? this.#stopError() ?? MpcWalletError.wrap(failure)
    await this.#sayGoodbye(error.code === 'CEREMONY_REFUSED')
    if (!this.#shareLeft) return error
    const { code, message, cause, culprits } = error
    return new MpcWalletError(code, `${message}; ${SHARE_HAD_LEFT}`, {
      ...(cause !== undefined && { cause }),
      ...(culprits !== undefined && { culprits }),
      signatureMayExist: true,
    })
  }

  /** Hands over all that has arrived. */
  #receive(inbox: Inbox): Promise<Reported> {
    const { session } = this.#parameters
    const arrived = inbox.take()
    return this.#call(() => session.receive(nowMs(), arrived))
  }

  close(): void {
    this.#inbox?.close()
    this.#parameters.session.dispose()
  }

  /**
   * One call of the session, and what it takes to make durable what the session must not go on
   * without.
   */
  async #call(step: () => Promise<RoundOutcome>): Promise<Reported> {
    const { session, records, steps, stop } = this.#parameters
    let outcome = await whileBusy(stop, () => this.#cancellable(step))
    while (outcome.kind === 'commit') {
      if (records === undefined)
        throw new MpcWalletError('INTERNAL', 'a session without records asked for a commit')
      const goOn = await records.settle(session, steps?.begins)
      // what is durable by now is said to the session, even if it then only says goodbye
      if (stop.signal.aborted) session.cancel()
      outcome = await whileBusy(undefined, () => this.#cancellable(goOn))
    }
    return outcome
  }

  /** A native call that stops when the ceremony has to. */
  async #cancellable(step: () => Promise<RoundOutcome>): Promise<RoundOutcome> {
    const { session, stop } = this.#parameters
    const cancel = (): void => session.cancel()
    stop.signal.addEventListener('abort', cancel, { once: true })
    try {
      return await step()
    } finally {
      stop.signal.removeEventListener('abort', cancel)
    }
  }

  /** Asks the operator, and goes on listening: a peer whose operator said no ends the wait. */
  async #confirm(proposal: Outcome<'confirm'>, inbox: Inbox): Promise<Reported> {
    const { session, stop, confirm } = this.#parameters
    if (confirm === undefined)
      throw new MpcWalletError('INTERNAL', 'a ceremony without an operator asked for one')
    let answer: boolean | undefined
    const asked = confirm(proposal, stop.signal).then((yes) => {
      answer = yes
    })
    for (;;) {
      await stop.race(Promise.race([asked, inbox.arrival()]))
      if (answer === false)
        throw new MpcWalletError('CEREMONY_REFUSED', 'the operator did not confirm the six words')
      if (answer === true) return await this.#call(() => session.confirm(nowMs(), proposal.words))
      const outcome = await this.#receive(inbox)
      if (outcome.kind !== 'confirm' && outcome.kind !== 'waiting') return outcome
      this.#observe(outcome)
    }
  }

  /** A process that ends from here on knows, when it starts again, what may have left. */
  async #noteShare(outcome: Reported): Promise<void> {
    const leaves = (outcome.kind === 'continue' || outcome.kind === 'done') && outcome.shareLeaves
    if (leaves) await this.#parameters.steps?.shareLeaves()
  }

  async #finish(outcome: Outcome<'done'>, inbox: Inbox): Promise<CeremonyResult> {
    await this.#noteShare(outcome)
    await this.#sendLast(outcome)
    return {
      ceremonyId: this.#ceremonyId,
      signatures: outcome.signatures,
      ...(outcome.wallet !== undefined && { wallet: outcome.wallet }),
      durationMs: performance.now() - this.#startedAt,
      bytesSent: this.#bytesSent,
      bytesReceived: inbox.bytesReceived,
    }
  }

  async #send(outcome: Outcome<'confirm' | 'continue' | 'done'>): Promise<void> {
    const { transport, stop } = this.#parameters
    stop.throwIfStopped()
    await this.#noteShare(outcome)
    for (const envelope of outcome.outgoing) {
      stop.throwIfStopped()
      this.#shareLeft ||= outcome.kind === 'continue' && outcome.shareLeaves
      await stop.race(transport.send(envelope)) // in order: a transport keeps it within one sender
      this.#bytesSent += envelope.length
    }
  }

  /**
   * Hands over what completes the peer's signature, or tells peers what everybody acknowledged. The
   * result exists and is verified: nothing stops this any more, and a transport that does not take it
   * costs nobody the result.
   */
  async #sendLast({ outgoing }: Outcome<'done'>): Promise<void> {
    const { transport, observer } = this.#parameters
    const send = async (): Promise<void> => {
      for (const envelope of outgoing) {
        await transport.send(envelope)
        this.#bytesSent += envelope.length
      }
    }
    let code: MpcWalletErrorCode = 'TRANSPORT_UNAVAILABLE'
    try {
      if (await isTakenInTime(send())) return
    } catch (error) {
      code = MpcWalletError.wrap(error).code
    }
    observer.undelivered({ ceremonyId: this.#ceremonyId, code })
  }

  #observe(outcome: Reported): void {
    const { kind, observer } = this.#parameters
    const rounds = ROUNDS[kind]
    const ceremonyId = this.#ceremonyId
    for (const { code, round, from } of outcome.dropped) {
      const role = roleOfIndex(from)
      observer.dropped({ ceremonyId, code, round, ...(role !== undefined && { from: role }) })
    }
    if (outcome.kind === 'waiting' || outcome.kind === 'continue') {
      this.#round = outcome.round
      this.#missing = Object.freeze([...outcome.missing])
    } else if (outcome.kind === 'done') {
      this.#round = rounds
      this.#missing = Object.freeze([])
    } else return
    observer.progress({ ceremonyId, kind, round: this.#round, rounds, missing: this.#missing })
  }

  #judge({ code, message, culprits, outgoing }: Outcome<'aborted'>): MpcWalletError {
    this.#goodbyes = outgoing
    const known = isErrorCode(code) ? code : 'INTERNAL'
    const verdict = new MpcWalletError(known, withNames(message, culprits), { culprits })
    // a session that was cancelled only says so; whatever else it found is not hidden by a stop
    if (known !== 'ABORTED') this.#verdict = verdict
    return verdict
  }

  #stopError(): MpcWalletError | undefined {
    const { kind, stop, initiated, peers } = this.#parameters
    if (!stop.timedOut) return stop.error
    const culprits = this.#missing
    const silent =
      kind === 'sign' && initiated && this.#round <= 1 && culprits.length === peers.length
    const [code, message] = silent
      ? ([
          'COSIGNER_OFFLINE',
          'the co-signer gave no answer in time; it may be off, or its operator may still be deciding',
        ] as const)
      : (['PROTOCOL_TIMEOUT', 'no answer in time'] as const)
    return new MpcWalletError(code, withNames(message, culprits), { culprits })
  }

  async #sayGoodbye(refused: boolean): Promise<void> {
    const { session, transport } = this.#parameters
    await sayGoodbye(transport, () => this.#goodbyes ?? session.abort(refused))
  }
}

function withNames(message: string, parties: readonly PartyRole[]): string {
  return parties.length === 0 ? message : `${message} (${parties.join(', ')})`
}

function nowMs(): bigint {
  return BigInt(Date.now())
}
