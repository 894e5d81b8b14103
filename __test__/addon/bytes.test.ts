import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bytesToHex, type Hex, keccak256, serializeTransaction, toBytes } from 'viem'
import {
  FreshKey,
  Identity,
  Intent,
  Invitation,
  type PayloadInput,
  Recovery,
  ReshareConsent,
  readCard,
  readDescriptor,
  readVaultHeader,
  Vault,
  Wallet,
} from '#native'
import {
  accept,
  authorizeInvited,
  committee,
  type Each,
  envelopesOf,
  keygenOf,
  MINUTE,
  NOW,
  ROLES,
  read as readBy,
  request,
  round0In,
  strangers,
} from '../helpers/native-committee.js'
import {
  freshVault,
  recordsUnder,
  type SealedWallet,
  sealedWallet,
  untilCommit,
  write,
} from '../helpers/native-sealed.js'

import { changedAt, REWRITE, VIEWS } from '../helpers/native-views.js'

const MAX_PAYLOAD = 128 * 1024

describe('the bytes of an intent', () => {
  it.each([0, 1, 31, 32, 33, 1024, 64 * 1024])(
    'are the given ones with %i bytes of calldata',
    (length) => {
      const given = transactionWith(length)

      const intent = parse(given)

      expect(intent.bytes).toEqual(given)
      expect(bytesToHex(intent.digest)).toBe(keccak256(given))
    },
  )

  it.each([
    ['just under', MAX_PAYLOAD - 1],
    ['at', MAX_PAYLOAD],
  ])('are the given ones %s the longest payload', (_, length) => {
    const given = transactionOf(length)

    expect(parse(given).bytes).toEqual(given)
  })

  it('are refused just over the longest payload', () => {
    expect(() => parse(transactionOf(MAX_PAYLOAD + 1))).toThrow(
      expect.objectContaining({
        code: 'PAYLOAD_REFUSED',
        message: expect.stringContaining('payload-too-large'),
      }),
    )
  })

  it.each(Object.entries(VIEWS))('are the given ones out of %s', (_, lay) => {
    const given = transactionWith(100)

    expect(parse(lay(given)).bytes).toEqual(given)
  })

  it('are a copy: writing to them changes neither the intent nor what was given', () => {
    const given = transactionWith(100)
    const intent = parse(given)

    intent.bytes.fill(0)
    intent.digest.fill(0)

    expect(intent.bytes).toEqual(given)
    expect(bytesToHex(intent.digest)).toBe(keccak256(given))
    expect(given).toEqual(transactionWith(100))
  })

  it('are a copy: writing to what was given changes nothing', () => {
    const given = transactionWith(100)
    const intent = parse(given)

    given.fill(0)

    expect(intent.bytes).toEqual(transactionWith(100))
  })
})

describe('an intent of bytes that another thread rewrites meanwhile', () => {
  const [low, high] = [transactionWith(8_000, 1n), transactionWith(8_000, 2n)]
  const shared = new Uint8Array(new SharedArrayBuffer(low.length))
  let writer: Worker

  beforeAll(async () => {
    shared.set(low)
    writer = new Worker(REWRITE, { eval: true, workerData: { shared, low, high } })
    await once(writer, 'message')
  })
  afterAll(async () => {
    await writer.terminate()
  })

  it('shows what its digest is of', () => {
    for (let time = 0; time < 300; time += 1) {
      const { digest, bytes, shown } = read(shared)
      expect(digest).toBe(keccak256(bytes))
      expect(shown).toBe(parse(bytes).describe())
    }
  })
})

describe('the bytes of a card', () => {
  it('say whose they are', () => {
    const identity = Identity.generate('user')
    const { card } = identity.createPairing()

    expect(readCard(card)).toMatchObject({ role: 'user', identityKey: identity.identityKey })
  })

  it.each(Object.entries(VIEWS))('are read out of %s', (_, lay) => {
    const identity = Identity.generate('recovery')
    const { card } = identity.createPairing()

    expect(readCard(lay(card)).identityKey).toEqual(identity.identityKey)
  })

  it('are no card with any byte changed', () => {
    const { card } = Identity.generate('agent').createPairing()

    for (const position of card.keys())
      expect(() => readCard(changedAt(card, position))).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT' }),
      )
  })
})

