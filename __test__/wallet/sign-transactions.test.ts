import { describe, expect, it, jest } from '@jest/globals'
import { keccak256, recoverAddress, toHex } from 'viem'
import {
  type CosignRequest,
  type MpcAgentWallet,
  PartyRole,
  type SignTransactionsParameters,
  type SignTransactionsReturnType,
} from '../../src/index.js'
import { createTestCommittee } from '../../src/testing/index.js'
import { sharedCommittee } from '../helpers/committee.js'
import { collect, nextEvent } from '../helpers/events.js'
import { noSessionLeft } from '../helpers/live-sessions.js'
import { payment } from '../helpers/payment.js'
import { roundOf, sending } from '../helpers/transports.js'

const committee = sharedCommittee()

type Transactions = SignTransactionsParameters['transactions']

/** A payment on a chain, by an account. */
function paymentOn(chainId: number, path: string, nonce = 0) {
  return { ...payment({ chainId, nonce }), chain: `eip155:${chainId}`, path }
}

/** Three payments that have nothing in common. */
const three = [paymentOn(1, 'm', 7), paymentOn(8_453, 'm/60/0'), paymentOn(31_337, 'm/60/1', 1)]
const digests = three.map(({ transaction }) => keccak256(transaction))

function payments(count: number) {
  return Array.from({ length: count }, (_, nonce) => payment({ nonce }))
}

/** Payments with so many bytes of calldata each. */
function large(count: number, bytes: number) {
  const data = toHex(new Uint8Array(bytes).fill(1))
  return Array.from({ length: count }, (_, nonce) => payment({ nonce, data }))
}

/** The addresses that signatures are of, by a library that is not ours. */
function signers({ signatures }: SignTransactionsReturnType, transactions: Transactions) {
  return Promise.all(
    signatures.map(({ r, s, yParity }, position) => {
      const hash = keccak256(transactions[position]?.transaction ?? '0x')
      return recoverAddress({ hash, signature: { r: toHex(r), s: toHex(s), yParity } })
    }),
  )
}

function accounts(wallet: MpcAgentWallet, transactions: Transactions) {
  return transactions.map(({ path = 'm' }) => wallet.deriveAccount({ path }).address)
}

