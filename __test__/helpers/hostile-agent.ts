/**
 * An agent that is not our software: it has the agent's secret keys, and writes descriptors and invitations by
 * hand, as `docs/protocol.md` lays them out. No policy of its own stops it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { keccak256, toBytes } from 'viem'
import { canonicalBytes } from '../../src/canonical-json.js'
import type { Delivery, PartyRole, Transport } from '../../src/index.js'
import { seal, signWithSeed } from './hpke.js'
import { ABORT_ROUND, roundOf } from './native-envelope.js'
import { type Kept, keyWrapper } from './policy-committee.js'
import { keyOfVault, openRecord, taggedHash } from './vault-format.js'

const INDEX: Readonly<Record<PartyRole, number>> = { agent: 1, user: 2, recovery: 3 }
const SIGN = 2
/** Where the keys stand in a card. */
const CARD = { identityKey: 6, sealingKey: 38 }

/** What a request says of one transaction. */
export interface ForgedItem {
  readonly transaction: Uint8Array
  /** In place of what the bytes hash to. */
  readonly digest?: Uint8Array
  readonly path?: readonly number[]
  readonly kind?: string
  readonly digestKind?: number
}

export interface Forgery {
  readonly items: readonly ForgedItem[]
  readonly policyHash: Uint8Array
  readonly idempotencyKey?: string
  readonly cosigner?: PartyRole
  readonly principal?: { readonly key: Uint8Array; readonly signature: Uint8Array }
}

/**
 * What the co-signer sent back: its first message of the signing protocol, its signed no, or nothing at all within
 * the time.
 */
export type Answer = 'joined' | 'refused' | 'silent'

interface Person {
  readonly identityKey: Uint8Array
  readonly sealingKey: Uint8Array
}

export class HostileAgent {
  readonly #seed: Uint8Array
  readonly #walletId: Uint8Array
  readonly #persons: Readonly<Record<PartyRole, Person>>
  readonly #transport: Transport

  private constructor(
    seed: Uint8Array,
    walletId: Uint8Array,
    persons: Readonly<Record<PartyRole, Person>>,
    transport: Transport,
  ) {
    this.#seed = seed
    this.#walletId = walletId
    this.#persons = persons
    this.#transport = transport
  }

  /** Takes the keys out of what the agent's device keeps. */
  static async of(
    { records, cards }: Kept,
    connect: (identityKey: Uint8Array) => Transport,
  ): Promise<HostileAgent> {
    const header = records.agent.get('vault') ?? Buffer.of()
    const key = keyOfVault(header, await keyWrapper.unwrap(wrappedIn(header)))
    const identity = openRecord(key, { kind: 'identity' }, records.agent.get('identity') ?? header)
    const [, walletId = ''] =
      [...records.agent.keys()].find((id) => id.startsWith('wallet/'))?.split('/') ?? []
    const person = (card: string): Person => {
      const bytes = Buffer.from(card, 'base64url')
      const at = (start: number): Uint8Array => bytes.subarray(start, start + 32)
      return { identityKey: at(CARD.identityKey), sealingKey: at(CARD.sealingKey) }
    }
    const { agent, user, recovery } = cards
    const persons = { agent: person(agent), user: person(user), recovery: person(recovery) }
    const transport = connect(persons.agent.identityKey)
    return new HostileAgent(
      identity.subarray(2, 34),
      Buffer.from(walletId, 'hex'),
      persons,
      transport,
    )
  }

  /** Asks, and waits for the first thing that the co-signer answers. */
  async ask(forgery: Forgery, patienceMs = 1_000): Promise<Answer> {
    const { cosigner = 'user' } = forgery
    const salted = Buffer.concat([randomBytes(32), detailsOf(forgery)])
    const descriptor = this.#descriptor(cosigner, taggedHash('setup-details', splitSalt(salted)))
    const sessionId = createHash('sha256').update(descriptor).digest()
    const signature = this.#sign('session-descriptor', [descriptor])
    await this.#transport.open(descriptor, signature)
    const answers = this.#transport.subscribe(sessionId)[Symbol.asyncIterator]()
    await this.#transport.send(this.#invitation(cosigner, sessionId, salted))
    return await firstOf(answers, patienceMs)
  }

