import { describe, expect, it } from '@jest/globals'
import { MemoryStore } from '../../src/storage/index.js'
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
import { randomNumbers } from '../helpers/random.js'

/** Two signed requests, and the ids of their records. */
async function twoRequests(): Promise<{ store: MemoryStore; first: string; second: string }> {
  const store = new MemoryStore()
  const { ledger } = await openLedger(store)
  await ledger.request(payment({ key: 'first' }), sign)
  const [first = ''] = await store.list('request/')
  await ledger.request(payment({ key: 'second' }), sign)
  const second = (await store.list('request/')).find((id) => id !== first) ?? ''
  return { store, first, second }
}

async function change(store: MemoryStore, id: string, changes: object): Promise<void> {
  const record = JSON.parse(Buffer.from((await store.load(id)) ?? []).toString())
  const sorted = Object.entries({ ...record, ...changes }).sort(([a], [b]) => (a < b ? -1 : 1))
  await store.store(id, Buffer.from(JSON.stringify(Object.fromEntries(sorted))))
}

const failure = { code: 'ABORTED', message: 'x', retryable: false }

describe('a damaged record of a request', () => {
  it.each<[string, (store: MemoryStore, id: string, other: string) => Promise<void>]>([
    ['empty', (store, id) => store.store(id, new Uint8Array())],
    ['no text', (store, id) => store.store(id, Uint8Array.of(0xff))],
    ['no JSON', (store, id) => store.store(id, Buffer.from('{'))],
    ['null', (store, id) => store.store(id, Buffer.from('null'))],
    ['a list', (store, id) => store.store(id, Buffer.from('[]'))],
    ['deep', (store, id) => store.store(id, Buffer.from('['.repeat(100_000)))],
    [
      'with a space',
      async (store, id) =>
        store.store(
          id,
          Buffer.concat([(await store.load(id)) ?? Buffer.alloc(0), Buffer.from(' ')]),
        ),
    ],
    ['of another version', (store, id) => change(store, id, { version: 2 })],
    ['of another kind', (store, id) => change(store, id, { schema: 'other' })],
    ['in a state that is none', (store, id) => change(store, id, { state: 'constructor' })],
    [
      'in a state that its result does not fit',
      (store, id) => change(store, id, { state: 'created' }),
    ],
    ['signing with nobody', (store, id) => change(store, id, { state: 'signing' })],
    ['signed and failed', (store, id) => change(store, id, { failure })],
    ['with a field more', (store, id) => change(store, id, { more: 1 })],
    ['of another key', (store, id) => change(store, id, { key: 'third' })],
    ['with a time before all time', (store, id) => change(store, id, { createdAtMs: -1 })],
    ['of another wallet', (store, id) => change(store, id, { walletId: sessionId(1) })],
    [
      'in the place of another',
      async (store, id, other) => store.store(id, (await store.load(other)) ?? Buffer.alloc(0)),
    ],
  ])('that is %s is named, runs no ceremony and hides no other', async (_, damage) => {
    const { store, first, second } = await twoRequests()
    await damage(store, first, second)

    const { ledger } = await openLedger(store)

    const asked = ledger.request(payment({ key: 'first' }), neverSign)
    await expect(asked).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
    await expect(asked).rejects.toThrow(first)
    const { requests, damaged } = await ledger.list()
    expect(requests).toMatchObject([{ key: 'second' }])
    expect(damaged).toMatchObject([{ code: 'LEDGER_CORRUPT' }])
    await expect(ledger.request(payment({ key: 'second' }), neverSign)).resolves.toMatchObject({
      result: signature,
    })
    expect(await ledger.prune()).toBe(0)
  })

  it.each([
    ['a code that is none', { ...failure, code: 'toString' }],
    ['a culprit that is none', { ...failure, culprits: ['nobody'] }],
    ['a field more', { ...failure, more: 1 }],
    ['nothing', null],
    ['a message that is none', { ...failure, message: 1 }],
    ['no word about retrying', { ...failure, retryable: 'yes' }],
  ])('whose failure has %s is named', async (_, damaged) => {
    const store = new MemoryStore()
    const { ledger } = await openLedger(store)
    await ledger.request(payment(), neverSign).catch(() => {})
    const [id = ''] = await store.list('request/')
    await change(store, id, { failure: damaged })

    await expect(ledger.request(payment(), neverSign)).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
    })
  })

  it('under an id that is none of the ledger is named and nothing else', async () => {
    const { store, first } = await twoRequests()
    for (const id of [`${first}/x`, `${first.slice(0, -1)}G`, `${first.slice(0, -64)}`])
      await store.store(id, Uint8Array.of(1))

    const { ledger } = await openLedger(store)

    const { requests, damaged } = await ledger.list()
    expect(requests).toHaveLength(2)
    expect(damaged).toHaveLength(3)
  })

  it('of any bytes is named, for a thousand changes', async () => {
    const { store, first } = await twoRequests()
    const { ledger } = await openLedger(store)
    const bytes = (await store.load(first)) ?? new Uint8Array()
    const random = randomNumbers(7)

    for (let round = 0; round < 1_000; round++) {
      const changed = Uint8Array.from(bytes)
      for (let flips = random(3); flips >= 0; flips--)
        changed[random(changed.length)] = random(3) === 0 ? random(256) : 0x20 + random(0x5f)
      await store.store(
        first,
        random(4) === 0 ? changed.subarray(0, random(changed.length)) : changed,
      )

      const { requests, damaged } = await ledger.list()

      expect([round, requests.length + damaged.length]).toEqual([round, 2])
      expect([round, requests.some(({ key }) => key === 'second')]).toEqual([round, true])
      for (const error of damaged) expect(error.code).toBe('LEDGER_CORRUPT')
    }
  })
})

