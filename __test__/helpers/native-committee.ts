/** Real ceremonies between parties in one process, at the level of the native binding. */
import {
  type Authorization,
  type Decided,
  Identity,
  Invitation,
  type Pairing,
  type PayloadInput,
  type Reading,
  type RequestInput,
  type Role,
  type RoundOutcome,
  Session,
  type SignatureOutput,
  Store,
  type Wallet,
} from '#native'
import { recipientOf, roundOf } from './native-envelope.js'
import type { Steps } from './native-sealed.js'

export const ROLES = ['agent', 'user', 'recovery'] as const satisfies readonly Role[]

/** Who may sign with whom. */
export const PAIRS = [
  ['agent', 'user'],
  ['agent', 'recovery'],
  ['user', 'recovery'],
] as const satisfies readonly (readonly [Role, Role])[]

/** Every party's clock. */
export const NOW = 1_798_761_600_000n
export const MINUTE = 60_000

/** A config that signs whatever can be read, for every pair. */
export const PERMISSIVE = '{"permissive":true,"schema":"mpc-wallet/policy-config@1"}'
/** A config that decided nothing: it signs nothing. */
export const NO_RULES = '{"schema":"mpc-wallet/policy-config@1"}'

/** A config that signs one {@link PAYMENT} a day, not two. */
export const ONE_A_DAY = JSON.stringify({
  rules: [
    {
      asset: 'eip155:1/slip44:60',
      daily: '1500000000000000000',
      id: 'daily',
      type: 'spendingLimits',
    },
  ],
  schema: 'mpc-wallet/policy-config@1',
})

export type Each<Value> = Readonly<Record<Role, Value>>

export function each<Value>(make: (role: Role) => Value): Each<Value> {
  return { agent: make('agent'), user: make('user'), recovery: make('recovery') }
}

/** What three parties have before they have a wallet. */
export interface Strangers {
  readonly identities: Each<Identity>
  readonly pairings: Each<Pairing>
  readonly cards: Uint8Array[]
  readonly stores: Each<Store>
}

export function strangers(): Strangers {
  const identities = each((role) => Identity.generate(role))
  const pairings = each((role) => identities[role].createPairing())
  return {
    identities,
    pairings,
    cards: ROLES.map((role) => pairings[role].card),
    stores: each(() => new Store()),
  }
}

/** The agent starts a key generation with a policy's config, the others join whatever it decided. */
export function keygenOf(
  { identities, pairings, cards, stores }: Strangers,
  policy: string = PERMISSIVE,
): Each<Session> {
  const agent = Session.createWallet(
    ...([identities.agent, pairings.agent, cards, policy, stores.agent, NOW, MINUTE] as const),
  )
  const join = (role: Role): Session =>
    Session.joinWallet(
      identities[role],
      pairings[role],
      cards,
      undefined,
      stores[role],
      agent.descriptor,
      agent.descriptorSignature,
      NOW,
    )
  return { agent, user: join('user'), recovery: join('recovery') }
}

/** A wallet that three parties have just made. */
export async function committee(policy: string = PERMISSIVE): Promise<Each<Wallet>> {
  return walletsIn(await run(keygenOf(strangers(), policy)))
}

/** The wallets that key generations ended with. */
export function walletsIn(outcomes: Each<readonly RoundOutcome[]>): Each<Wallet> {
  return each((role) => {
    const outcome = outcomes[role].at(-1)
    if (outcome?.kind !== 'done' || outcome.wallet === undefined)
      throw new Error(`the key generation ended as ${outcome?.kind} at the ${role}`)
    return outcome.wallet
  })
}

/**
 * Runs sessions to their ends, flight by flight, and confirms words. What came of every call is returned, the last at the end.
 * Sessions that have begun already come with what their `begin` gave.
 */
