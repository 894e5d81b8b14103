import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { keccak256, toBytes } from 'viem'
import {
  type ConcludeRequestParameters,
  MemoryStore,
  type MpcAgentWallet,
  MpcWalletError,
  type RequestsFilter,
} from '../../src/index.js'
import { sharedCommittee } from '../helpers/committee.js'
import { FailingStore } from '../helpers/failing-store.js'
import { payment } from '../helpers/payment.js'
import {
  type Each,
  each,
  makeWallet,
  openWallet,
  type Records,
  recordsOf,
  storesWith,
} from '../helpers/stored-committee.js'

let made: Each<Records>
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  await using _ = await makeWallet(stores)
  made = await recordsOf(stores)
})

const invoice = { ...payment(), idempotencyKey: 'invoice 17' }
const UNKNOWN_ID = `0x${'7'.repeat(64)}` as const

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'done',
    (error: unknown) => MpcWalletError.wrap(error).code,
  )

async function cosigned(
  { agent, user }: Each<MpcAgentWallet>,
  parameters = invoice as Parameters<MpcAgentWallet['signTransaction']>[0],
  approve = () => true,
) {
  await using _ = user.cosign({ approve })
  return await agent.signTransaction(parameters)
}

/** A wallet whose agent stopped just when its share had left, opened again. */
async function withUnknown() {
  const stores = await storesWith(made)
  const failing = new FailingStore(stores.agent)
  const before = await openWallet({ ...stores, agent: failing })
  failing.cutIn(5, 'before') // reserved, decided, the session, the share, the signature
  await cosigned(before.wallets, { ...invoice, timeoutMs: 1_500 }).catch(() => {})
  await before.close()
  const opened = await openWallet(stores)
  const { requests } = await opened.wallets.agent.requests({ state: 'unknown' })
  const [request] = requests
  if (request === undefined) throw new Error('no request whose outcome is unknown')
  return { ...opened, stores, request }
}

const inMemory = sharedCommittee()

describe('the requests of a wallet', () => {
  it('are those that it made and those that it was asked for, each with how it ended', async () => {
    await using committee = await openWallet(await storesWith(made))
    const { agent, user } = committee.wallets
    const { r, s, yParity, recoveryId, digest } = await cosigned(committee.wallets)
    const refused = { ...payment({ nonce: 1 }) }
    await cosigned(committee.wallets, refused, () => false).catch(() => {})

    const own = await agent.requests()
    const asked = await user.requests()

    const signatures = [{ r, s, yParity, recoveryId, digest }]
    expect(own).toMatchObject({
      requests: [
        { side: 'initiator', state: 'signed', idempotencyKey: 'invoice 17', signatures },
        { side: 'initiator', state: 'rejected', failure: { code: 'CEREMONY_REFUSED' } },
      ],
      damaged: [],
    })
    expect(own.requests[1]).not.toHaveProperty('idempotencyKey')
    expect(asked.requests).toMatchObject([
      { side: 'cosigner', from: 'agent', state: 'signed', signatures },
      { side: 'cosigner', from: 'agent', state: 'rejected' },
    ])
    expect(asked.requests[0]).not.toHaveProperty('idempotencyKey')
  })

  it('are listed by side and state, and got by their id', async () => {
    await using committee = await openWallet(await storesWith(made))
    const { agent } = committee.wallets
    await cosigned(committee.wallets)

    const count = async (filter: RequestsFilter) => (await agent.requests(filter)).requests.length
    expect([
      await count({ side: 'initiator' }),
      await count({ side: 'cosigner' }),
      await count({ state: 'signed' }),
      await count({ state: 'unknown' }),
    ]).toEqual([1, 0, 1, 0])
    const [request] = (await agent.requests()).requests
    expect(await agent.request(request?.requestId ?? UNKNOWN_ID)).toEqual(request)
    expect(await agent.request(UNKNOWN_ID)).toBeUndefined()
  })

  it('that cannot be read are named and hide no others', async () => {
    const stores = await storesWith(made)
    await using committee = await openWallet(stores)
    const { agent } = committee.wallets
    await cosigned(committee.wallets)
    await cosigned(committee.wallets, { ...payment({ nonce: 1 }), idempotencyKey: 'invoice 18' })
    const [first] = await stores.agent.list('request/')
    const damagedId = first ?? ''
    await stores.agent.store(damagedId, new Uint8Array([1]))

    const { requests, damaged } = await agent.requests()

    expect(requests).toHaveLength(1)
    expect(damaged.map(({ code, message }) => [code, message.includes(damagedId)])).toEqual([
      ['LEDGER_CORRUPT', true],
    ])
    const requestId = `0x${damagedId.split('/').at(-1)}` as const
    expect(await codeOf(agent.request(requestId))).toBe('LEDGER_CORRUPT')
  })

  it.each([
    ['side', { side: 'nobody' }],
    ['state', { state: 'toString' }],
  ])('are not listed by %s in %p', async (field, filter) => {
    await using committee = await openWallet(await storesWith(made))

    await expect(committee.wallets.agent.requests(filter as never)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(`^${field}:`),
    })
  })

  it('of a party in memory are none that it remembers', async () => {
    const { agent } = inMemory()

    for (const call of [
      agent.requests(),
      agent.request(UNKNOWN_ID),
      agent.pruneRequests(),
      agent.concludeRequest({ requestId: UNKNOWN_ID, state: 'failed', reason: 'gone' }),
    ])
      expect(await codeOf(call)).toBe('INVALID_INPUT')
  })
})

