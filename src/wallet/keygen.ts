import { canonicalJson } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import {
  invalid,
  requireFunction,
  requireInteger,
  requireObject,
  requireSignal,
} from '../guards.js'
import { native, type Session, type Wallet } from '../native.js'
import { ALL_ROLES, type PartyRole } from '../party-role.js'
import { PolicyConfig, type PolicyRule } from '../policy/index.js'
import { requirePolicy } from '../policy/policy-config.js'
import {
  INVITATION_ROUND,
  readDescriptor,
  requireTransport,
  SessionKind,
  sessionIdOf,
  type Transport,
} from '../transport/index.js'
import { type CeremonyObserver, runCeremony } from './ceremony.js'
import { Emitter } from './emitter.js'
import type { CeremonyProgress, EnvelopeDropped, WalletEvents } from './events.js'
import { toCeremonyId } from './ids.js'
import { type Party, type PartyKeys, takePartyKeys } from './party.js'
import type { PartyRecords } from './party-records.js'
import { type PolicyDocument, readPolicy } from './policy-document.js'
import { Stop } from './stop.js'

const DEFAULT_TIMEOUT_MS = 10 * 60_000
const MAX_TIMEOUT_MS = 23 * 3_600_000
/** The session outlives the waiting, so that time always runs out here first, with culprits. */
const SESSION_GRACE_MS = 60_000
const MAX_CARD_LENGTH = 1_024

/** One party of the wallet that is being made. */
export interface ProposedParty {
  readonly role: PartyRole
  readonly identityKey: Uint8Array
}

/** What the operator of each party confirms before any key is made. */
export interface WalletProposal {
  /**
   * Six words over parties, policy and fresh randomness of all three. They must be the same at each
   * party.
   */
  readonly words: readonly string[]
  readonly parties: readonly ProposedParty[]
  /** The first policy of the wallet. */
  readonly policy: PolicyDocument
}

/**
 * How a party takes part in making a wallet. The same for the one that starts and the two that
 * join.
 */
export interface CreateWalletParameters {
  /** This party. */
  readonly party: Party
  /** The cards of all three parties, this one's included, in any order. */
  readonly cards: readonly string[]
  /** This party's transport. It stays the caller's to close. */
  readonly transport: Transport
  /**
   * The wallet's first policy. Whoever starts proposes it; a party that joins takes exactly its own
   * or, without one, what was proposed and its operator saw beside the words. Without rules a wallet
   * signs nothing.
   */
  readonly policy?: PolicyConfig
  /**
   * Shows the words to this party's operator and returns whether the other two operators see the
   * same. This is what keeps a stranger from being a party of the wallet: a program must not answer
   * it, except where one person runs all three.
   */
  readonly confirm: (
    proposal: WalletProposal,
    options: { readonly signal: AbortSignal },
  ) => boolean | Promise<boolean>
  readonly signal?: AbortSignal
  /** How long to wait for the other parties and their operators; ten minutes by default. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: CeremonyProgress) => void
  /** Envelopes and invitations that did not verify and were left aside. */
  readonly onDropped?: (dropped: EnvelopeDropped) => void
}

interface Keygen {
  readonly party: Party
  readonly cards: readonly Card[]
  readonly transport: Transport
  readonly confirm: CreateWalletParameters['confirm']
  readonly policy: PolicyConfig | undefined
  readonly signal: AbortSignal | undefined
  /** Aborted when the party is locked. */
  readonly ending: AbortSignal
  readonly timeoutMs: number
  readonly observer: CeremonyObserver
}

/** A card that was read. @internal */
export interface Card extends ProposedParty {
  readonly bytes: Uint8Array
}

/** A wallet that was made, and the checked transport that it was made over. @internal */
export interface NewWallet {
  readonly wallet: Wallet
  readonly transport: Transport
  readonly records: PartyRecords | undefined
  /** Rules in code that this party runs. */
  readonly rules: readonly PolicyRule[]
}

/** Starts a key generation. @internal */
export async function createNativeWallet(
  parameters: CreateWalletParameters,
  ending: AbortSignal,
): Promise<NewWallet> {
  const keygen = { ...readParameters(parameters), ending }
  return await run(keygen, true, async ({ identity, pairing, store }) =>
    native.Session.createWallet(
      identity,
      pairing,
      bytesOfCards(keygen.cards),
      canonicalJson('policy', (keygen.policy ?? new PolicyConfig()).toJSON()),
      store,
      BigInt(Date.now()),
      keygen.timeoutMs + SESSION_GRACE_MS,
    ),
  )
}

/** Waits for the key generation that another party starts, and takes part. @internal */
export async function joinNativeWallet(
  parameters: CreateWalletParameters,
  ending: AbortSignal,
): Promise<NewWallet> {
  const keygen = { ...readParameters(parameters), ending }
  return await run(keygen, false, (keys, stop) => joinSession(keygen, keys, stop))
}

