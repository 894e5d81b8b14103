import type { AuditLog } from '../audit/index.js'
import { canonicalJson, type Json } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { invalid } from '../guards.js'
import type { Hex } from '../hex.js'
import type { KeyShareStore, StoreWrite } from '../storage/index.js'
import {
  type LedgerRequest,
  moved,
  type RequestId,
  type SessionName,
  type StateDetails,
} from './ledger-request.js'
import { endingOf, withDoubt } from './request-failure.js'
import {
  encodeRequest,
  isSessionName,
  placeOf,
  putRequest,
  requestStoreId,
} from './request-record.js'
import type { RequestState } from './request-state.js'
import { encodeSession, type OpenSession, sessionStoreId } from './session-record.js'

/** What a ledger works with. */
export interface LedgerContext {
  readonly store: KeyShareStore
  readonly audit: AuditLog
  readonly walletId: Hex
  readonly now: () => number
}

/** What a ceremony tells the ledger, each time before it goes on. */
export interface SigningAttempt {
  readonly requestId: RequestId
  /**
   * Must resolve before the session's first message leaves. A second session of one attempt ends
   * the first, whose share must not have left. What `alongWith` writes is in the same commit.
   */
  openSession(session: SessionName, alongWith?: readonly StoreWrite[]): Promise<void>
  /** Must resolve before this party's share of the signature leaves. */
  shareLeaves(alongWith?: readonly StoreWrite[]): Promise<void>
}

/** One run of a request, from `created` to its end. @internal */
export class Attempt implements SigningAttempt {
  readonly #context: LedgerContext
  #request: LedgerRequest
  #session: OpenSession | undefined
  #isWritten: boolean

  constructor(context: LedgerContext, request: LedgerRequest, isNew: boolean) {
    this.#context = context
    this.#request = request
    this.#isWritten = !isNew
  }

  /** Whether anything of the request is on disk. */
  get isWritten(): boolean {
    return this.#isWritten
  }

  get requestId(): RequestId {
    return this.#request.requestId
  }

  /** Whether it is on disk that this party's share of the signature left. */
  get shareLeft(): boolean {
    return this.#session?.shareLeft === true
  }

  async openSession(name: SessionName, alongWith: readonly StoreWrite[] = []): Promise<void> {
    if (!isSessionName(name)) throw invalid('session', 'must name a session and a peer')
    const before = this.#session
    if (before?.shareLeft === true)
      throw new MpcWalletError('INTERNAL', 'a share has left: this request has no further session')
    const { requestId } = this
    const { walletId, now } = this.#context
    const session = { ...name, requestId, startedAtMs: now(), shareLeft: false }
    const request =
      before === undefined
        ? moved(this.#request, 'signing', now(), { session: name })
        : { ...this.#request, updatedAtMs: now(), session: name }
    await this.#write(request, 'request.signing', { ...name }, [
      ...(before === undefined ? [] : [this.#deletion(before)]),
      { kind: 'create', id: sessionStoreId(walletId, name), value: encodeSession(session) },
      ...alongWith,
    ])
    this.#session = session
  }

  async shareLeaves(alongWith: readonly StoreWrite[] = []): Promise<void> {
    const session = this.#session
    if (session === undefined)
      throw new MpcWalletError('INTERNAL', 'a share cannot leave without an open session')
    const { audit, walletId } = this.#context
    const left = { ...session, shareLeft: true }
    const id = sessionStoreId(walletId, session)
    const { requestId, sessionId } = session
    await audit.append({ kind: 'request.shareLeft', walletId, facts: { requestId, sessionId } }, [
      { kind: 'put', id, value: encodeSession(left) },
      ...alongWith,
    ])
    this.#session = left
  }

  /** The signature exists, is verified, and is kept. */
  async signed(result: Json): Promise<Json> {
    const kept: Json = JSON.parse(canonicalJson('result', result))
    await this.#end('signed', { result: kept })
    return kept
  }

  /** There is no signature, or none that this party holds. Returns what to throw. */
  async stopped(error: MpcWalletError): Promise<MpcWalletError> {
    const { state, failure } = endingOf(error, this.#request, this.shareLeft)
    await this.#end(state, { failure })
    return state === 'unknown' ? withDoubt(error) : error
  }

  async #end(state: RequestState, details: StateDetails): Promise<void> {
    const request = moved(this.#request, state, this.#context.now(), details)
    const session = this.#session
    const facts = {
      ...(session && { sessionId: session.sessionId }),
      ...(details.failure && { code: details.failure.code }),
    }
    await this.#write(request, `request.${state}`, facts, session ? [this.#deletion(session)] : [])
  }

  async #write(
    request: LedgerRequest,
    kind: string,
    facts: { readonly [name: string]: Json },
    more: readonly StoreWrite[],
  ): Promise<void> {
    const { requestId } = request
    const { audit, walletId } = this.#context
    // in one turn, so that they share a commit
    const created = this.#isWritten ? undefined : this.#create()
    const written = audit.append({ kind, walletId, facts: { requestId, ...facts } }, [
      putRequest(request),
      ...more,
    ])
    await Promise.all([created, written])
    this.#isWritten = true
    this.#request = request
  }

  #create(): Promise<unknown> {
    const { requestId, side, principal, proposalHash } = this.#request
    const { audit, walletId } = this.#context
    const facts = { requestId, side, principal, proposalHash }
    const id = requestStoreId(walletId, placeOf(this.#request))
    return audit.append({ kind: 'request.created', walletId, facts }, [
      { kind: 'create', id, value: encodeRequest(this.#request) },
    ])
  }

  #deletion(session: SessionName): StoreWrite {
    return { kind: 'delete', id: sessionStoreId(this.#context.walletId, session) }
  }
}