describe('a batch', () => {
  it('is signed in order, each transaction for its own account and chain', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => true })
    const signed = await agent.signTransactions({ transactions: three })

    expect(await signers(signed, three)).toEqual(accounts(user, three))
    expect(signed.signatures.map(({ digest }) => toHex(digest))).toEqual(digests)
    expect(new Set(accounts(user, three)).size).toBe(3)
  })

  it('is one ceremony with one question, and one event of each kind at both sides', async () => {
    const { agent, user } = committee()
    const [requests, asked, answered] = [
      collect(user, 'request'),
      collect(agent, 'signed'),
      collect(user, 'signed'),
    ]
    const approve = jest.fn(() => true)
    await using _ = user.cosign({ approve })
    const answer = nextEvent(user, 'signed') // either side may be the first to have everything
    const { ceremonyId, bytesSent, bytesReceived } = await agent.signTransactions({
      transactions: three,
    })
    await answer

    expect(approve).toHaveBeenCalledTimes(1)
    expect(requests).toEqual([{ ceremonyId, digests, from: 'agent' }])
    expect(asked).toMatchObject([
      { ceremonyId, digests, with: 'user', initiated: true, bytesSent, bytesReceived },
    ])
    expect(answered).toMatchObject([{ ceremonyId, digests, with: 'agent', initiated: false }])
  })

  it('is shown to the co-signer with every transaction, in order, and with none outside the list', async () => {
    const { agent, user } = committee()
    const requests: CosignRequest[] = []
    await using _ = user.cosign({ approve: (request) => requests.push(request) > 0 })
    await agent.signTransactions({ transactions: three, memo: 'salaries' })

    const [request] = requests
    expect(Object.keys(request ?? {}).sort()).toEqual(
      ['ceremonyId', 'expiresAtMs', 'from', 'idempotencyKey', 'items', 'memo'].sort(),
    )
    expect(request?.memo).toBe('salaries')
    expect(request?.items).toMatchObject(
      three.map(({ chain, path }, position) => ({
        chain,
        path,
        account: agent.deriveAccount({ path }).address,
        digest: digests[position],
        effects: [{ kind: 'transfer' }, { kind: 'feeOnly' }],
      })),
    )
    expect(request?.items.map(({ transaction }) => transaction?.nonce)).toEqual([7n, 0n, 1n])
    expect(Object.isFrozen(request?.items)).toBe(true)
  })

  it('is signed by the recovery guardian as well', async () => {
    const { agent, recovery } = committee()
    await using _ = recovery.cosign({ approve: () => true })
    const cosigner = PartyRole.Recovery
    const signed = await agent.signTransactions({ transactions: three, cosigner })

    expect(await signers(signed, three)).toEqual(accounts(agent, three))
  })

  it('has up to 64 transactions', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => true })
    const transactions = payments(64).map((one, position) => ({ ...one, path: `m/${position}` }))
    const signed = await agent.signTransactions({ transactions })

    expect(await signers(signed, transactions)).toEqual(accounts(agent, transactions))
    await expect(agent.signTransactions({ transactions: payments(65) })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'transactions: must be a list of 1 to 64: split what is longer',
    })
  })

  it('has as many bytes as one invitation carries; with more it says that it must be split', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => true })
    const fits = large(2, 90_000)
    const signed = await agent.signTransactions({ transactions: fits })

    expect(await signers(signed, fits)).toEqual(accounts(agent, fits))
    await expect(agent.signTransactions({ transactions: large(2, 95_000) })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('split the batch'),
    })
  })

  it('signs a transaction that is there twice twice, with a nonce of its own each time', async () => {
    const { agent, user } = committee()
    const requests: CosignRequest[] = []
    await using _ = user.cosign({ approve: (request) => requests.push(request) > 0 })
    const transactions = [payment(), payment()]
    const signed = await agent.signTransactions({ transactions })

    expect(await signers(signed, transactions)).toEqual(accounts(agent, transactions))
    expect(new Set(signed.signatures.map(({ r }) => toHex(r))).size).toBe(2)
    expect(requests[0]?.items).toHaveLength(2) // whoever adds up counts it twice
  })

  it('may be changed as soon as the call is made', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => true })
    const bytes = three.map(({ transaction }) => Buffer.from(transaction.slice(2), 'hex'))
    const given = three.map((one, position) => ({ ...one, transaction: bytes[position] ?? '0x' }))
    const signing = agent.signTransactions({ transactions: given as Transactions })
    for (const one of bytes) one.fill(0)
    given.length = 0

    expect(await signers(await signing, three)).toEqual(accounts(agent, three))
  })

  it('runs beside others, both ways', async () => {
    const { agent, user } = committee()
    await using _user = user.cosign({ approve: () => true })
    await using _agent = agent.cosign({ approve: () => true })
    const batches = [payments(5), three, payments(2)]
    const signed = await Promise.all([
      ...batches.map((transactions) => agent.signTransactions({ transactions })),
      user.signTransactions({ transactions: three }),
    ])

    for (const [position, transactions] of [...batches, three].entries()) {
      const batch = signed[position] as SignTransactionsReturnType // one for each that was asked
      expect(await signers(batch, transactions)).toEqual(accounts(agent, transactions))
    }
    await noSessionLeft()
  })
})