async function run(
  keygen: Keygen,
  initiated: boolean,
  open: (keys: PartyKeys, stop: Stop) => Promise<Session>,
): Promise<NewWallet> {
  const { party, transport, observer } = keygen
  using stop = new Stop({
    timeoutMs: keygen.timeoutMs,
    caller: keygen.signal,
    owner: keygen.ending,
  })
  try {
    stop.throwIfStopped()
    const keys = takePartyKeys(party)
    const session = await open(keys, stop)
    const { wallet } = await runCeremony({
      kind: 'keygen',
      session,
      transport,
      records: keys.records,
      peers: ALL_ROLES.filter((role) => role !== party.role),
      initiated,
      stop,
      confirm: ({ words, policy }, signal) =>
        askOperator(keygen, { words: Object.freeze([...words]), policy }, signal),
      observer,
    })
    if (wallet === undefined)
      throw new MpcWalletError('INTERNAL', 'a key generation gave no wallet')
    const begun = wallet.begin(false, BigInt(Date.now()))
    if (begun.writes.length > 0) await keys.records?.commit(begun)
    return { wallet, transport, records: keys.records, rules: keygen.policy?.customRules ?? [] }
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

async function joinSession(keygen: Keygen, keys: PartyKeys, stop: Stop): Promise<Session> {
  const invitations = keygen.transport.invitations()[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await stop.race(invitations.next())
      if (next.done === true) throw new MpcWalletError('SESSION_CLOSED', 'the transport was closed')
      const { descriptor, signature } = next.value
      if (!isForCommittee(descriptor, keygen)) continue
      try {
        return native.Session.joinWallet(
          keys.identity,
          keys.pairing,
          bytesOfCards(keygen.cards),
          keygen.policy && canonicalJson('policy', keygen.policy.toJSON()),
          keys.store,
          descriptor,
          signature,
          BigInt(Date.now()),
        )
      } catch (error) {
        const { code } = MpcWalletError.wrap(error)
        const ceremonyId = toCeremonyId(sessionIdOf(descriptor))
        keygen.observer.dropped({ ceremonyId, code, round: INVITATION_ROUND })
      }
    }
  } finally {
    // not awaited: an implementation may settle it only with its next invitation
    invitations.return?.()?.catch(() => {})
  }
}

/** Whether a descriptor is of a key generation of exactly these three, started by another one. */
function isForCommittee(descriptor: Uint8Array, { cards, party }: Keygen): boolean {
  try {
    const { kind, participants, initiator } = readDescriptor(descriptor)
    const everybody = cards.every((card) =>
      participants.some(({ identityKey }) => Buffer.compare(identityKey, card.identityKey) === 0),
    )
    const starter = participants.find(({ index }) => index === initiator)
    const own =
      starter !== undefined && Buffer.compare(starter.identityKey, party.identityKey) === 0
    return kind === SessionKind.Keygen && participants.length === cards.length && everybody && !own
  } catch {
    return false // bytes of another layout are nobody's invitation
  }
}

async function askOperator(
  { confirm, cards }: Keygen,
  { words, policy }: { words: readonly string[]; policy: Uint8Array },
  signal: AbortSignal,
): Promise<boolean> {
  const parties = cards.map(({ role, identityKey }) => ({ role, identityKey }))
  const proposal = { words, parties, policy: readPolicy(policy) }
  try {
    return (await confirm(proposal, { signal })) === true
  } catch (error) {
    throw new MpcWalletError('CEREMONY_REFUSED', 'confirm failed', { cause: error })
  }
}

function readParameters(parameters: CreateWalletParameters): Omit<Keygen, 'ending'> {
  const { party, transport, cards, confirm, policy, signal, timeoutMs } = requireObject(
    'parameters',
    parameters,
  )
  return {
    party,
    cards: readCards(cards, party),
    transport: requireTransport('transport', transport),
    confirm: requireFunction('confirm', confirm),
    policy: requirePolicy('policy', policy),
    signal: requireSignal('signal', signal),
    timeoutMs: requireInteger('timeoutMs', timeoutMs ?? DEFAULT_TIMEOUT_MS, {
      min: 1,
      max: MAX_TIMEOUT_MS,
    }),
    observer: observeCeremony(parameters),
  }
}

/** Through an emitter: a callback that only watches must not decide how a ceremony ends. @internal */
export function observeCeremony({
  onProgress,
  onDropped,
}: Pick<CreateWalletParameters, 'onProgress' | 'onDropped'>): CeremonyObserver {
  const events = new Emitter<WalletEvents>()
  if (onProgress !== undefined) events.on('ceremony', requireFunction('onProgress', onProgress))
  if (onDropped !== undefined) events.on('envelopeDropped', requireFunction('onDropped', onDropped))
  return {
    progress: (progress) => events.emit('ceremony', progress),
    dropped: (dropped) => events.emit('envelopeDropped', dropped),
    undelivered: () => {},
  }
}

/** The cards of all three parties. @internal */
export function readCards(cards: unknown, party: Party): Card[] {
  if (!Array.isArray(cards) || cards.length !== ALL_ROLES.length)
    throw invalid('cards', 'must be the cards of all three parties')
  const read = cards.map((card, position) => readCard(`cards[${position}]`, card))
  for (const role of ALL_ROLES)
    if (!read.some((card) => card.role === role)) throw invalid('cards', `none is of the ${role}`)
  if (!cards.includes(party.card)) throw invalid('cards', "must include this party's own")
  return read
}

/** @internal */
export function readCard(field: string, card: unknown): Card {
  if (typeof card !== 'string' || card.length > MAX_CARD_LENGTH || !/^[\w-]+$/.test(card))
    throw invalid(field, 'must be a card as base64url text')
  const bytes = new Uint8Array(Buffer.from(card, 'base64url'))
  try {
    const { role, identityKey } = native.readCard(bytes)
    return { bytes, role, identityKey }
  } catch (error) {
    throw new MpcWalletError('INVALID_INPUT', `${field}: does not verify`, { cause: error })
  }
}

/** @internal */
export function bytesOfCards(cards: readonly Card[]): Uint8Array[] {
  return cards.map(({ bytes }) => bytes)
}