describe('a request whose outcome is unknown', () => {
  const signature = {
    r: new Uint8Array(32).fill(1),
    s: new Uint8Array(32).fill(2),
    yParity: 1,
    digest: toBytes(keccak256(payment().transaction)),
  } as const

  it('that was found on the chain is confirmed, and its key gives the signature that was found', async () => {
    await using opened = await withUnknown()
    const { request, stores } = opened
    const { agent } = opened.wallets
    expect(request).toMatchObject({ idempotencyKey: 'invoice 17', failure: { retryable: false } })
    expect(await codeOf(agent.signTransaction(invoice))).toBe('OUTCOME_UNKNOWN')

    const concluded = await agent.concludeRequest({
      requestId: request.requestId,
      state: 'confirmed',
      signatures: [signature],
    })

    const kept = { ...signature, recoveryId: 1 }
    expect(concluded).toMatchObject({ state: 'confirmed', signatures: [kept] })
    const ceremonyId = `0x${'0'.repeat(64)}`
    expect(await agent.signTransaction(invoice)).toMatchObject({ ...kept, ceremonyId })
    await opened.close()
    await using again = await openWallet(stores)
    expect(await again.wallets.agent.signTransaction(invoice)).toMatchObject(kept)
  })

  it.each(['failed', 'expired'] as const)(
    'that can take no effect any more is %s, and its key says so',
    async (state) => {
      await using opened = await withUnknown()
      const { agent } = opened.wallets
      const { requestId } = opened.request

      const concluded = await agent.concludeRequest({ requestId, state, reason: 'nonce 0 is used' })

      expect(concluded).toMatchObject({ state, failure: { message: 'nonce 0 is used' } })
      await expect(agent.signTransaction(invoice)).rejects.toMatchObject({
        message: 'nonce 0 is used',
        retryable: false,
      })
      expect(await codeOf(agent.concludeRequest({ requestId, state, reason: 'again' }))).toBe(
        'INVALID_INPUT',
      )
    },
  )

  const reason = 'a'.repeat(512)
  it.each<[string, object]>([
    ['requestId', { requestId: '0x12', state: 'failed', reason }],
    ['requestId', { requestId: UNKNOWN_ID, state: 'failed', reason }],
    ['state', { state: 'signed', signatures: [signature] }],
    ['state', {}],
    ['reason', { state: 'failed' }],
    ['reason', { state: 'failed', reason: '' }],
    ['reason', { state: 'expired', reason: `${reason}a` }],
    ['reason', { state: 'expired', reason: '\ud800' }],
    ['signatures', { state: 'confirmed' }],
    ['signatures', { state: 'confirmed', signatures: [] }],
    ['signatures', { state: 'confirmed', signatures: Array(65).fill(signature) }],
    ['signatures\\[0\\]', { state: 'confirmed', signatures: [undefined] }],
    ['signatures\\[0\\].r', { state: 'confirmed', signatures: [{ ...signature, r: '0x12' }] }],
    [
      'signatures\\[1\\].s',
      { state: 'confirmed', signatures: [signature, { ...signature, s: new Uint8Array(33) }] },
    ],
    [
      'signatures\\[0\\].digest',
      { state: 'confirmed', signatures: [{ ...signature, digest: new Uint8Array(31) }] },
    ],
    [
      'signatures\\[0\\].yParity',
      { state: 'confirmed', signatures: [{ ...signature, yParity: 2 }] },
    ],
  ])('is not concluded by a wrong %s', async (field, parameters) => {
    await using opened = await withUnknown()
    const { agent } = opened.wallets
    const { requestId } = opened.request

    await expect(
      agent.concludeRequest({ requestId, ...parameters } as ConcludeRequestParameters),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(`^${field}:`),
    })
    expect((await agent.request(requestId))?.state).toBe('unknown')
  })

  it('takes a reason of 512 characters and 64 signatures', async () => {
    for (const conclusion of [
      { state: 'expired', reason },
      { state: 'confirmed', signatures: Array(64).fill(signature) },
    ] as const) {
      await using opened = await withUnknown()
      const { requestId } = opened.request
      const concluding = opened.wallets.agent.concludeRequest({ requestId, ...conclusion })
      expect((await concluding).state).toBe(conclusion.state)
    }
  })

  it('is never forgotten, and one that ended is after 90 days', async () => {
    const days = 24 * 3_600_000
    const real = Date.now
    let offset = 0
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => real() + offset)
    try {
      await using opened = await withUnknown()
      const { agent } = opened.wallets
      await cosigned(opened.wallets, { ...payment({ nonce: 1 }), idempotencyKey: 'invoice 18' })
      offset = 89 * days
      expect(await agent.pruneRequests()).toBe(0)
      offset = 91 * days
      expect(await agent.pruneRequests()).toBe(1)
      expect((await agent.requests()).requests).toMatchObject([{ state: 'unknown' }])
    } finally {
      clock.mockRestore()
    }
  })
})
