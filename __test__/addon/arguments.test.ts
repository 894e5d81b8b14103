import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  Backup,
  FreshKey,
  Identity,
  Intent,
  Invitation,
  Notice,
  Recovery,
  ReshareConsent,
  readCard,
  readDescriptor,
  readVaultHeader,
  Session,
  Store,
  Vault,
  Wallet,
} from '#native'
import {
  authorizationIn,
  authorize,
  authorizeInvited,
  committee,
  decide,
  type Each,
  keygenOf,
  MINUTE,
  NO_RULES,
  NOW,
  PAYMENT,
  PERMISSIVE,
  type Requested,
  read,
  request,
  requestOf,
  round0In,
  type Strangers,
  strangers,
  untilWords,
} from '../helpers/native-committee.js'
import {
  freshVault,
  recordsUnder,
  sealedWallet,
  untilCommit,
  write,
} from '../helpers/native-sealed.js'
import { readSurface } from '../helpers/native-surface.js'

const require = createRequire(import.meta.url)

/** A call that works, once. */
interface Call {
  readonly values: readonly unknown[]
  readonly call: (...values: never[]) => unknown
}

const bytes = new Uint8Array([1, 2, 3])

/** A request of the agent to the user. */
const ASKED = requestOf()
const PRINCIPAL = { principal: new Uint8Array(32), principalSignature: new Uint8Array(64) }

/** Where `undefined` and `null` stand for nothing. */
const notBytesIfAny = notBytes().filter((value) => value !== undefined && value !== null)

/** What is not of a type, by the type as the declarations write it. */
const NOT_OF_TYPE: Record<string, readonly unknown[]> = {
  Uint8Array: notBytes(),
  'Array<Uint8Array>': [...notArrays(bytes), ...notBytes().map((value) => [value]), new Array(1)],
  'Uint8Array | undefined | null': notBytesIfAny,
  'Array<Uint8Array | undefined | null>': [
    ...notArrays(bytes),
    ...notBytesIfAny.map((value) => [value]),
  ],
  'Array<StoredRecord>': [
    ...notArrays({ id: 'identity', value: bytes }),
    ...[undefined, null, 1, 'identity', {}, [], new Array(1)].map((record) => [record]),
    ...[undefined, null, 1, {}].map((id) => [{ id, value: bytes }]),
    ...notBytes().map((value) => [{ id: 'identity', value }]),
  ],
  'Array<string>': [...notArrays('a'), [1], [null], [undefined], [{}], [['a']], [Symbol('a')]],
  'Array<number>': [...notArrays(0), ['0'], [0n], [null], [undefined], [{}], [[0]], new Array(1)],
  'Array<Array<number>>': [
    ...notArrays([0]),
    ...[[0], ['0'], [0n], [null], [undefined], [{}], [[[0]]], [['0']], new Array(1)],
  ],
  string: [undefined, null, 0, 1n, {}, [], Symbol('a'), true, new String('a'), () => 'a'],
  boolean: [undefined, null, 0, 1, Number.NaN, 'true', {}, [], 1n, new Boolean(true)],
  bigint: [undefined, null, 0, -1, 1.5, Number.NaN, 2 ** 53, '1', {}, [], true, Object(1n)],
  number: [undefined, null, 1n, '1', {}, [], true, new Number(1), Symbol('a')],
  Role: [undefined, null, 0, 1, {}, [], '', 'Agent', 'agent ', 'owner', new String('agent')],
  'string | undefined | null': [0, 1n, {}, [], Symbol('a'), true, new String('a'), () => 'a'],
  'bigint | undefined | null': [0, -1, 1.5, Number.NaN, 2 ** 53, '1', {}, [], true, Object(1n)],
  'number | undefined | null': [1n, '1', {}, [], true, new Number(1), Symbol('a')],
  'Record<string, string> | undefined | null': [1, 1n, true, null, {}, [], new String('1')].map(
    (amount) => ({ 'eip155:1/slip44:60': amount }),
  ),
  ApprovalWord: [
    undefined,
    null,
    0,
    1,
    {},
    [],
    '',
    'Approve',
    'approve ',
    'veto',
    Object('reject'),
  ],
  RequestInput: [
    ...[undefined, null, 1, 'request', {}, []],
    ...[undefined, null, 0, '', 'Agent', 'owner'].map((requester) => ({ ...ASKED, requester })),
    ...[undefined, null, 0, '', 'Agent', 'owner'].map((cosigner) => ({ ...ASKED, cosigner })),
    ...[undefined, null, 0, {}].map((idempotencyKey) => ({ ...ASKED, idempotencyKey })),
    ...notBytesIfAny.flatMap((value) => [
      { ...ASKED, principal: value, principalSignature: new Uint8Array(64) },
      { ...ASKED, principal: new Uint8Array(32), principalSignature: value },
    ]),
  ],
  'Array<PayloadInput>': [
    ...notArrays(PAYMENT),
    ...[undefined, null, 1, 'evm.transaction', {}, []].map((payload) => [payload]),
    ...[undefined, null, 1, {}].map((kind) => [{ ...PAYMENT, kind }]),
    ...[undefined, null, 1, {}].map((chain) => [{ ...PAYMENT, chain }]),
    ...notBytes().map((bytes) => [{ ...PAYMENT, bytes }]),
    new Array(1),
  ],
  RecoveryVerdict: [undefined, null, 0, 1, {}, [], '', 'Veto', 'veto ', 'yes', new String('veto')],
  PayloadInput: [
    ...[undefined, null, 1, 'evm.transaction', {}, []],
    ...[undefined, null, 1, {}].map((kind) => ({ ...PAYMENT, kind })),
    ...[undefined, null, 1, {}].map((chain) => ({ ...PAYMENT, chain })),
    ...notBytes().map((bytes) => ({ ...PAYMENT, bytes })),
  ],
}

