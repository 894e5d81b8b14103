import { describe, expect, it } from '@jest/globals'
import { openAuditLog, verifyAuditLog } from '../../src/audit/index.js'
import { MpcWalletError, type MpcWalletErrorCode } from '../../src/errors.js'
import { openRequestLedger, type SigningAttempt } from '../../src/ledger/index.js'
import { MemoryStore } from '../../src/storage/index.js'
import { auditor, walletId } from '../helpers/audit.js'
import { FailingStore } from '../helpers/failing-store.js'
import {
  neverSign,
  openLedger,
  payment,
  peer,
  sessionId,
  sign,
  signature,
} from '../helpers/ledger.js'

/** A ceremony that ends with an error, in a session or before it. */
function failing(error: MpcWalletError, { session = true, shareLeft = false } = {}) {
  return async (attempt: SigningAttempt): Promise<never> => {
    if (session) await attempt.openSession({ sessionId: sessionId(0xf00d), peer })
    if (shareLeft) await attempt.shareLeaves()
    throw error
  }
}

const offline = new MpcWalletError('COSIGNER_OFFLINE', 'no answer', { culprits: ['user'] })

describe('a request that is made again', () => {
  it('returns the signature that is stored, without a ceremony', async () => {
    const { ledger } = await openLedger(new MemoryStore())
    const first = await ledger.request(payment(), sign)

    const second = await ledger.request(payment(), neverSign)

    expect(first).toMatchObject({ result: signature, replayed: false })
    expect(second).toEqual({ ...first, replayed: true })
  })

  it('returns it after a restart too', async () => {
    const store = new MemoryStore()
    const { requestId } = await (await openLedger(store)).ledger.request(payment(), sign)

    const { ledger } = await openLedger(store)

    expect(await ledger.request(payment(), neverSign)).toEqual({
      requestId,
      result: signature,
      replayed: true,
    })
  })

  it('is the same in whatever order its proposal is written', async () => {
    const { ledger } = await openLedger(new MemoryStore())
    await ledger.request(payment({ proposal: { chain: 'eip155:1', nonce: 1 } }), sign)

    const again = ledger.request(payment({ proposal: { nonce: 1, chain: 'eip155:1' } }), neverSign)

    await expect(again).resolves.toMatchObject({ replayed: true })
  })

  it.each([
    ['has ended', false],
    ['runs', true],
  ])('for something else is refused when the first %s, and changes nothing', async (_, running) => {
    const { ledger } = await openLedger(new MemoryStore())
    let finish = (): void => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const first = ledger.request(payment(), async (attempt) => {
      if (running) await finished
      return await sign(attempt)
    })
    if (!running) await first

    const other = ledger.request(payment({ proposal: { chain: 'eip155:10' } }), neverSign)

    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', retryable: false })
    finish()
    await expect(first).resolves.toMatchObject({ result: signature })
    expect((await ledger.list()).requests).toHaveLength(1)
  })

  it('at the same time fifty times runs once, and all get its signature', async () => {
    const { ledger } = await openLedger(new MemoryStore())
    let ceremonies = 0

    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () =>
        ledger.request(payment(), async (attempt) => {
          ceremonies++
          return await sign(attempt)
        }),
      ),
    )

    expect(ceremonies).toBe(1)
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1)
    for (const { result } of outcomes) expect(result).toEqual(signature)
  })

  it('at the same time fifty times fails once for all, and can be made again', async () => {
    const { ledger } = await openLedger(new MemoryStore())
    let ceremonies = 0

    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () =>
        ledger.request(payment(), async (attempt) => {
          ceremonies++
          return await failing(offline)(attempt)
        }),
      ),
    )

    expect(ceremonies).toBe(1)
    for (const outcome of outcomes) expect(outcome).toEqual({ status: 'rejected', reason: offline })
    await expect(ledger.request(payment(), sign)).resolves.toMatchObject({ replayed: false })
  })

  it.each([
    ['another principal', { principal: 'other agent' }],
    ['another key', { key: 'invoice-18' }],
    ['the other side', { side: 'cosigner' }],
  ] as const)('for %s is another request', async (_, change) => {
    const { ledger } = await openLedger(new MemoryStore())
    const first = await ledger.request(payment(), sign)

    const second = await ledger.request(payment(change), sign)

    expect(second.replayed).toBe(false)
    expect(second.requestId).not.toBe(first.requestId)
  })

  it('for another wallet is another request', async () => {
    const store = new MemoryStore()
    await (await openLedger(store)).ledger.request(payment(), sign)

    const { ledger } = await openLedger(store, { walletId: `0x${'c3'.repeat(32)}` })

    expect((await ledger.list()).requests).toEqual([])
    await expect(ledger.request(payment(), sign)).resolves.toMatchObject({ replayed: false })
  })
})