describe('the bytes of a descriptor', () => {
  it('hash to the session id and name kind, parties and expiry', () => {
    const parties = strangers()
    const { agent } = keygenOf(parties)

    expect(Buffer.from(agent.sessionId)).toEqual(
      createHash('sha256').update(agent.descriptor).digest(),
    )
    expect(readDescriptor(agent.descriptor)).toEqual({
      kind: 'keygen',
      sessionId: agent.sessionId,
      walletId: expect.any(Object),
      initiator: 'agent',
      participants: ROLES.map((role, position) => ({
        index: position + 1,
        role,
        identityKey: parties.identities[role].identityKey,
      })),
      expiresAtMs: NOW + BigInt(MINUTE),
    })
  })

  it.each(Object.entries(VIEWS))('are read out of %s', (_, lay) => {
    const { agent } = keygenOf(strangers())

    expect(readDescriptor(lay(agent.descriptor)).sessionId).toEqual(agent.sessionId)
  })
})

describe('the bytes that open a vault', () => {
  const password = new TextEncoder().encode('correct horse')
  const fresh = new FreshKey('keychain')
  const key = fresh.expose()
  const wrapped = new Uint8Array([7, 8, 9])
  const { header } = fresh.createVault(wrapped)
  let withPassword: Uint8Array
  beforeAll(async () => {
    withPassword = (await Vault.createWithPassword(password, false)).header
  })

  it.each(Object.entries(VIEWS))('are taken out of %s', async (_, lay) => {
    const opened = await Vault.unlockWithPassword(lay(withPassword), lay(password))

    expect(opened.header).toEqual(withPassword)
    expect(Vault.unlockWithKey(lay(header), lay(key)).header).toEqual(header)
    expect(readVaultHeader(lay(header))).toEqual({ wrapper: 'keychain', wrapped })
    const another = new FreshKey('keychain').createVault(lay(wrapped))
    expect(readVaultHeader(another.header).wrapped).toEqual(wrapped)
  })

  it('were copied when the call returned: wiping the password changes nothing', async () => {
    const given = password.slice()

    const opening = Vault.unlockWithPassword(withPassword, given)
    given.fill(0)

    expect((await opening).header).toEqual(withPassword)
  })

  it('are copies: wiping the key that was exposed changes neither the key nor its vault', () => {
    const another = new FreshKey('keychain')
    const [first, second] = [another.expose(), another.expose()]
    const kept = first.slice()

    first.fill(0)

    expect(second).toEqual(kept)
    const made = another.createVault(wrapped)
    made.header.fill(0)
    expect(Vault.unlockWithKey(made.header, kept).header).toEqual(made.header)
  })

  it('open nothing with any byte of the header or of the key changed', () => {
    for (const position of header.keys())
      expect(() => Vault.unlockWithKey(changedAt(header, position), key)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^WRONG_PASSWORD|SHARE_UNREADABLE$/),
        }),
      )
    for (const position of key.keys())
      expect(() => Vault.unlockWithKey(header, changedAt(key, position))).toThrow(
        expect.objectContaining({ code: 'WRONG_PASSWORD' }),
      )
  })

  it('open nothing when there are none', () => {
    const nothing = password.slice()
    structuredClone(nothing.buffer, { transfer: [nothing.buffer] })

    expect(() => Vault.createWithPassword(nothing, false)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
    expect(() => Vault.unlockWithKey(header, nothing)).toThrow(
      expect.objectContaining({ code: 'WRONG_PASSWORD' }),
    )
  })
})

describe('the bytes of sealed records', () => {
  let kept: SealedWallet
  beforeAll(async () => {
    kept = await sealedWallet()
  })

  it.each(Object.entries(VIEWS))('are opened out of %s', (_, lay) => {
    const { vault, identity, walletId, sealedIdentity, records } = kept
    const laid = (prefix: string) =>
      recordsUnder(records, prefix).map(({ id, value }) => ({ id, value: lay(value) }))
    const store = vault.store(laid('session/'))

    const opened = Wallet.openSealed(identity, lay(walletId), store, laid('wallet/'), NOW)

    expect(vault.openIdentity(lay(sealedIdentity)).identityKey).toEqual(identity.identityKey)
    expect(opened).toMatchObject({ walletId, role: 'user', epoch: 1n, isCertified: true })
  })

  it('are copies: writing to what was sealed changes neither the store nor a session', async () => {
    const { session, batch, records } = await untilCommit()
    const values = write(records, batch).map((value) => value?.slice())

    const going = session.committed(NOW, values)
    for (const value of values) value?.fill(0)
    for (const { value } of batch.writes) value?.fill(0)

    expect(await going).toMatchObject({ dropped: [] })
  })

  it('open under no other id, in no other vault and with no byte changed', () => {
    const { vault, sealedIdentity, records } = kept
    const unreadable = expect.objectContaining({
      code: expect.stringMatching(/^WRONG_PASSWORD|SHARE_UNREADABLE$/),
    })

    for (const position of sealedIdentity.keys())
      expect(() => vault.openIdentity(changedAt(sealedIdentity, position))).toThrow(unreadable)
    expect(() => freshVault().openIdentity(sealedIdentity)).toThrow(unreadable)
    for (const [id, value] of records) {
      expect(() => vault.store([{ id: `session/${'00'.repeat(32)}`, value }])).toThrow(unreadable)
      expect(() => vault.store([{ id: `${id}x`, value }])).toThrow(unreadable)
    }
  })

  it('are no wallet when one is missing, moved to another wallet or of another party', () => {
    const { vault, identity, walletId, records } = kept
    const whole = recordsUnder(records, 'wallet/')
    const open = (own: Identity, id: Uint8Array, given: typeof whole) => () =>
      Wallet.openSealed(own, id, vault.store([]), given, NOW)
    const refused = expect.objectContaining({
      code: expect.stringMatching(/^SHARE_(UNREADABLE|ABSENT)$/),
    })

    expect(open(identity, walletId, [])).toThrow(refused)
    expect(open(identity, new Uint8Array(32), whole)).toThrow(refused)
    expect(open(Identity.generate('user'), walletId, whole)).toThrow(refused)
  })
})