/** Evidence that is none, as JSON. */
const NO_EVIDENCE = [
  '',
  ' ',
  '[',
  'null',
  '{}',
  '1',
  '"[]"',
  '[1]',
  '[null]',
  '[{}]',
  '[] []',
  '[,]',
  '['.repeat(100_000),
]

const NO_TIMES = [-1n, -(2n ** 63n), -(2n ** 64n) + 1n, 2n ** 64n, 2n ** 64n + 5n, 2n ** 128n]

/** What is of the type and means nothing, by parameter. */
const OUT_OF_RANGE: Record<string, readonly unknown[]> = {
  nowMs: NO_TIMES,
  expiresAtMs: NO_TIMES,
  lifetimeMs: [...notWhole(), 0, 2 ** 53],
  path: noPaths(),
  paths: [[], [[0], [0]], ...noPaths().map((path) => [path])],
  payloads: [[], ...[2, 64, 65, 100_000].map((count) => new Array(count).fill(PAYMENT))],
  item: [...notWhole(), 1, 2 ** 32],
  walletId: [0, 31, 33].map((length) => new Uint8Array(length)),
  password: [0, 1_025].map((length) => new Uint8Array(length)),
  wrapped: [new Uint8Array(4_097)],
  head: [0, 47, 49].map((length) => new Uint8Array(length)),
  identityKey: [0, 31, 33].map((length) => new Uint8Array(length)),
  account: [0, 19, 21, 32].map((length) => new Uint8Array(length)),
  principal: [0, 31, 33].map((length) => new Uint8Array(length)),
  requestId: [0, 31, 33].map((length) => new Uint8Array(length)),
  digest: [0, 31, 33].map((length) => new Uint8Array(length)),
  landedAtMs: NO_TIMES,
  verdicts: NO_EVIDENCE,
  prices: NO_EVIDENCE,
  request: [
    ...(['agent', 'user'] as const).map((role) => ({ ...ASKED, requester: role, cosigner: role })),
    { ...ASKED, principal: PRINCIPAL.principal },
    { ...ASKED, principalSignature: PRINCIPAL.principalSignature },
    ...[0, 31, 33].map((length) => ({ ...ASKED, ...PRINCIPAL, principal: new Uint8Array(length) })),
    ...[0, 63, 65].map((length) => ({
      ...{ ...ASKED, ...PRINCIPAL },
      principalSignature: new Uint8Array(length),
    })),
  ],
  maxFees: [
    '',
    'null',
    '[]',
    '1',
    '{"eip155:1/slip44:60":1}',
    '{"eip155:1/slip44:60":"01"}',
    '{"a":"-1"}',
  ],
}

