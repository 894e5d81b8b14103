import type { AuditLog } from '../audit/index.js'
import { canonicalBytes, type Json } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { invalid, requireInteger } from '../guards.js'
import { type Hex, isHash, toHex } from '../hex.js'
import { Serial } from '../serial.js'
import type { KeyShareStore, StoreWrite } from '../storage/index.js'
import { taggedHash } from '../tagged-hash.js'
import { Attempt, type LedgerContext, type SigningAttempt } from './attempt.js'
import {
  type LedgerRequest,
  type LedgerSide,
  moved,
  type RequestId,
  type StateDetails,
} from './ledger-request.js'
import { pruneRequests } from './prune-requests.js'
import {
  type CountLostVerdicts,
  type Recovery,
  recoverAfterRestart,
} from './recover-after-restart.js'
import { interrupted, storedError } from './request-failure.js'
import { isName, placeOf, putRequest, requestPrefix } from './request-record.js'
import { RequestRecords } from './request-records.js'
import { hasResult, type RequestState, TRANSITIONS } from './request-state.js'
import { parseSession, sessionStoreId } from './session-record.js'

const DEFAULT_RETENTION_MS = 90 * 24 * 60 * 60 * 1_000
const DEFAULT_MAX_REQUESTS = 4_096

/** Where a ledger is kept, and how much of it. */
export interface OpenRequestLedgerParameters {
  readonly store: KeyShareStore
  /** In the same store: a change and its entry are one commit. */
  readonly audit: AuditLog
  readonly walletId: Hex
  readonly now?: () => number
  /** Requests of one principal, finished ones included; 4,096 by default. */
  readonly maxRequests?: number
  /** How long a finished request answers for its key; 90 days by default. */
  readonly retentionMs?: number
}

/** What is to be signed, and under which key. */
export interface ProposedRequest {
  readonly side: LedgerSide
  /**
   * Whose key it is: 1 to 128 characters. At the co-signing side the asking party's identity key.
   */
  readonly principal: string
  /** The idempotency key: 1 to 128 characters. At the co-signing side the session id. */
  readonly key: string
  /** Nobody asks with this key again: the oldest that ended make room for others of their principal. */
  readonly disposable?: boolean
  /**
   * Everything that makes it this request and no other: chain, path, unsigned bytes, co-signer,
   * memo. Compared in canonical form; what may differ between two tries has no place in it.
   */
  readonly proposal: Json
}

/** A signature, from a ceremony or from the ledger. */
export interface RequestOutcome {
  readonly requestId: RequestId
  readonly result: Json
  /** Whether no ceremony ran for this call. */
  readonly replayed: boolean
}

/** Which requests to list: all, or those of one principal or state. */
export interface RequestFilter {
  readonly side?: LedgerSide
  readonly principal?: string
  readonly state?: RequestState
}

/** What the ledger holds, and what of it cannot be read. */
export interface RequestList {
  /** By the time of their creation. */
  readonly requests: readonly LedgerRequest[]
  readonly damaged: readonly MpcWalletError[]
}

/** What somebody found out about a request whose outcome was unknown. */
export type Conclusion =
  /** Its signature exists, and is this. */
  | { readonly state: 'confirmed'; readonly result: Json }
  /** Nothing of it can ever take effect any more. */
  | { readonly state: 'failed' | 'expired'; readonly reason: string }

interface Running {
  readonly proposalHash: Hex
  readonly outcome: Promise<RequestOutcome>
}

/**
 * Opens the request ledger of one wallet.
 *
 * Call {@link RequestLedger.recoverAfterRestart} before the first request.
 */
export async function openRequestLedger(
  parameters: OpenRequestLedgerParameters,
): Promise<RequestLedger> {
  const { store, walletId } = parameters
  if (!isHash(walletId)) throw invalid('walletId', 'must be 32 bytes as 0x text')
  return new RequestLedger(parameters, await store.list(requestPrefix(walletId)))
}

/**
 * Remembers what was asked for, so that one thing is signed once however often it is asked for, and
 * so that a crash leaves no doubt about what may have left this machine.
 */
export class RequestLedger {
  readonly #context: LedgerContext
  readonly #maxRequests: number
  readonly #retentionMs: number
  readonly #records: RequestRecords
  readonly #running = new Map<RequestId, Running>()
  readonly #serial = new Serial()
  #recovered = false

  /** @internal */
  constructor(parameters: OpenRequestLedgerParameters, ids: readonly string[]) {
    const { store, audit, walletId, now = Date.now } = parameters
    const { maxRequests = DEFAULT_MAX_REQUESTS, retentionMs = DEFAULT_RETENTION_MS } = parameters
    this.#context = { store, audit, walletId, now }
    this.#maxRequests = requireInteger('maxRequests', maxRequests, { min: 1, max: 1_000_000 })
    this.#retentionMs = requireInteger('retentionMs', retentionMs, {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    })
    this.#records = new RequestRecords(this.#context, ids)
  }