describe('the bytes of a recovery', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })
  const later = NOW + BigInt(MINUTE)

  it.each(Object.entries(VIEWS))('are read out of %s', (_, lay) => {
    const { card } = Identity.generate('agent').createPairing()
    const open = (role: 'user' | 'recovery'): Recovery =>
      Recovery.open(wallets[role], lay(card), NOW)

    const survivor = open('user')
    for (const role of ['user', 'recovery'] as const)
      survivor.observe(lay(open(role).sign('approve', later)), NOW)

    expect(survivor.decide(NOW).state).toBe('approved')
  })

  it('say nothing with any byte changed', () => {
    const { card } = Identity.generate('agent').createPairing()
    const survivor = Recovery.open(wallets.user, card, NOW)
    const signed = survivor.sign('approve', later)

    for (const position of signed.keys())
      expect(() => survivor.observe(changedAt(signed, position), NOW)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^INVALID_INPUT|CEREMONY_REFUSED$/),
        }),
      )
    expect(survivor.decide(NOW)).toMatchObject({
      state: 'needs-approval',
      missing: ['user', 'recovery'],
    })
  })
})

describe('what a person signed about a recovery that this party knows nothing of', () => {
  const later = NOW + BigInt(MINUTE)
  const MAX_OF_A_KEY = 16
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })

  /** What the user's person says of another new agent each time. */
  function documents(count: number): Uint8Array[] {
    return Array.from({ length: count }, () => {
      const { card } = Identity.generate('agent').createPairing()
      return Recovery.open(wallets.user, card, NOW).sign('approve', later)
    })
  }

  it('is kept, for sixteen recoveries of a key and no more', () => {
    const signed = documents(MAX_OF_A_KEY + 1)
    const last = signed.pop() as Uint8Array
    for (const document of signed) Recovery.announce(wallets.recovery, document, NOW)

    expect(() => Recovery.announce(wallets.recovery, last, NOW)).toThrow(
      expect.objectContaining({ code: 'CEREMONY_REFUSED', message: expect.stringMatching(/16/) }),
    )
    for (const document of signed) Recovery.announce(wallets.recovery, document, NOW) // known ones
  })

  it('gives way to another when it has lapsed', async () => {
    const wallets = await committee()
    const open = (role: 'user' | 'recovery') => (_: unknown) => {
      const { card } = Identity.generate('agent').createPairing()
      return Recovery.open(wallets[role], card, NOW).sign('approve', NOW + 1n)
    }
    for (const document of Array.from({ length: MAX_OF_A_KEY }).map(open('user')))
      Recovery.announce(wallets.recovery, document, NOW)
    const { card } = Identity.generate('agent').createPairing()
    const next = Recovery.open(wallets.user, card, NOW).sign('approve', later)

    const { writes } = Recovery.announce(wallets.recovery, next, NOW + 2n)

    expect(writes.filter(({ kind }) => kind === 'delete')).toHaveLength(0) // kept in memory
    expect(() => Recovery.announce(wallets.recovery, next, NOW + 2n)).not.toThrow()
  })

  it('is refused from a key that is no approver of the wallet', async () => {
    const others = await committee()
    const { card } = Identity.generate('agent').createPairing()
    const signed = Recovery.open(others.user, card, NOW).sign('approve', later)

    expect(() => Recovery.announce(wallets.recovery, signed, NOW)).toThrow(
      expect.objectContaining({ code: 'CEREMONY_REFUSED' }),
    )
  })
})