const TYPE_ERRORS = [
  'InvalidArg',
  'ArrayExpected',
  'BigintExpected',
  'BooleanExpected',
  'NumberExpected',
  'ObjectExpected',
  'StringExpected',
]

const { callables } = readSurface()
const withParameters = callables.filter(({ parameters }) => parameters.length > 0)

describe('arguments of the wrong type', () => {
  it.each(withParameters)('$name refuses them and loses nothing', async ({ name, parameters }) => {
    const { values: good, call } = await callOf(name)

    for (const [position, { type }] of parameters.entries()) {
      for (const bad of notOfType(type)) {
        const refusal = await refusalOf(() => call(...(good.with(position, bad) as never[])))
        expect({ type, bad, refusal }).toEqual({ type, bad, refusal: expect.any(Object) })
        expectTyped(refusal)
      }
    }

    await call(...(good as never[]))
  })

  it.each(withParameters)(
    '$name refuses to be called with one fewer',
    async ({ name, parameters }) => {
      const { values: good, call } = await callOf(name)

      const required = parameters.filter(({ isOptional }) => !isOptional)
      for (const count of required.keys())
        expectTyped(await refusalOf(() => call(...(good.slice(0, count) as never[]))))

      await call(...(good as never[]))
    },
  )
})

describe('arguments out of range', () => {
  const ranged = withParameters.filter(({ parameters }) =>
    parameters.some((parameter) => parameter.name in OUT_OF_RANGE),
  )

  it.each(ranged)(
    '$name refuses them as INVALID_INPUT and loses nothing',
    async ({ name, parameters }) => {
      const { values: good, call } = await callOf(name)

      for (const [position, { name: parameter }] of parameters.entries())
        for (const bad of OUT_OF_RANGE[parameter] ?? []) {
          const refusal = await refusalOf(() => call(...(good.with(position, bad) as never[])))
          expect({ parameter, bad, refusal }).toMatchObject({
            refusal: { code: 'INVALID_INPUT', culprits: [] },
          })
        }

      await call(...(good as never[]))
    },
  )
})