export async function run(
  sessions: Partial<Each<Steps>>,
  begun: Partial<Each<RoundOutcome>> = {},
): Promise<Each<readonly RoundOutcome[]>> {
  const outcomes = each((): RoundOutcome[] => [])
  let flight = await together(
    sessions,
    async (session, role) => begun[role] ?? (await session.begin(NOW, [])),
  )
  for (;;) {
    for (const role of ROLES) if (flight[role]) outcomes[role].push(flight[role])
    const shown = flight
    flight = await together(sessions, async (session, role) => {
      const last = shown[role]
      return last?.kind === 'confirm' ? await session.confirm(NOW, last.words) : undefined
    })
    for (const role of ROLES) if (flight[role]) outcomes[role].push(flight[role])
    const underWay = [shown, flight].flatMap(envelopesIn)
    if (underWay.length === 0) return outcomes
    // the certificate reaches parties that have it already and have ended
    const isAlive = (role: Role): boolean =>
      !['done', 'aborted'].includes(outcomes[role].at(-1)?.kind ?? '')
    const alive = Object.entries(sessions).filter(([role]) => isAlive(role as Role))
    flight = await deliver(Object.fromEntries(alive), underWay)
  }
}

/** The invitation of a ceremony that was begun, which is delivered apart from the rest. */
export function round0In(begun: RoundOutcome, to: Role): Uint8Array {
  const found = envelopesOf(begun).find(
    (envelope) => roundOf(envelope) === 0 && recipientOf(envelope) === to,
  )
  if (found === undefined) throw new Error(`no invitation for the ${to} but ${begun.kind}`)
  return found
}

/** Hands every party its envelopes in one call. */
export async function deliver(
  sessions: Partial<Each<Steps>>,
  envelopes: readonly Uint8Array[],
): Promise<Partial<Each<RoundOutcome>>> {
  return await together(sessions, async (session, role) => {
    const own = envelopes.filter((envelope) => recipientOf(envelope) === role)
    return own.length > 0 ? await session.receive(NOW, own) : undefined
  })
}

async function together(
  sessions: Partial<Each<Steps>>,
  call: (session: Steps, role: Role) => Promise<RoundOutcome | undefined>,
): Promise<Partial<Each<RoundOutcome>>> {
  const calls = ROLES.map(async (role) => {
    const session = sessions[role]
    return [role, session && (await call(session, role))] as const
  })
  return Object.fromEntries(
    (await Promise.all(calls)).filter(([, outcome]) => outcome !== undefined),
  )
}

/** Brings a key generation to where each operator is shown the words. */
export async function untilWords(sessions: Each<Steps>): Promise<Each<string[]>> {
  const begun = await together(sessions, async (session) => await session.begin(NOW, []))
  const shown = await deliver(sessions, envelopesIn(begun))
  return each((role) => {
    const outcome = shown[role]
    if (outcome?.kind !== 'confirm') throw new Error(`no words but ${outcome?.kind} at the ${role}`)
    return outcome.words
  })
}

/** A session with the envelopes that give it something to compute. */
export interface Ready {
  readonly session: Session
  readonly envelopes: Uint8Array[]
}

/** The three sessions of a key generation whose first round was sent and not received: tens of milliseconds each. */
export async function readyToCompute(): Promise<Ready[]> {
  const sessions = keygenOf(strangers())
  const underWay = envelopesIn(await confirmWords(sessions))
  return ROLES.map((role) => ({
    session: sessions[role],
    envelopes: underWay.filter((envelope) => recipientOf(envelope) === role),
  }))
}

/** Brings a key generation to its longest round, and returns the envelopes that start it. */
export async function untilLongestRound(sessions: Each<Session>): Promise<Uint8Array[]> {
  return envelopesIn(await deliver(sessions, envelopesIn(await confirmWords(sessions))))
}

async function confirmWords(sessions: Each<Steps>): Promise<Partial<Each<RoundOutcome>>> {
  const words = await untilWords(sessions)
  return await together(sessions, async (session, role) => await session.confirm(NOW, words[role]))
}

/** Something to sign: pays 1 ether on mainnet, the example of EIP-155. */
export const PAYMENT = {
  kind: 'evm.transaction',
  chain: 'eip155:1',
  bytes: new Uint8Array(
    Buffer.from(
      'ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080',
      'hex',
    ),
  ),
}

/** The same with another nonce, below 128. */
export function withNonce(nonce: number): PayloadInput {
  const bytes = PAYMENT.bytes.slice()
  bytes[1] = nonce
  return { ...PAYMENT, bytes }
}

export interface Request {
  readonly wallets: Each<Wallet>
  readonly initiator?: Role
  readonly cosigner?: Role
  readonly payload?: PayloadInput
  readonly path?: number[]
  readonly memo?: string
}