describe('a request without a signature', () => {
  it.each<[MpcWalletErrorCode, 'initiator' | 'cosigner', boolean, string, boolean]>([
    ['COSIGNER_OFFLINE', 'initiator', true, 'failed', true],
    ['PROTOCOL_TIMEOUT', 'initiator', true, 'failed', true],
    ['SESSION_CLOSED', 'initiator', true, 'failed', true],
    ['NATIVE_BUSY', 'initiator', false, 'failed', true],
    ['PROTOCOL_CHEAT', 'initiator', true, 'failed', false],
    ['CEREMONY_REFUSED', 'initiator', true, 'rejected', false],
    ['PAYLOAD_REFUSED', 'initiator', false, 'rejected', false],
    ['ABORTED', 'initiator', true, 'rejected', false],
    ['CEREMONY_REFUSED', 'cosigner', false, 'rejected', false],
    ['PROTOCOL_TIMEOUT', 'cosigner', false, 'expired', false],
    ['PROTOCOL_TIMEOUT', 'cosigner', true, 'failed', false],
    ['SESSION_CLOSED', 'cosigner', true, 'failed', false],
  ])('after %s at the %s (session open: %s) is %s; runs again: %s', async (...row) => {
    const [code, side, session, state, again] = row
    const { ledger } = await openLedger(new MemoryStore())
    const error = new MpcWalletError(code, 'why', { culprits: ['user'] })
    const failed = ledger.request(payment({ side }), failing(error, { session }))
    await expect(failed).rejects.toBe(error)
    expect((await ledger.list()).requests).toMatchObject([
      { state, failure: { code, message: 'why', culprits: ['user'], retryable: again } },
    ])

    const second = ledger.request(payment({ side }), again ? sign : neverSign)

    if (again) await expect(second).resolves.toMatchObject({ result: signature })
    else await expect(second).rejects.toMatchObject({ code, culprits: ['user'], retryable: false })
  })

  it('whose share had left is unknown, and never runs again', async () => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)

    const first = ledger.request(payment(), failing(offline, { shareLeft: true }))

    await expect(first).rejects.toMatchObject({ code: 'COSIGNER_OFFLINE', signatureMayExist: true })
    for (const again of [ledger, (await openLedger(store)).ledger])
      await expect(again.request(payment(), neverSign)).rejects.toMatchObject({
        code: 'OUTCOME_UNKNOWN',
        signatureMayExist: true,
        retryable: false,
        culprits: ['user'],
      })
  })

  it('is unknown also when only the ceremony knows that the share left', async () => {
    const { ledger } = await openLedger(new MemoryStore())
    const error = new MpcWalletError('INTERNAL', 'a defect', { signatureMayExist: true })

    await expect(ledger.request(payment(), failing(error))).rejects.toBe(error)

    expect((await ledger.list({ state: 'unknown' })).requests).toHaveLength(1)
  })

  it('counts no lost verdict: its session ended in order', async () => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)
    await ledger.request(payment(), failing(offline)).catch(() => {})
    await ledger
      .request(payment({ key: 'other' }), failing(offline, { shareLeft: true }))
      .catch(() => {})

    const { recovery } = await openLedger(store)

    expect(recovery).toEqual({ lostVerdicts: new Map(), failed: [], unknown: [], damaged: [] })
  })

  it.each([
    ['confirmed', { state: 'confirmed', result: signature }],
    ['failed', { state: 'failed', reason: 'its nonce was used by another' }],
    ['expired', { state: 'expired', reason: 'its time has passed' }],
  ] as const)('can be concluded as %s by who looked at the chain', async (state, conclusion) => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)
    await ledger.request(payment(), failing(offline, { shareLeft: true })).catch(() => {})
    const [request] = (await ledger.list()).requests
    const requestId = request?.requestId ?? '0x'

    expect(await ledger.conclude(requestId, conclusion)).toMatchObject({ state })

    const again = (await openLedger(store)).ledger.request(payment(), neverSign)
    if (state === 'confirmed') await expect(again).resolves.toMatchObject({ result: signature })
    else
      await expect(again).rejects.toMatchObject({
        code: 'COSIGNER_OFFLINE',
        message: conclusion.reason,
        retryable: false,
      })
    await expect(ledger.conclude(requestId, conclusion)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it.each([
    ['no result', { state: 'confirmed' }],
    ['no reason', { state: 'failed' }],
    ['a state that is none', { state: 'gone', reason: 'x' }],
    ['a state that does not follow', { state: 'signed', result: 1 }],
  ])('is not concluded with %s', async (_, conclusion) => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)
    await ledger.request(payment(), failing(offline, { shareLeft: true })).catch(() => {})
    const [request] = (await ledger.list()).requests

    const concluded = ledger.conclude(request?.requestId ?? '0x', conclusion as never)

    await expect(concluded).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect((await ledger.list()).requests).toEqual([request])
  })
})