describe('of a batch nothing is signed', () => {
  it('when the co-signer says no, whichever transaction it minds', async () => {
    const { agent, user } = committee()
    const [asked, answered] = [collect(agent, 'refused'), collect(user, 'refused')]
    const signed = [collect(agent, 'signed'), collect(user, 'signed')]
    await using _ = user.cosign({
      approve: ({ items }) => items.every(({ chain }) => chain !== 'eip155:8453'),
    })
    const answer = nextEvent(user, 'refused')
    await expect(agent.signTransactions({ transactions: three })).rejects.toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
    })
    await answer

    expect(asked).toMatchObject([{ digests, by: 'user' }])
    expect(answered).toMatchObject([{ digests, by: 'user' }])
    expect(signed).toEqual([[], []])
  })

  it('when the co-signer is not there', async () => {
    const { agent } = committee()
    const failed = nextEvent(agent, 'failed')
    await expect(
      agent.signTransactions({ transactions: three, timeoutMs: 50 }),
    ).rejects.toMatchObject({ code: 'COSIGNER_OFFLINE', culprits: ['user'] })

    expect(await failed).toMatchObject({ digests, code: 'COSIGNER_OFFLINE' })
  })

  it.each([0, 1, 2])(
    'and nothing leaves, when the transaction at %s cannot be read',
    async (position) => {
      await using wallets = await createTestCommittee({ record: true })
      const { agent, user, recorded } = wallets
      const requests = collect(user, 'request')
      await using _ = user.cosign({ approve: () => true })
      const sent = recorded.length
      const unreadable = { ...payment(), transaction: '0x03c0' as const }
      const refused = agent.signTransactions({
        transactions: three.with(position, unreadable as never),
      })

      await expect(refused).rejects.toMatchObject({
        code: 'PAYLOAD_REFUSED',
        message: expect.stringMatching(`^transactions\\[${position}\\]\\.transaction: `),
      })
      expect(recorded).toHaveLength(sent)
      expect(requests).toEqual([])
    },
  )

  it('when the last messages are lost the asking party gets no signature at all, and is warned', async () => {
    const line = { cut: false }
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport, role) =>
        sending(transport, async (envelope, pass) => {
          const isLost = line.cut && role === PartyRole.User && roundOf(envelope) === 3
          if (!isLost) await pass(envelope)
        }),
    })
    line.cut = true
    const [failed, signed] = [nextEvent(agent, 'failed'), nextEvent(user, 'signed')]
    await using _ = user.cosign({ approve: () => true })

    await expect(
      agent.signTransactions({ transactions: three, timeoutMs: 500 }),
    ).rejects.toMatchObject({ code: 'PROTOCOL_TIMEOUT', signatureMayExist: true })
    expect(await failed).toMatchObject({ digests, signatureMayExist: true })
    expect(await signed).toMatchObject({ digests })
    await close()
  })

  const [first, second] = payments(2)
  it.each<[string, unknown, string]>([
    ['there are no parameters', undefined, 'parameters'],
    ['there are no transactions', {}, 'transactions'],
    ['the transactions are no list', { transactions: { 0: first, length: 1 } }, 'transactions'],
    ['the list is empty', { transactions: [] }, 'transactions'],
    ['one is nothing', { transactions: [first, null] }, 'transactions[1]'],
    ['one is missing', { transactions: Object.assign([first], { 2: second }) }, 'transactions[1]'],
    [
      'the bytes of one are none',
      { transactions: [first, { ...second, transaction: '0x' }] },
      'transactions[1].transaction',
    ],
    [
      'the chain of one is not one of EVM',
      { transactions: [{ ...first, chain: 'bip122:0' }, second] },
      'transactions[0].chain',
    ],
    [
      'the path of one is hardened',
      { transactions: [first, second, { ...first, path: "m/44'" }] },
      'transactions[2].path',
    ],
    ['the co-signer is the caller', { transactions: [first], cosigner: 'agent' }, 'cosigner'],
    ['the memo moves the cursor', { transactions: [first], memo: 'a\u001b[2Jb' }, 'memo'],
    [
      'the timeout is over 55 minutes',
      { transactions: [first], timeoutMs: 3_300_001 },
      'timeoutMs',
    ],
  ])('when %s', async (_, parameters, field) => {
    const { agent } = committee()
    const error = await agent
      .signTransactions(parameters as SignTransactionsParameters)
      .catch((caught) => caught)

    expect(error).toMatchObject({ code: 'INVALID_INPUT' })
    expect(error.message.split(': ')[0]).toBe(field)
  })
})