describe('bytes that hold nothing that can be read', () => {
  const oversized = new Uint8Array(5 * 1024 * 1024).fill(7)
  const cases = [
    ['no bytes', () => new Uint8Array()],
    ['a detached buffer', detached],
    ['5 MiB', () => oversized],
  ] as const

  it.each(cases)('are no card: %s', async (_, make) => {
    expect(await refusalOf(() => readCard(make()))).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it.each(cases)('are no descriptor: %s', async (_, make) => {
    expect(await refusalOf(() => readDescriptor(make()))).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it.each(cases)('are no payload: %s', async (_, make) => {
    const readers = [
      () => Intent.parse({ ...PAYMENT, bytes: make() }),
      () => wallets.user.read([{ ...PAYMENT, bytes: make() }], [[]], NOW),
    ]

    for (const reader of readers)
      expect(await refusalOf(reader)).toMatchObject({ code: 'PAYLOAD_REFUSED', culprits: [] })
  })

  it.each(cases)('are no statement of a person: %s', async (_, make) => {
    const refusal = await refusalOf(() => wallets.user.takeStatement(make(), NOW))

    expect(refusal).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it.each(cases)('are no proposal of a policy: %s', async (_, make) => {
    const code = make().length > 2 ** 22 ? 'INVALID_INPUT' : 'POLICY_INVALID'
    const refusal = await refusalOf(() => wallets.user.signPolicy(make(), NOW, NOW))

    expect(refusal).toMatchObject({ code })
  })

  it.each(cases)(
    'are no cards of a committee, and the pairing is not lost: %s',
    async (_, make) => {
      const { identities, pairings, cards, stores } = strangers()
      const create = (cards: Uint8Array[]): Session =>
        Session.createWallet(
          ...([identities.agent, pairings.agent, cards, PERMISSIVE, stores.agent] as const),
          ...([NOW, MINUTE] as const),
        )

      const refusal = await refusalOf(() => create([make(), ...cards.slice(1)]))

      expect(refusal).toMatchObject({ code: 'INVALID_INPUT' })
      expect(create(cards).descriptor.length).toBeGreaterThan(0)
    },
  )

  it.each(cases)('are no part of an invitation: %s', async (_, make) => {
    const { values, call } = await callOf('Invitation.open')

    const code = make().length > 2 ** 22 ? 'INVALID_INPUT' : 'PROTOCOL_CONFIG'
    for (const position of [1, 2, 3]) {
      const refusal = await refusalOf(() => call(...(values.with(position, make()) as never[])))
      expect({ position, refusal }).toMatchObject({ refusal: { code } })
    }
    await call(...(values as never[]))
  })
})

describe('text that is no config of a policy', () => {
  const configs: Record<string, string> = {
    nothing: '',
    'half of it': '{"schema":"mpc-wallet/policy-config@1"',
    'another value': 'null',
    'no schema': '{"permissive":true}',
    'another schema': '{"permissive":true,"schema":"mpc-wallet/policy-config@2"}',
    'an unknown field': '{"permissive":true,"schema":"mpc-wallet/policy-config@1","x":1}',
    'a repeated field': PERMISSIVE.replace('{', '{"permissive":true,'),
    'more behind it': `${PERMISSIVE}{}`,
    'too many levels': `${'['.repeat(100_000)}`,
    '5 MiB': PERMISSIVE.replace('true', `"${'x'.repeat(5 * 1024 * 1024)}"`),
  }

  it.each(Object.entries(configs))('is refused by whoever takes one: %s', async (_, config) => {
    const takers = {
      'Session.createWallet': 3,
      'Session.joinWallet': 3,
      'Wallet#draftPolicy': 0,
    }

    for (const [name, position] of Object.entries(takers)) {
      const { values, call } = await callOf(name)
      const refusal = await refusalOf(() => call(...(values.with(position, config) as never[])))
      expect({ name, refusal }).toMatchObject({ refusal: { code: 'POLICY_INVALID', culprits: [] } })
      await call(...(values as never[]))
    }
  })
})

describe('the name of a request', () => {
  const ofLength = (length: number): string => 'x'.repeat(length)

  it.each([
    ['of no bytes', '', false],
    ['of one byte', 'x', true],
    ['of 128 bytes', ofLength(128), true],
    ['of 129 bytes', ofLength(129), false],
    ['of 129 bytes of longer characters', '€'.repeat(43), false],
    ['with a line break', 'rent\nand more', false],
    ['with an escape', 'rent\u001b[2J', false],
    ['with a null', 'rent\0', false],
    ['with a change of direction', 'rent\u202e', false],
  ])('is 1 to 128 bytes of printable text: %s', async (_, idempotencyKey, taken) => {
    const { values, call } = await callOf('Wallet#authorize')
    const named = { ...requestOf(), idempotencyKey }

    const refusal = await refusalOf(() => call(...(values.with(1, named) as never[])))

    if (taken) expect(refusal).toBeUndefined()
    else expect(refusal).toMatchObject({ code: 'INVALID_INPUT', culprits: [] })
  })
})

let wallets: Each<Wallet>
let parties: Strangers
let requested: Requested

/** Its members begin refreshes and recoveries that nobody ends. */
let changing: Each<Wallet>

beforeAll(async () => {
  wallets = await committee()
  changing = await committee()
  parties = strangers()
  requested = await request({ wallets })
})

/** A call of every export that takes arguments. One that is missing here fails its tests. */
async function callOf(name: string): Promise<Call> {
  const make = CALLS[name]
  if (make === undefined) throw new Error(`no call of ${name} is known here`)
  return await make()
}

const CALLS: Record<string, () => Call | Promise<Call>> = {
  'Backup.open': () => {
    const vault = freshVault()
    const { file } = wallets.user.backup(vault, NOW)
    return { values: [file, vault], call: (read, by) => Backup.open(read, by) }
  },
  'Backup.header': () => ({
    values: [wallets.user.backup(freshVault(), NOW).file],
    call: Backup.header,
  }),
  'Backup#restore': () => {
    const vault = freshVault()
    const backup = Backup.open(wallets.user.backup(vault, NOW).file, vault)
    const store = freshVault().store([])
    return { values: [store, NOW], call: (into, now) => backup.restore(into, now) }
  },
  'Notice.send': () => ({
    values: [wallets.agent, 'user', [bytes], NOW, MINUTE],
    call: Notice.send,
  }),
  'Notice.open': () => {
    const sent = Notice.send(wallets.agent, 'user', [bytes], NOW, MINUTE)
    const { descriptor, descriptorSignature, envelopes } = sent
    return {
      values: [wallets.user, descriptor, descriptorSignature, envelopes[0], NOW],
      call: Notice.open,
    }
  },
  'new FreshKey': () => ({
    values: ['keychain'],
    call: (wrapper: string) => new FreshKey(wrapper),
  }),
  'FreshKey#createVault': () => {
    const key = new FreshKey('keychain')
    return { values: [bytes], call: (wrapped) => key.createVault(wrapped) }
  },
  'Identity.generate': () => ({ values: ['agent'], call: Identity.generate }),
  'Intent.parse': () => ({ values: [PAYMENT, new Uint8Array(20)], call: Intent.parse }),
  'Invitation.open': () => ({
    values: [
      wallets.user,
      requested.session.descriptor,
      requested.session.descriptorSignature,
      requested.round0,
      NOW,
    ],
    call: Invitation.open,
  }),
  'Invitation#describe': () => ({
    values: [0],
    call: (item) => requested.invitation.describe(item),
  }),
  'Invitation#authorize': () => ({
    values: [wallets.user, '[]', '[]', NOW],
    call: (wallet, verdicts, prices, now) =>
      requested.invitation.authorize(wallet, verdicts, prices, now),
  }),
  'Invitation#isWithdrawnBy': () => ({
    values: [bytes],
    call: (envelope) => requested.invitation.isWithdrawnBy(envelope),
  }),
  'Recovery.open': () => ({
    values: [wallets.user, newCard(), NOW],
    call: Recovery.open,
  }),
  'Recovery.announce': () => ({
    values: [wallets.user, recoveryAt('user').sign('approve', NOW + BigInt(MINUTE)), NOW],
    call: Recovery.announce,
  }),
  'Recovery#sign': () => {
    const recovery = recoveryAt('user')
    return { values: ['approve', NOW], call: (verdict, at) => recovery.sign(verdict, at) }
  },
  'Recovery#observe': () => {
    const recovery = recoveryAt('user')
    const signed = recovery.sign('approve', NOW + BigInt(MINUTE))
    return { values: [signed, NOW], call: (document, now) => recovery.observe(document, now) }
  },
  'Recovery#decide': () => {
    const recovery = recoveryAt('user')
    return { values: [NOW], call: (now) => recovery.decide(now) }
  },
  'Recovery#confirmClock': () => {
    const recovery = recoveryAt('user')
    return { values: [NOW], call: (now) => recovery.confirmClock(now) }
  },
  'Recovery#consent': () => {
    const card = newCard()
    const approved = recoveryAt('user', card)
    for (const party of ['user', 'recovery'] as const) {
      const signed = recoveryAt(party, card).sign('approve', NOW + BigInt(MINUTE))
      approved.observe(signed, NOW)
    }
    return { values: [NOW, MINUTE], call: (now, lifetime) => approved.consent(now, lifetime) }
  },
  'ReshareConsent.refresh': () => ({
    values: [changing.agent, NOW, MINUTE],
    call: ReshareConsent.refresh,
  }),
  'ReshareConsent.join': () => {
    const { identities, cards, stores } = strangers()
    const { walletId } = wallets.user
    return {
      values: [identities.agent, walletId, cards, stores.agent, NOW, MINUTE],
      call: ReshareConsent.join,
    }
  },
  'ReshareConsent#start': () => {
    const consent = ReshareConsent.refresh(changing.agent, NOW, MINUTE)
    return { values: [NOW, MINUTE], call: (now, lifetime) => consent.start(now, lifetime) }
  },
  'ReshareConsent#accept': async () => {
    const session = ReshareConsent.refresh(changing.agent, NOW, MINUTE).start(NOW, MINUTE)
    const round0 = round0In(await session.begin(NOW, []), 'user')
    const consent = ReshareConsent.refresh(changing.user, NOW, MINUTE)
    return {
      values: [session.descriptor, session.descriptorSignature, round0, NOW],
      call: (...values) =>
        consent.accept(...(values as unknown as Parameters<typeof consent.accept>)),
    }
  },
  'Session.createWallet': () => {
    const { identities, pairings, cards, stores } = strangers()
    return {
      values: [identities.agent, pairings.agent, cards, PERMISSIVE, stores.agent, NOW, MINUTE],
      call: Session.createWallet,
    }
  },
  'Session.joinWallet': () => {
    const fresh = strangers()
    const { identities, pairings, cards, stores } = fresh
    const { descriptor, descriptorSignature } = Session.createWallet(
      ...([identities.agent, pairings.agent, cards, PERMISSIVE, stores.agent] as const),
      ...([NOW, MINUTE] as const),
    )
    return {
      values: [
        ...[identities.user, pairings.user, cards, PERMISSIVE, stores.user],
        ...[descriptor, descriptorSignature, NOW],
      ],
      call: Session.joinWallet,
    }
  },
  'Session.sign': () => ({
    values: [wallets.agent, authorize({ wallets }), 'user', 'rent', NOW, MINUTE],
    call: Session.sign,
  }),
  'Session.join': () => ({
    values: [wallets.user, requested.invitation, authorizeInvited(wallets, requested), NOW],
    call: Session.join,
  }),
  'Session#begin': () => {
    const session = keygenOf(strangers()).agent
    return { values: [NOW, [bytes]], call: (now, envelopes) => session.begin(now, envelopes) }
  },
  'Session#receive': async () => {
    const { session } = await request({ wallets })
    return { values: [NOW, [bytes]], call: (now, envelopes) => session.receive(now, envelopes) }
  },
  'Session#confirm': async () => {
    const sessions = keygenOf(strangers())
    const { user } = await untilWords(sessions)
    return { values: [NOW, user], call: (now, said) => sessions.user.confirm(now, said) }
  },
  'Session#committed': async () => {
    const { session, batch, records } = await untilCommit()
    return {
      values: [NOW, write(records, batch)],
      call: (now, values) => session.committed(now, values),
    }
  },
  'Session#commitFailed': async () => {
    const { session } = await untilCommit()
    return { values: [NOW, true], call: (now, exists) => session.commitFailed(now, exists) }
  },
  'Session#abort': () => {
    const { user } = keygenOf(strangers())
    return { values: [false], call: (refused) => user.abort(refused) }
  },
  'Store#sealIdentity': () => {
    const store = freshVault().store([])
    return { values: [Identity.generate('user')], call: (identity) => store.sealIdentity(identity) }
  },
  'Vault.createWithPassword': () => ({ values: [bytes, false], call: Vault.createWithPassword }),
  'Vault.unlockWithPassword': async () => ({
    values: [(await Vault.createWithPassword(bytes, false)).header, bytes],
    call: Vault.unlockWithPassword,
  }),
  'Vault.unlockWithKey': () => {
    const key = new FreshKey('keychain')
    const secret = key.expose()
    return { values: [key.createVault(bytes).header, secret], call: Vault.unlockWithKey }
  },
  'Vault.unlockWithWords': async () => {
    const key = FreshKey.forWords()
    const lists = await key.splitIntoWords()
    const { header } = key.createVault(new Uint8Array())
    return { values: [header, lists.slice(0, 2)], call: Vault.unlockWithWords }
  },
  'Vault#openIdentity': () => {
    const vault = freshVault()
    const { writes } = vault.store([]).sealIdentity(Identity.generate('user'))
    return { values: [writes[0]?.value], call: (sealed) => vault.openIdentity(sealed) }
  },
  'Vault#linkTo': () => {
    const vault = freshVault()
    return { values: [freshVault()], call: (next) => vault.linkTo(next) }
  },
  'Vault#moveTo': () => {
    const vault = freshVault()
    return { values: [freshVault()], call: (next) => vault.moveTo(next) }
  },
  'Vault#moveForward': () => {
    const [vault, next] = [freshVault(), freshVault()]
    const values = [next.header, vault.linkTo(next).forward]
    return { values, call: (header, link) => vault.moveForward(header, link) }
  },
  'Vault#reachBack': () => {
    const [vault, next] = [freshVault(), freshVault()]
    const values = [vault.header, vault.linkTo(next).back]
    return { values, call: (header, link) => next.reachBack(header, link) }
  },
  'Vault#rewrap': () => {
    const vault = freshVault()
    const identity = Identity.generate('agent')
    const records = vault.store([]).sealIdentity(identity).writes
    vault.moveTo(freshVault())
    return { values: [records], call: (sealed) => vault.rewrap(sealed) }
  },
  'Vault#store': () => {
    const vault = freshVault()
    return { values: [[]], call: (records) => vault.store(records) }
  },
  'Wallet.openSealed': async () => {
    const { identity, walletId, vault, records } = await sealedWallet()
    const store = vault.store([])
    const kept = recordsUnder(records, 'wallet/')
    return { values: [identity, walletId, store, kept, NOW], call: Wallet.openSealed }
  },
  'Identity#signAuditHead': () => ({
    values: [new Uint8Array(48)],
    call: (head) => parties.identities.agent.signAuditHead(head),
  }),
  'Wallet#countLostVerdicts': () => ({
    values: [wallets.agent.parties[1]?.identityKey, 0],
    call: (identityKey, count) => wallets.agent.countLostVerdicts(identityKey, count),
  }),
  'Wallet#backup': () => ({
    values: [freshVault(), NOW],
    call: (vault, now) => wallets.user.backup(vault, now),
  }),
  'Wallet#backupStatus': () => ({
    values: [[undefined, undefined]],
    call: (sealed) => wallets.user.backupStatus(sealed),
  }),
  'Wallet#derive': () => ({ values: [[0]], call: (path) => wallets.user.derive(path) }),
  'Reading#describe': () => {
    const reading = read({ wallets })
    return { values: [0], call: (item) => reading.describe(item) }
  },
  'Wallet#begin': () => ({
    values: [false, NOW],
    call: (joined, now) => wallets.user.begin(joined, now),
  }),
  'Wallet#read': () => ({
    values: [[PAYMENT], [[0]], NOW],
    call: (payloads, paths, now) => wallets.user.read(payloads, paths, now),
  }),
  'Wallet#principalHash': () => ({
    values: [read({ wallets }), 'agent', 'request', PRINCIPAL.principal],
    call: (reading, requester, name, principal) =>
      wallets.agent.principalHash(reading, requester, name, principal),
  }),
  'Wallet#evaluate': () => ({
    values: [read({ wallets }), requestOf(), '[]', '[]', NOW],
    call: (...values) =>
      wallets.agent.evaluate(...(values as unknown as Parameters<Wallet['evaluate']>)),
  }),
  'Wallet#authorize': () => ({
    values: [read({ wallets }), requestOf(), '[]', '[]', NOW, MINUTE],
    call: (...values) =>
      wallets.agent.authorize(...(values as unknown as Parameters<Wallet['authorize']>)),
  }),
  'Wallet#releaseRequest': () => ({
    values: [authorizationIn(decide({ wallets })), NOW],
    call: (authorization, now) => wallets.agent.releaseRequest(authorization, now),
  }),
  'Wallet#requestSigned': () => ({
    values: [decide({ wallets }).requestId, NOW],
    call: (request, now) => wallets.agent.requestSigned(request, now),
  }),
  'Wallet#requestOutcome': () => {
    const { requestId } = decide({ wallets })
    wallets.agent.requestSigned(requestId, NOW)
    const [digest] = read({ wallets }).digests
    return {
      values: [requestId, digest, NOW, NOW],
      call: (request, signed, landed, now) =>
        wallets.agent.requestOutcome(request, signed, landed, now),
    }
  },
  'Wallet#limitsFull': () => ({ values: [NOW], call: (now) => wallets.user.limitsFull(now) }),
  'Wallet#confirmLimits': () => ({
    values: [NOW],
    call: (now) => wallets.user.confirmLimits(now),
  }),
  'Wallet#isFrozen': () => ({ values: [NOW], call: (now) => wallets.user.isFrozen(now) }),
  'Wallet#takeStatement': () => {
    const signed = changing.user.signFreeze(true, NOW)
    return {
      values: [signed, NOW],
      call: (statement, now) => changing.recovery.takeStatement(statement, now),
    }
  },
  'Wallet#advancePolicy': () => ({
    values: [NOW],
    call: (now) => wallets.user.advancePolicy(now),
  }),
  'Wallet#signApproval': () => ({
    values: [
      ...[read({ wallets, initiator: 'user' }), requestOf(), 'approve'],
      ...['{"eip155:1/slip44:60":"1"}', NOW, MINUTE],
    ],
    call: (...values) =>
      wallets.user.signApproval(...(values as unknown as Parameters<Wallet['signApproval']>)),
  }),
  'Wallet#signFreeze': () => ({
    values: [true, NOW],
    call: (frozen, now) => wallets.user.signFreeze(frozen, now),
  }),
  'Wallet#draftPolicy': () => ({
    values: [NO_RULES, NOW],
    call: (config, now) => wallets.user.draftPolicy(config, now),
  }),
  'Wallet#signPolicy': () => ({
    values: [wallets.user.draftPolicy(NO_RULES, NOW).policy, NOW + BigInt(MINUTE), NOW],
    call: (proposal, expires, now) => wallets.user.signPolicy(proposal, expires, now),
  }),
  'Wallet#policyProposal': () => ({
    values: [NOW],
    call: (now) => wallets.user.policyProposal(now),
  }),
  readCard: () => ({ values: [parties.cards[0]], call: readCard }),
  readDescriptor: () => ({ values: [requested.session.descriptor], call: readDescriptor }),
  readVaultHeader: () => ({ values: [freshVault().header], call: readVaultHeader }),
}

/** The card of a device that is to replace the agent's. */
function newCard(): Uint8Array {
  return Identity.generate('agent').createPairing().card
}

function recoveryAt(role: 'user' | 'recovery', card = newCard()): Recovery {
  return Recovery.open(wallets[role], card, NOW)
}

function notOfType(type: string): readonly unknown[] {
  const known = NOT_OF_TYPE[type]
  if (known !== undefined) return known
  const [, element] = /^Array<(\w+)>$/.exec(type) ?? []
  if (element === undefined) return notOfClass(type)
  return [...notArrays({}), ...notOfClass(element).map((value) => [value]), new Array(1)]
}

/** Anything but an instance, however much it looks like one. */
function notOfClass(name: string): unknown[] {
  const { prototype } = require('#native')[name] as { prototype: object }
  const another = name === 'Store' ? Identity.generate('agent') : new Store()
  return [
    ...[undefined, null, 1, 'x', {}, [], new Uint8Array(32)],
    ...[prototype, Object.create(prototype), another, Object.setPrototypeOf(another, prototype)],
    new Proxy(another, {}),
  ]
}

function notBytes(): unknown[] {
  return [
    ...[undefined, null, 1, 'AQID', [1, 2, 3], {}, { length: 3, 0: 1 }, bytes.buffer],
    ...[new DataView(bytes.buffer), new Int8Array(3), new Uint8ClampedArray(3)],
    ...[new Uint16Array(3), new Float64Array(3), new BigUint64Array(3), new Proxy(bytes, {})],
  ]
}

function notArrays(element: unknown): unknown[] {
  return [undefined, null, 1, 'abc', {}, { length: 1, 0: element }, new Set([element]), bytes]
}

function noPaths(): number[][] {
  return [...notWhole().map((index) => [index]), [2 ** 31], [0, 2 ** 31], new Array(256).fill(0)]
}

function notWhole(): number[] {
  return [-1, Number.NaN, 0.5, 1.5, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 64]
}

function detached(): Uint8Array {
  const view = new Uint8Array([1, 2, 3])
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}

async function refusalOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

function expectTyped(refusal: unknown): void {
  const { name, code } = refusal as { name: string; code?: string } // anything else fails below
  if (name !== 'TypeError') expect(TYPE_ERRORS).toContain(code)
}