  /**
   * Signs what is proposed, once: `sign` runs a ceremony and returns its signature, which is kept.
   * The same key and proposal give the same answer again; calls at the same time wait for the one
   * that runs.
   *
   * @throws {@link MpcWalletError} what `sign` threw, now or before; `IDEMPOTENCY_CONFLICT` if the
   * key is another proposal's; `OUTCOME_UNKNOWN` if an earlier attempt may have made a signature;
   * `LEDGER_CORRUPT`, `LEDGER_FULL`; `SESSION_BUSY` before {@link RequestLedger.recoverAfterRestart}.
   */
  async request(
    proposed: ProposedRequest,
    sign: (attempt: SigningAttempt) => Promise<Json>,
  ): Promise<RequestOutcome> {
    if (!this.#recovered)
      throw new MpcWalletError('SESSION_BUSY', 'recovery comes before the first request')
    const fresh = this.#readProposed(proposed)
    const { requestId, proposalHash } = fresh
    const running = this.#running.get(requestId)
    if (running !== undefined) {
      requireSame(running, proposalHash)
      return { ...(await running.outcome), replayed: true }
    }
    const disposable = proposed.disposable === true || fresh.side === 'cosigner'
    const outcome = this.#settle(fresh, disposable, sign).finally(() =>
      this.#running.delete(requestId),
    )
    this.#running.set(requestId, { proposalHash, outcome })
    return await outcome
  }

  /**
   * One request, `undefined` where there is none.
   *
   * @throws {@link MpcWalletError} `LEDGER_CORRUPT` if its record cannot be read.
   */
  async get(requestId: RequestId): Promise<LedgerRequest | undefined> {
    return await this.#records.get(requestId)
  }

  /** Reads the requests of this wallet; damaged records hide none of the others. */
  async list({ side, principal, state }: RequestFilter = {}): Promise<RequestList> {
    const { requests, damaged } = await this.#records.loadAll()
    const asked = requests.filter(
      (request) =>
        (side === undefined || request.side === side) &&
        (principal === undefined || request.principal === principal) &&
        (state === undefined || request.state === state),
    )
    return {
      requests: asked.sort((left, right) => left.createdAtMs - right.createdAtMs),
      damaged,
    }
  }

  /**
   * Ends the sessions that an unclean stop left open: their requests are `failed` if nothing had
   * left, else `unknown`. Ceremonies are never resumed.
   *
   * `count` gives the writes that count the lost verdicts against their peers. They are in the
   * commit that ends the sessions, so that each is counted exactly once.
   *
   * @throws {@link MpcWalletError} `SESSION_BUSY` once it was done.
   */
  async recoverAfterRestart(count: CountLostVerdicts): Promise<Recovery> {
    return await this.#serial.run(async () => {
      if (this.#recovered)
        throw new MpcWalletError('SESSION_BUSY', 'the open sessions are of this process')
      const recovery = await recoverAfterRestart(this.#context, this.#records, count)
      this.#recovered = true
      return recovery
    })
  }