describe('a session of a request', () => {
  it('is on disk before its first message, and gone when it ended', async () => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)
    const open: number[] = []
    const count = async () => open.push((await store.list('open-session/')).length)

    await ledger.request(payment(), async (attempt) => {
      await count()
      await attempt.openSession({ sessionId: sessionId(1), peer })
      await count()
      await attempt.shareLeaves()
      await count()
      return signature
    })
    await count()

    expect(open).toEqual([0, 1, 1, 0])
  })

  it('is written together with what the caller has to write then', async () => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)
    const seen: (readonly string[])[] = []
    const write = (id: string) => ({ kind: 'put', id, value: Uint8Array.of(1) }) as const

    await ledger.request(payment(), async (attempt) => {
      await attempt.openSession({ sessionId: sessionId(1), peer }, [write('own/1')])
      seen.push(await store.list('own/'))
      await attempt.shareLeaves([write('own/2')])
      seen.push(await store.list('own/'))
      return signature
    })

    expect(seen).toEqual([['own/1'], ['own/1', 'own/2']])
  })

  it('may be followed by another as long as its share has not left', async () => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)

    await ledger.request(payment(), async (attempt) => {
      await attempt.openSession({ sessionId: sessionId(1), peer })
      await attempt.openSession({ sessionId: sessionId(2), peer })
      expect(await store.list('open-session/')).toEqual([expect.stringMatching(/0002$/)])
      return await sign(attempt)
    })

    expect(await store.list('open-session/')).toEqual([])
  })

  it('has no successor once its share has left', async () => {
    const { ledger } = await openLedger(new MemoryStore())

    const request = ledger.request(payment(), async (attempt) => {
      await sign(attempt)
      return await sign(attempt)
    })

    await expect(request).rejects.toMatchObject({ code: 'INTERNAL', signatureMayExist: true })
  })

  it('must be open for its share to leave', async () => {
    const { ledger } = await openLedger(new MemoryStore())

    const request = ledger.request(payment(), async (attempt) => {
      await attempt.shareLeaves()
      return signature
    })

    await expect(request).rejects.toMatchObject({ code: 'INTERNAL', signatureMayExist: false })
  })
})