describe('a damaged record of an open session', () => {
  /** A request whose ceremony was cut off after its session was opened. */
  async function openSession(): Promise<{ store: MemoryStore; id: string }> {
    const store = new MemoryStore()
    const failing = new FailingStore(store, { at: 2, cut: 'before' })
    await (await openLedger(failing)).ledger.request(payment(), sign).catch(() => {})
    const [id = ''] = await store.list('open-session/')
    return { store, id }
  }

  it.each<[string, (store: MemoryStore, id: string) => Promise<void>]>([
    ['empty', (store, id) => store.store(id, new Uint8Array())],
    ['null', (store, id) => store.store(id, Buffer.from('null'))],
    ['of another version', (store, id) => change(store, id, { version: 2 })],
    ['of another peer', (store, id) => change(store, id, { peer: sessionId(1) })],
    ['of another session', (store, id) => change(store, id, { sessionId: sessionId(1) })],
    ['without the word whether its share left', (store, id) => change(store, id, { shareLeft: 0 })],
  ])('that is %s counts against its peer, and its request is unknown', async (_, damage) => {
    const { store, id } = await openSession()
    await damage(store, id)

    const { ledger, recovery } = await openLedger(store)

    expect(recovery.lostVerdicts).toEqual(new Map([[peer, 1]]))
    expect(recovery.damaged).toMatchObject([{ code: 'LEDGER_CORRUPT' }])
    await expect(ledger.request(payment(), neverSign)).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    })
    expect((await openLedger(store)).recovery.lostVerdicts.size).toBe(0)
  })

  it('whose request is damaged too counts against its peer', async () => {
    const { store } = await openSession()
    const [request = ''] = await store.list('request/')
    await store.store(request, new Uint8Array())

    const { recovery } = await openLedger(store)

    expect(recovery.lostVerdicts).toEqual(new Map([[peer, 1]]))
    expect(recovery.damaged).toMatchObject([{ code: 'LEDGER_CORRUPT' }])
  })

  it('under an id that is none is named, and hides no other', async () => {
    const { store, id } = await openSession()
    await store.store(`${id}0`, new Uint8Array())

    const { recovery } = await openLedger(store)

    expect(recovery.lostVerdicts).toEqual(new Map([[peer, 1]]))
    expect(recovery.failed).toHaveLength(1)
    expect(recovery.damaged).toHaveLength(1)
  })
})