  /**
   * Says how a request ended whose outcome was unknown, after somebody looked at the chain. Its key
   * answers with that from then on.
   *
   * @throws {@link MpcWalletError} `INVALID_INPUT` if its outcome is not unknown.
   */
  async conclude(requestId: RequestId, conclusion: Conclusion): Promise<LedgerRequest> {
    return await this.#serial.run(async () => {
      const request = await this.#records.get(requestId)
      if (request?.state !== 'unknown')
        throw invalid('requestId', 'must name a request whose outcome is unknown')
      if (!TRANSITIONS.unknown.includes(conclusion.state))
        throw invalid('state', `must be one of ${TRANSITIONS.unknown.join(', ')}`)
      return await this.#move(request, conclusion.state, detailsOf(request, conclusion))
    })
  }

  /**
   * Forgets requests that ended, or were never begun, longer ago than the retention time. Their
   * keys are free again. Returns how many.
   */
  async prune(): Promise<number> {
    return await this.#serial.run(async () => {
      let count = 0
      for (const lane of this.#records.lanes) count += await this.#prune(lane)
      return count
    })
  }

  async #settle(
    fresh: LedgerRequest,
    disposable: boolean,
    sign: (attempt: SigningAttempt) => Promise<Json>,
  ): Promise<RequestOutcome> {
    const { requestId, proposalHash } = fresh
    // in turn, so that it is not read while it is being forgotten
    let request = await this.#serial.run(() => this.#records.load(placeOf(fresh)))
    const isNew = request === undefined
    if (request === undefined) request = await this.#admit(fresh, disposable)
    requireSame(request, proposalHash)
    if (request.state === 'signing') request = await this.#endInterrupted(request)
    if (hasResult(request.state))
      return { requestId, result: request.result ?? null, replayed: true }
    if (request.failure?.retryable === true) request = await this.#move(request, 'created')
    if (request.failure !== undefined) throw storedError(request)
    return { requestId, result: await this.#attempt(request, isNew, sign), replayed: false }
  }

  async #attempt(
    request: LedgerRequest,
    isNew: boolean,
    sign: (attempt: SigningAttempt) => Promise<Json>,
  ): Promise<Json> {
    const attempt = new Attempt(this.#context, request, isNew)
    let result: Json
    try {
      result = await sign(attempt)
    } catch (cause) {
      const error = MpcWalletError.wrap(cause)
      throw await attempt.stopped(error).catch((failure) => {
        if (!attempt.isWritten) this.#records.remove(placeOf(request))
        throw unwritten(new AggregateError([error, failure]), attempt.shareLeft)
      })
    }
    return await attempt.signed(result).catch((failure) => {
      throw unwritten(failure, true)
    })
  }

  /** Keeps a place for a request. It is written with the first that happens to it. */
  async #admit(fresh: LedgerRequest, disposable: boolean): Promise<LedgerRequest> {
    const place = placeOf(fresh)
    if (this.#isFull(place.lane))
      await this.#serial.run(() => this.#makeRoom(place.lane, disposable))
    if (this.#isFull(place.lane))
      throw new MpcWalletError(
        'LEDGER_FULL',
        `the ledger holds ${this.#maxRequests} requests of this principal`,
      )
    this.#records.add(place) // calls at the same time count too
    return fresh
  }

  /** For an attempt of this process whose end could not be written. */
  async #endInterrupted(request: LedgerRequest): Promise<LedgerRequest> {
    const { store, walletId } = this.#context
    if (request.session === undefined) throw new MpcWalletError('INTERNAL', 'signing with nobody')
    const id = sessionStoreId(walletId, request.session)
    const session = parseSession(request.session, (await store.load(id)) ?? new Uint8Array())
    // without its record nobody can say that nothing left
    const { state, failure } = interrupted(request.side, session?.shareLeft ?? true)
    return await this.#move(request, state, { failure }, [{ kind: 'delete', id }])
  }

  /** Whoever fills a lane as a peer must not make this party deaf: the oldest of its own go. */
  async #makeRoom(lane: string, disposable: boolean): Promise<void> {
    await this.#prune(lane)
    if (disposable && this.#isFull(lane)) await this.#prune(lane, Math.ceil(this.#maxRequests / 4))
  }

  #prune(lane: string, oldest = 0): Promise<number> {
    return pruneRequests(this.#context, this.#records, {
      lane,
      unchangedSinceMs: this.#context.now() - this.#retentionMs,
      oldest,
      isRunning: (requestId) => this.#running.has(requestId),
    })
  }

  async #move(
    request: LedgerRequest,
    state: RequestState,
    details?: StateDetails,
    more: readonly StoreWrite[] = [],
  ): Promise<LedgerRequest> {
    const { audit, walletId, now } = this.#context
    const next = moved(request, state, now(), details)
    const { requestId } = request
    const kind = state === 'created' ? 'request.retried' : `request.${state}`
    await audit.append({ kind, walletId, facts: { requestId } }, [putRequest(next), ...more])
    return next
  }

  #isFull(lane: string): boolean {
    return this.#records.sizeOf(lane) >= this.#maxRequests
  }

  #readProposed({ side, principal, key, proposal }: ProposedRequest): LedgerRequest {
    if (side !== 'initiator' && side !== 'cosigner')
      throw invalid('side', 'must be initiator or cosigner')
    if (!isName(principal)) throw invalid('principal', 'must be 1 to 128 characters')
    if (!isName(key)) throw invalid('key', 'must be 1 to 128 characters')
    const { walletId, now } = this.#context
    const scope = { walletId, side, principal, key }
    const { requestId } = placeOf(scope)
    const canonical = canonicalBytes('proposal', proposal)
    const proposalHash = toHex(taggedHash('doc/proposal', canonical))
    const [createdAtMs, updatedAtMs] = [now(), now()]
    return { requestId, ...scope, proposalHash, state: 'created', createdAtMs, updatedAtMs }
  }
}

function requireSame({ proposalHash }: { readonly proposalHash: Hex }, asked: Hex): void {
  if (proposalHash !== asked)
    throw new MpcWalletError('IDEMPOTENCY_CONFLICT', 'this key is of another request')
}

function detailsOf({ failure }: LedgerRequest, conclusion: Conclusion): StateDetails {
  if (conclusion.state === 'confirmed') return { result: conclusion.result }
  const code = failure?.code ?? 'OUTCOME_UNKNOWN'
  return { failure: { code, message: conclusion.reason, retryable: false } }
}

function unwritten(cause: unknown, signatureMayExist: boolean): MpcWalletError {
  const message = 'the outcome of a request could not be written'
  return new MpcWalletError('STORE_UNAVAILABLE', message, { cause, signatureMayExist })
}