describe('a ledger whose store fails', () => {
  it.each(['before', 'after'] as const)(
    'while a signature is written (%s) says that one exists',
    async (cut) => {
      const store = new MemoryStore()
      const failingStore = new FailingStore(store, { at: 3, cut })
      const { ledger } = await openLedger(failingStore)

      const request = ledger.request(payment(), sign)

      await expect(request).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        signatureMayExist: true,
        retryable: false,
      })
      failingStore.repair()
      const again = ledger.request(payment(), neverSign)
      if (cut === 'after') await expect(again).resolves.toMatchObject({ result: signature })
      else await expect(again).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    },
  )

  it('before anything left can be asked again when the store is back', async () => {
    const failingStore = new FailingStore(new MemoryStore(), { at: 2, cut: 'before' })
    const { ledger } = await openLedger(failingStore)
    await expect(ledger.request(payment(), sign)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      signatureMayExist: false,
      retryable: true,
    })

    failingStore.repair()

    await expect(ledger.request(payment(), sign)).resolves.toMatchObject({ result: signature })
  })
})

describe('the ledger', () => {
  it('takes no request before the recovery, and recovers once', async () => {
    const store = new MemoryStore()
    const audit = await openAuditLog({ store, signHead: auditor().signHead })
    const ledger = await openRequestLedger({ store, audit, walletId })

    const early = ledger.request(payment(), neverSign)

    await expect(early).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    await ledger.recoverAfterRestart(() => [])
    await expect(ledger.recoverAfterRestart(() => [])).rejects.toMatchObject({
      code: 'SESSION_BUSY',
    })
  })

  it.each([
    ['no side', { side: 'both' }],
    ['an empty principal', { principal: '' }],
    ['a principal that is too long', { principal: 'p'.repeat(129) }],
    ['an empty key', { key: '' }],
    ['a key that is too long', { key: 'k'.repeat(129) }],
    ['a key that is no text', { key: '\ud800' }],
    ['a proposal that is no JSON', { proposal: { value: 1n } }],
  ])('refuses a request with %s', async (_, change) => {
    const { ledger } = await openLedger(new MemoryStore())

    const request = ledger.request(payment(change as never), neverSign)

    await expect(request).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect((await ledger.list()).requests).toEqual([])
  })

  it('takes a principal and a key of 128 characters', async () => {
    const { ledger } = await openLedger(new MemoryStore())
    const longest = payment({ principal: 'p'.repeat(128), key: 'k'.repeat(128) })

    await expect(ledger.request(longest, sign)).resolves.toMatchObject({ replayed: false })
  })

  it('lists requests by the time of their creation, by side, principal and state', async () => {
    let now = 0
    const { ledger } = await openLedger(new MemoryStore(), { now: () => ++now })
    await ledger.request(payment({ key: 'second' }), sign)
    await ledger.request(payment({ key: 'first' }), failing(offline)).catch(() => {})
    await ledger.request(payment({ principal: peer, side: 'cosigner' }), sign)

    const keys = async (filter: Parameters<typeof ledger.list>[0]) =>
      (await ledger.list(filter)).requests.map(({ key }) => key)

    expect(await keys({})).toEqual(['second', 'first', 'invoice-17'])
    expect(await keys({ side: 'cosigner' })).toEqual(['invoice-17'])
    expect(await keys({ principal: 'agent' })).toEqual(['second', 'first'])
    expect(await keys({ state: 'failed' })).toEqual(['first'])
  })

  it('finds a request by its id', async () => {
    const { ledger } = await openLedger(new MemoryStore())
    const { requestId } = await ledger.request(payment(), sign)

    expect(await ledger.get(requestId)).toMatchObject({ requestId, state: 'signed' })
    expect(await ledger.get(sessionId(1))).toBeUndefined()
  })

  it('writes every change into the audit log, and neither key nor signature', async () => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)
    await ledger.request(payment(), failing(offline)).catch(() => {})
    await ledger.request(payment(), sign)

    await verifyAuditLog(store, { verifyHead: auditor().verifyHead })

    const ids = await store.list('audit/')
    const entries = await Promise.all(
      ids.map(async (id) => String(Buffer.from((await store.load(id)) ?? []))),
    )
    expect(entries.map((entry) => JSON.parse(entry).kind)).toEqual([
      'request.created',
      'request.signing',
      'request.failed',
      'request.retried',
      'request.signing',
      'request.shareLeft',
      'request.signed',
    ])
    expect(entries.join()).not.toMatch(/invoice|1111/)
  })
})