describe('the bytes that start a refresh', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })

  it.each(Object.entries(VIEWS))('are taken out of %s', async (_, lay) => {
    const session = ReshareConsent.refresh(wallets.agent, NOW, MINUTE).start(NOW, MINUTE)
    const round0 = round0In(await session.begin(NOW, []), 'user')
    const { descriptor, descriptorSignature } = session
    const consent = ReshareConsent.refresh(wallets.user, NOW, MINUTE)

    const joined = consent.accept(lay(descriptor), lay(descriptorSignature), lay(round0), NOW)

    expect(joined.session?.sessionId).toEqual(session.sessionId)
    expect(readDescriptor(descriptor)).toMatchObject({ kind: 'refresh', initiator: 'agent' })
  })
})

describe('what travels', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
  })

  it.each(Object.entries(VIEWS))('is taken out of %s', async (_, lay) => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)

    const outcome = await user.begin(NOW, envelopesOf(requested.begun).map(lay))

    expect(outcome).toMatchObject({ kind: 'continue', round: 2, dropped: [] })
  })

  it('was copied when the call returned: rewriting the buffer changes nothing', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)
    const envelopes = envelopesOf(requested.begun).map((envelope) => envelope.slice())

    const round = user.begin(NOW, envelopes)
    for (const envelope of envelopes) envelope.fill(0)

    expect(await round).toMatchObject({ kind: 'continue', round: 2, dropped: [] })
  })

  it('was copied when the call returned: detaching the buffer changes nothing', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)
    const envelopes = envelopesOf(requested.begun).map((envelope) => envelope.slice())

    const round = user.begin(NOW, envelopes)
    structuredClone(envelopes, { transfer: envelopes.map(({ buffer }) => buffer) })

    expect(await round).toMatchObject({ kind: 'continue', round: 2, dropped: [] })
  })

  it('as an invitation was copied when the call returned: rewriting the buffers changes nothing', async () => {
    const { session, round0 } = await request({ wallets })
    const { descriptor, descriptorSignature } = session

    const opening = Invitation.open(wallets.user, descriptor, descriptorSignature, round0, NOW)
    for (const given of [descriptor, descriptorSignature, round0]) given.fill(0)

    expect((await opening).from).toBe('agent')
  })

  it.each(['', 'rent', '1 € für Æther', '漢字 🦀', 'x'.repeat(512)])(
    'carries a memo as it was written: %j',
    async (memo) => {
      const { invitation } = await request({ wallets, memo })

      expect(invitation.memo).toBe(memo)
    },
  )

  it('carries the payload as it was given', async () => {
    const given = transactionWith(1024)
    const asked = { wallets, payload: payload(given), path: [7, 0] }
    const reading = readBy(asked)

    const { invitation, cosigner } = await request(asked)

    expect(JSON.parse(invitation.describe(0))).toEqual(JSON.parse(reading.describe(0)))
    expect(authorizeInvited(wallets, { cosigner, invitation }).digests).toEqual(reading.digests)
    expect(reading.digests.map((digest) => bytesToHex(digest))).toEqual([keccak256(given)])
    expect(invitation.paths).toEqual([[7, 0]])
  })
})

function parse(bytes: Uint8Array): Intent {
  return Intent.parse(payload(bytes))
}

function payload(bytes: Uint8Array): PayloadInput {
  return { kind: 'evm.transaction', chain: 'eip155:1', bytes }
}

function read(memory: Uint8Array): { digest: Hex; bytes: Uint8Array; shown: string } {
  const intent = parse(memory)
  return { digest: bytesToHex(intent.digest), bytes: intent.bytes, shown: intent.describe() }
}

/** An unsigned transaction with so many bytes of calldata, none of them zero. */
function transactionWith(length: number, value = 1n): Uint8Array {
  const data = Uint8Array.from({ length }, (_, position) => 1 + ((position * 31) % 255))
  const to = `0x${'35'.repeat(20)}` as const
  const fields = { type: 'eip1559', chainId: 1, to, value, data: bytesToHex(data) } as const
  return toBytes(serializeTransaction({ ...fields, gas: 5_000_000n, maxFeePerGas: 1n }))
}

/** An unsigned transaction of so many bytes in all. */
function transactionOf(total: number): Uint8Array {
  const around = transactionWith(total - 100).length - (total - 100)
  const bytes = transactionWith(total - around)
  if (bytes.length !== total) throw new Error(`${bytes.length} bytes instead of ${total}`)
  return bytes
}