  #descriptor(cosigner: PartyRole, detailsHash: Uint8Array): Buffer {
    const now = BigInt(Date.now())
    const member = (role: PartyRole): Uint8Array =>
      Buffer.concat([Buffer.of(INDEX[role], INDEX[role]), this.#persons[role].identityKey])
    return Buffer.concat([
      Buffer.from('MPCD'),
      Buffer.of(1, SIGN),
      this.#walletId,
      this.#rosterHash(),
      uint64(1n),
      Buffer.of(INDEX.agent, 2),
      member('agent'),
      member(cosigner),
      uint64(now),
      uint64(now + 60_000n),
      randomBytes(32),
      detailsHash,
    ])
  }

  #rosterHash(): Uint8Array {
    const members = (['agent', 'user', 'recovery'] as const).map((role) => {
      const { identityKey, sealingKey } = this.#persons[role]
      return Buffer.concat([Buffer.of(INDEX[role], INDEX[role]), identityKey, sealingKey])
    })
    return taggedHash('roster', [this.#walletId, Buffer.of(2), Buffer.of(3), ...members])
  }

  #invitation(cosigner: PartyRole, sessionId: Uint8Array, salted: Uint8Array): Uint8Array {
    const header = Buffer.concat([
      Buffer.from('MPCE'),
      Buffer.of(1, SIGN, 0, 0),
      sessionId,
      this.#walletId,
      uint64(1n),
      Buffer.of(INDEX.agent, INDEX[cosigner], 0, 1),
      uint32(0),
      Buffer.alloc(32),
      taggedHash('relay-genesis', [sessionId]),
      uint32(salted.length + 48),
    ])
    const { sealingKey } = this.#persons[cosigner]
    const body = seal(sealingKey, 'mpc-wallet/v1/seal/invitation', header, salted)
    return Buffer.concat([header, body, this.#sign('envelope', [header, body])])
  }

  #sign(tag: string, parts: readonly Uint8Array[]): Uint8Array {
    return signWithSeed(this.#seed, taggedHash(tag, parts))
  }
}

function detailsOf({
  items,
  policyHash,
  idempotencyKey = randomBytes(8).toString('hex'),
  principal,
}: Forgery): Uint8Array {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  return canonicalBytes('details', {
    idempotencyKey,
    items: items.map(({ transaction, digest, path = [], kind, digestKind }) => ({
      bytes: text(transaction),
      chain: 'eip155:31337',
      digest: text(digest ?? toBytes(keccak256(transaction))),
      digestKind: digestKind ?? 1,
      kind: kind ?? 'evm.transaction',
      path: [...path],
    })),
    keyId: 'ecdsa',
    memo: '',
    policyHash: text(policyHash),
    ...(principal && {
      principal: { key: text(principal.key), signature: text(principal.signature) },
    }),
    schema: 'mpc-wallet/sign-details@1',
  })
}

async function firstOf(answers: AsyncIterator<Delivery>, patienceMs: number): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs)
  })
  try {
    const first = await Promise.race([answers.next(), over])
    if (first === undefined || first.done === true) return 'silent'
    return roundOf(first.value.envelope) === ABORT_ROUND ? 'refused' : 'joined'
  } finally {
    clearTimeout(timer)
    void answers.return?.()
  }
}

function splitSalt(salted: Uint8Array): Uint8Array[] {
  return [salted.subarray(0, 32), salted.subarray(32)]
}

/** `u8 length ‖ name ‖ u32 length ‖ wrapped` stand behind magic, format and kind. */
function wrappedIn(header: Uint8Array): Uint8Array {
  const view = Buffer.from(header)
  const start = 8 + view.readUInt8(7)
  return view.subarray(start + 4, start + 4 + view.readUInt32BE(start))
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