/** A request that reached the co-signer and was not answered yet. */
export interface Requested {
  readonly initiator: Role
  readonly cosigner: Role
  readonly session: Session
  /** What the initiator's `begin` gave, without the invitation. */
  readonly begun: RoundOutcome
  readonly round0: Uint8Array
  readonly invitation: Invitation
}

let requests = 0

/** A request by a name that nobody has used. */
export function requestOf({
  initiator: requester = 'agent',
  cosigner = 'user',
}: Pick<Request, 'initiator' | 'cosigner'> = {}): RequestInput {
  requests += 1
  return { requester, cosigner, idempotencyKey: `request ${requests}` }
}

/** What the initiator reads of what it asks for. */
export function read({
  wallets,
  initiator = 'agent',
  payload = PAYMENT,
  path = [],
}: Request): Reading {
  return wallets[initiator].read([payload], [path], NOW)
}

/** What the initiator's own rules say. */
export function decide(asked: Request): Decided {
  const { wallets, initiator = 'agent' } = asked
  return wallets[initiator].authorize(read(asked), requestOf(asked), '[]', '[]', NOW, MINUTE)
}

/** The initiator's own right to sign. */
export function authorize(asked: Request): Authorization {
  return authorizationIn(decide(asked))
}

/** The co-signer's right to sign what an invitation asks for. */
export function authorizeInvited(
  wallets: Each<Wallet>,
  { cosigner, invitation }: Pick<Requested, 'cosigner' | 'invitation'>,
): Authorization {
  return authorizationIn(invitation.authorize(wallets[cosigner], '[]', '[]', NOW))
}

export function authorizationIn({ authorization, decision }: Decided): Authorization {
  if (authorization === undefined) throw new Error(`no authorization but ${decision}`)
  return authorization
}

/** Asks the co-signer for a signature. */
export async function request(asked: Request): Promise<Requested> {
  const { wallets, initiator = 'agent', cosigner = 'user', memo = '' } = asked
  const session = Session.sign(wallets[initiator], authorize(asked), cosigner, memo, NOW, MINUTE)
  return await invite(asked, session)
}

/** Begins the initiator's session and opens its invitation at the co-signer. */
export async function invite(asked: Request, session: Session): Promise<Requested> {
  const { wallets, initiator = 'agent', cosigner = 'user' } = asked
  const begun = await session.begin(NOW, [])
  const round0 = envelopesOf(begun).find((envelope) => roundOf(envelope) === 0)
  if (round0 === undefined) throw new Error(`a request that ended as ${begun.kind}`)
  const { descriptor, descriptorSignature } = session
  const invitation = await Invitation.open(
    wallets[cosigner],
    descriptor,
    descriptorSignature,
    round0,
    NOW,
  )
  return { initiator, cosigner, session, begun: withoutInvitation(begun), round0, invitation }
}

/** The co-signer's yes: its session, not begun yet. */
export function accept(wallets: Each<Wallet>, requested: Requested): Session {
  const { cosigner, invitation } = requested
  return Session.join(wallets[cosigner], invitation, authorizeInvited(wallets, requested), NOW)
}

/** Both parties' sessions of one signature, run to the end. */
export async function sign(asked: Request): Promise<Each<readonly RoundOutcome[]>> {
  const requested = await request(asked)
  const { initiator, cosigner, session, begun } = requested
  return await run(
    { [initiator]: session, [cosigner]: accept(asked.wallets, requested) },
    { [initiator]: begun },
  )
}

/** The signature in a last outcome. */
export function signatureIn(outcomes: readonly RoundOutcome[]): SignatureOutput {
  const last = outcomes.at(-1)
  const signature = last?.kind === 'done' ? last.signatures[0] : undefined
  if (signature === undefined) throw new Error(`a session that ended as ${JSON.stringify(last)}`)
  return signature
}

export function envelopesOf(outcome: RoundOutcome): Uint8Array[] {
  return 'outgoing' in outcome ? outcome.outgoing : []
}

function envelopesIn(flight: Partial<Each<RoundOutcome>>): Uint8Array[] {
  return Object.values(flight).flatMap(envelopesOf)
}

/** The invitation is opened before the co-signer has a session; delivered again it would be a replay. */
function withoutInvitation(outcome: RoundOutcome): RoundOutcome {
  if (!('outgoing' in outcome)) return outcome
  return { ...outcome, outgoing: outcome.outgoing.filter((envelope) => roundOf(envelope) > 0) }
}