describe('old requests', () => {
  const day = 24 * 60 * 60 * 1_000

  it.each([
    ['just before its time', 90 * day - 1, 0],
    ['at its time', 90 * day, 1],
    ['after its time', 91 * day, 1],
  ])('are forgotten 90 days after they ended: %s', async (_, age, pruned) => {
    let now = 1_000
    const { ledger } = await openLedger(new MemoryStore(), { now: () => now })
    await ledger.request(payment(), sign)
    now += age

    expect(await ledger.prune()).toBe(pruned)

    expect((await ledger.list()).requests).toHaveLength(1 - pruned)
    const again = await ledger.request(payment(), sign)
    expect(again.replayed).toBe(pruned === 0)
  })

  it('are never forgotten while they are open or unknown', async () => {
    const { ledger } = await openLedger(new MemoryStore(), { retentionMs: 0 })
    await ledger
      .request(payment({ key: 'x' }), failing(offline, { shareLeft: true }))
      .catch(() => {})
    let finish = (): void => {}
    const running = ledger.request(payment(), async (attempt) => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return await sign(attempt)
    })
    await new Promise((resolve) => setImmediate(resolve))

    expect(await ledger.prune()).toBe(0)

    finish()
    await expect(running).resolves.toMatchObject({ result: signature })
    expect((await ledger.list({ state: 'unknown' })).requests).toHaveLength(1)
  })

  it('may be made again while they are being forgotten', async () => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store, { retentionMs: 0 })
    await ledger.request(payment(), failing(offline)).catch(() => {})
    const commit = store.commit.bind(store)
    let forget = (): void => {}
    const forgetting = new Promise<void>((reached) => {
      store.commit = async (batch) => {
        store.commit = commit
        reached()
        await new Promise<void>((resolve) => {
          forget = resolve
        })
        return await commit(batch)
      }
    })

    const pruned = ledger.prune()
    await forgetting
    const again = ledger.request(payment(), sign)
    forget()

    expect(await pruned).toBe(1)
    const { requestId } = await again
    expect(await ledger.get(requestId)).toMatchObject({ state: 'signed' })
  })

  it('make room when a principal has as many as it may; nothing else does', async () => {
    let now = 0
    const settings = { maxRequests: 3, retentionMs: 1_000, now: () => now }
    const { ledger } = await openLedger(new MemoryStore(), settings)
    for (const key of ['1', '2', '3']) await ledger.request(payment({ key }), sign)

    const full = ledger.request(payment({ key: '4' }), neverSign)

    await expect(full).rejects.toMatchObject({ code: 'LEDGER_FULL' })
    await ledger.request(payment({ key: '4', principal: 'other agent' }), sign)
    now = 1_000
    await expect(ledger.request(payment({ key: '4' }), sign)).resolves.toMatchObject({
      replayed: false,
    })
  })

  it('of one peer give way to its new ones, and not to those of the other', async () => {
    let now = 0
    const settings = { maxRequests: 4, now: () => ++now }
    const { ledger } = await openLedger(new MemoryStore(), settings)
    const asked = (principal: string, key: string) => payment({ side: 'cosigner', principal, key })
    await ledger.request(asked('honest', '0'), sign)

    for (let key = 0; key < 20; key++) await ledger.request(asked('flooding', `${key}`), sign)

    const { requests } = await ledger.list()
    expect(requests.filter(({ principal }) => principal === 'honest')).toHaveLength(1)
    expect(
      requests.filter(({ principal }) => principal === 'flooding').map(({ key }) => key),
    ).toEqual(['16', '17', '18', '19'])
  })
})
