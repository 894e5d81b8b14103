/** One party that knows the others only by messages, wherever they run. */
import { randomUUID } from 'node:crypto'
import {
  Identity,
  Invitation,
  type Pairing,
  type PayloadInput,
  type Role,
  type RoundOutcome,
  Session,
  type SignatureOutput,
  Store,
  type Wallet,
} from '#native'
import { authorizationIn, envelopesOf, MINUTE, NOW, PERMISSIVE } from './native-committee.js'
import { sessionOf } from './native-envelope.js'

/** A descriptor with its signature, as the initiator opens it on a transport. */
export interface Opened {
  readonly descriptor: Uint8Array
  readonly signature: Uint8Array
}

/** What a party is told. */
export type ToParty =
  | { readonly kind: 'start key generation'; readonly cards: Uint8Array[] }
  | { readonly kind: 'join key generation'; readonly cards: Uint8Array[]; readonly opened: Opened }
  | { readonly kind: 'words confirmed' }
  | { readonly kind: 'envelope'; readonly envelope: Uint8Array }
  | { readonly kind: 'invitation'; readonly opened: Opened; readonly round0: Uint8Array }
  | {
      readonly kind: 'sign'
      readonly payload: PayloadInput
      readonly path: number[]
      readonly cosigner: Role
      readonly memo: string
    }

/** What a party says. */
export type FromParty =
  | { readonly kind: 'card'; readonly card: Uint8Array; readonly process: number }
  | { readonly kind: 'opened'; readonly opened: Opened }
  | { readonly kind: 'words'; readonly words: string[] }
  | { readonly kind: 'envelope'; readonly envelope: Uint8Array }
  | { readonly kind: 'wallet'; readonly publicKey: Uint8Array; readonly chainCode: Uint8Array }
  | { readonly kind: 'asked'; readonly from: Role; readonly memo: string; readonly payload: string }
  | { readonly kind: 'signature'; readonly signature: SignatureOutput }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export class Party {
  readonly #identity: Identity
  readonly #pairing: Pairing
  readonly #store = new Store()
  readonly #say: (message: FromParty) => void
  readonly #sessions = new Map<string, Session>()
  #words: { readonly session: Session; readonly words: string[] } | undefined
  #wallet: Wallet | undefined
  #last: Promise<void> = Promise.resolve()

  /** Says its card at once. */
  constructor(role: Role, say: (message: FromParty) => void) {
    this.#identity = Identity.generate(role)
    this.#pairing = this.#identity.createPairing()
    this.#say = say
    say({ kind: 'card', card: this.#pairing.card, process: process.pid })
  }

  /** Messages are answered one after the other, in their order. */
  tell(message: ToParty): void {
    this.#last = this.#last
      .then(() => this.#answer(message))
      .catch(({ code, message }) => this.#say({ kind: 'failed', code, message }))
  }

  async #answer(message: ToParty): Promise<void> {
    switch (message.kind) {
      case 'start key generation':
        return await this.#open(this.#createWallet(message.cards))
      case 'join key generation':
        return await this.#begin(this.#joinWallet(message.cards, message.opened))
      case 'words confirmed':
        return await this.#confirm()
      case 'envelope': {
        const session = this.#sessions.get(sessionOf(message.envelope))
        if (session) await this.#take(session, await session.receive(NOW, [message.envelope]))
        return
      }
      case 'invitation':
        return await this.#begin(await this.#accept(message.opened, message.round0))
      case 'sign':
        return await this.#open(this.#sign(message))
    }
  }

  #createWallet(cards: Uint8Array[]): Session {
    return Session.createWallet(
      ...([this.#identity, this.#pairing, cards, PERMISSIVE, this.#store, NOW, MINUTE] as const),
    )
  }

  #joinWallet(cards: Uint8Array[], { descriptor, signature }: Opened): Session {
    return Session.joinWallet(
      ...([this.#identity, this.#pairing, cards, undefined, this.#store] as const),
      ...([descriptor, signature, NOW] as const),
    )
  }

  #sign({ payload, path, cosigner, memo }: Extract<ToParty, { kind: 'sign' }>): Session {
    const wallet = this.#required(this.#wallet)
    const request = { requester: wallet.role, cosigner, idempotencyKey: randomUUID() }
    const reading = wallet.read([payload], [path], NOW)
    const decided = wallet.authorize(reading, request, '[]', '[]', NOW, MINUTE)
    return Session.sign(wallet, authorizationIn(decided), cosigner, memo, NOW, MINUTE)
  }

  async #accept({ descriptor, signature }: Opened, round0: Uint8Array): Promise<Session> {
    const wallet = this.#required(this.#wallet)
    const invitation = await Invitation.open(wallet, descriptor, signature, round0, NOW)
    const { from, memo } = invitation
    this.#say({ kind: 'asked', from, memo, payload: invitation.describe(0) })
    const decided = invitation.authorize(wallet, '[]', '[]', NOW)
    return Session.join(wallet, invitation, authorizationIn(decided), NOW)
  }

  async #confirm(): Promise<void> {
    const { session, words } = this.#required(this.#words)
    await this.#take(session, await session.confirm(NOW, words))
  }

  /** Begins a session of this party's own, which the others hear of before its envelopes. */
  async #open(session: Session): Promise<void> {
    const { descriptor, descriptorSignature: signature } = session
    this.#say({ kind: 'opened', opened: { descriptor, signature } })
    await this.#begin(session)
  }

  async #begin(session: Session): Promise<void> {
    this.#sessions.set(Buffer.from(session.sessionId).toString('hex'), session)
    await this.#take(session, await session.begin(NOW, []))
  }

  async #take(session: Session, outcome: RoundOutcome): Promise<void> {
    for (const envelope of envelopesOf(outcome)) this.#say({ kind: 'envelope', envelope })
    if (outcome.kind === 'confirm') {
      this.#words = { session, words: outcome.words }
      this.#say({ kind: 'words', words: outcome.words })
    }
    if (outcome.kind === 'aborted')
      this.#say({ kind: 'failed', code: outcome.code, message: outcome.message })
    if (outcome.kind === 'done') {
      // what still comes, such as another's certificate, finds nobody
      this.#sessions.delete(Buffer.from(session.sessionId).toString('hex'))
      this.#finish(outcome)
    }
  }

  #finish({ wallet, signatures }: Extract<RoundOutcome, { kind: 'done' }>): void {
    if (wallet) {
      this.#wallet = wallet
      const { publicKey, chainCode } = wallet
      this.#say({ kind: 'wallet', publicKey, chainCode })
    }
    for (const signature of signatures) this.#say({ kind: 'signature', signature })
  }

  #required<Value>(value: Value | undefined): Value {
    if (value === undefined) throw new Error('told too early')
    return value
  }
}
