import { describe, expect, it } from '@jest/globals'
import { verifyAuditLog } from '../../src/audit/index.js'
import type { Json } from '../../src/canonical-json.js'
import type { Hex } from '../../src/hex.js'
import type { CountLostVerdicts, SigningAttempt } from '../../src/ledger/index.js'
import { type KeyShareStore, MemoryStore, type StoreWrite } from '../../src/storage/index.js'
import { auditor } from '../helpers/audit.js'
import { FailingStore, type PowerCut } from '../helpers/failing-store.js'
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

const otherPeer: Hex = `0x${'d4'.repeat(32)}`
const PEERS: readonly [Hex, Hex] = [peer, otherPeer]
const { verifyHead } = auditor()

/** Counts lost verdicts in the store itself, as the native side does. */
function counting(store: KeyShareStore): CountLostVerdicts {
  return async (lostVerdicts) => {
    const writes: StoreWrite[] = []
    for (const [name, lost] of lostVerdicts) {
      const value = Uint8Array.of((await counted(store, name)) + lost)
      writes.push({ kind: 'put', id: `lost/${name}`, value })
    }
    return writes
  }
}

async function counted(store: KeyShareStore, name: Hex): Promise<number> {
  return (await store.load(`lost/${name}`))?.[0] ?? 0
}

/** What the outside world saw of one request. */
interface Seen {
  messages: number
  shareLeft: boolean
  result: Json | undefined
}

/** A ceremony whose messages the world sees, each after the ledger said that it may leave. */
function ceremony(seen: Seen, id: number, name: Hex = peer) {
  return async (attempt: SigningAttempt): Promise<Json> => {
    await attempt.openSession({ sessionId: sessionId(id), peer: name })
    seen.messages++
    await attempt.shareLeaves()
    if (seen.shareLeft) throw new Error('a second share left')
    seen.shareLeft = true
    return signature
  }
}

/** Runs until the power is cut. */
async function untilPowerCut(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => {})
}

describe('a process that is killed', () => {
  it.each<PowerCut>(['before', 'after'])(
    '%s any commit loses no request, signs nothing twice, and counts each lost verdict once',
    async (cut) => {
      for (let at = 1; at <= 5; at++) {
        const store = new MemoryStore()
        const seen: Seen = { messages: 0, shareLeft: false, result: undefined }
        await untilPowerCut(async () => {
          const failing = new FailingStore(store, { at, cut })
          const { ledger } = await openLedger(failing)
          seen.result = (await ledger.request(payment(), ceremony(seen, 1))).result
        })
        const stored = (await store.list('request/')).length
        const open = (await store.list('open-session/')).length

        const { ledger, recovery } = await openLedger(store, { count: counting(store) })

        expect((await ledger.list()).requests).toHaveLength(stored)
        expect(await counted(store, peer)).toBe(open)
        expect(recovery.lostVerdicts).toEqual(open === 1 ? new Map([[peer, 1]]) : new Map())
        const [request] = (await ledger.list()).requests
        if (seen.messages === 1) expect(request).toBeDefined()
        if (seen.shareLeft) expect(['unknown', 'signed']).toContain(request?.state)
        if (seen.result !== undefined) expect(request).toMatchObject({ state: 'signed' })
        if (request?.state === 'signed' || request?.state === 'unknown') {
          const again = ledger.request(payment(), neverSign)
          if (request.state === 'signed')
            await expect(again).resolves.toMatchObject({ result: signature })
          else await expect(again).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
        } else {
          // a new session of the same request
          const again = await ledger.request(payment(), ceremony(seen, 2))
          expect(again).toMatchObject({ result: signature, replayed: false })
        }
        await verifyAuditLog(store, { verifyHead })
        const { recovery: clean } = await openLedger(store, { count: counting(store) })
        expect(clean.lostVerdicts.size).toBe(0)
        expect(await counted(store, peer)).toBe(open)
      }
    },
  )

  it.each<PowerCut>(['before', 'after'])(
    '%s the commit of the recovery itself counts each lost verdict once',
    async (cut) => {
      const store = new MemoryStore()
      await leaveOpen(store, new Array(5).fill({ shareLeft: true, name: peer }))

      await untilPowerCut(() =>
        openLedger(new FailingStore(store, { at: 1, cut }), { count: counting(store) }),
      )
      await openLedger(store, { count: counting(store) })

      expect(await counted(store, peer)).toBe(5)
    },
  )

  it('with nine sessions open counts nine, and says which requests may have a signature', async () => {
    const store = new MemoryStore()
    await leaveOpen(store, [
      ...Array.from({ length: 4 }, () => ({ shareLeft: false, name: peer })),
      ...Array.from({ length: 5 }, () => ({ shareLeft: true, name: otherPeer })),
    ])

    const { ledger, recovery } = await openLedger(store)

    expect(recovery.lostVerdicts).toEqual(
      new Map([
        [peer, 4],
        [otherPeer, 5],
      ]),
    )
    expect(recovery.failed).toHaveLength(4)
    expect(recovery.unknown).toHaveLength(5)
    expect((await ledger.list({ state: 'unknown' })).requests).toHaveLength(5)
    expect((await ledger.list({ state: 'failed' })).requests).toHaveLength(4)
  })

  it('with more sessions open than one entry of the audit log can name counts them all', async () => {
    const store = new MemoryStore()
    await leaveOpen(store, new Array(600).fill({ shareLeft: false, name: peer }))

    const lost: number[] = []
    const { recovery } = await openLedger(store, {
      count: (lostVerdicts) => {
        lost.push(lostVerdicts.get(peer) ?? 0)
        return []
      },
    })

    expect(lost).toEqual([256, 256, 88])
    expect(recovery.lostVerdicts).toEqual(new Map([[peer, 600]]))
    expect(recovery.failed).toHaveLength(600)
    expect(await store.list('open-session/')).toEqual([])
  })

  it('whose store shows a session that its request has left behind decides by the present one', async () => {
    const store = new MemoryStore()
    await leaveOpen(store, [{ shareLeft: false, name: peer }])
    const [id = ''] = await store.list('open-session/')
    const record = String(Buffer.from((await store.load(id)) ?? []))
    const behind = record.replaceAll(sessionId(0), sessionId(9)).replace('false', 'true')
    await store.store(id.replace(/.$/, '9'), Buffer.from(behind))

    const { recovery } = await openLedger(store)

    expect(recovery).toMatchObject({ lostVerdicts: new Map([[peer, 2]]), unknown: [] })
    expect(recovery.failed).toHaveLength(1)
  })

  it('as a co-signer does not take up the session again', async () => {
    const store = new MemoryStore()
    const asked = payment({ side: 'cosigner', principal: peer, key: sessionId(1) })
    await untilPowerCut(async () => {
      const failing = new FailingStore(store, { at: 2, cut: 'before' })
      await (await openLedger(failing)).ledger.request(asked, sign)
    })

    const { ledger, recovery } = await openLedger(store)

    expect(recovery.failed).toHaveLength(1)
    await expect(ledger.request(asked, neverSign)).rejects.toMatchObject({
      code: 'SESSION_CLOSED',
      retryable: false,
    })
  })

  it('at any moment of many requests leaves a ledger that agrees with the world', async () => {
    let lostInAll = 0
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomNumbers(seed)
      const store = new MemoryStore()
      const world = new Map<string, Seen>()
      let sessions = 0
      const lost = new Set<string>() // every session that some process found open at its start
      for (let life = 0; life < 6; life++) {
        for (const id of await store.list('open-session/')) lost.add(id)
        const cut = random(2) === 0 ? 'before' : 'after'
        const failing = new FailingStore(store, { at: 1 + random(25), cut })
        await untilPowerCut(async () => {
          const { ledger } = await openLedger(failing, { count: counting(store) })
          const calls = Array.from({ length: 8 }, async () => {
            const key = `key ${random(4)}`
            const seen = world.get(key) ?? { messages: 0, shareLeft: false, result: undefined }
            world.set(key, seen)
            sessions++
            const run = ceremony(seen, sessions, PEERS[random(2)])
            seen.result = (await ledger.request(payment({ key }), run)).result
          })
          await Promise.allSettled(calls)
        })
      }
      for (const id of await store.list('open-session/')) lost.add(id)
      const { ledger } = await openLedger(store, { count: counting(store) })
      const { requests, damaged } = await ledger.list()

      expect([seed, damaged]).toEqual([seed, []])
      for (const [key, seen] of world) {
        const request = requests.find((found) => found.key === key)
        if (seen.messages > 0) expect([seed, request?.key]).toEqual([seed, key])
        if (seen.result !== undefined) expect([seed, request?.result]).toEqual([seed, seen.result])
        if (seen.shareLeft)
          expect([seed, ['signed', 'unknown'].includes(request?.state ?? '')]).toEqual([seed, true])
        if (request?.state === 'failed') expect([seed, seen.shareLeft]).toEqual([seed, false])
      }
      for (const name of PEERS)
        expect([seed, await counted(store, name)]).toEqual([
          seed,
          [...lost].filter((id) => id.includes(name.slice(2))).length,
        ])
      lostInAll += lost.size
      await verifyAuditLog(store, { verifyHead })
    }
    expect(lostInAll).toBeGreaterThan(20)
  })
})

/** Requests in the middle of their ceremonies when the power goes. */
async function leaveOpen(
  store: MemoryStore,
  sessions: readonly { readonly shareLeft: boolean; readonly name: Hex }[],
): Promise<void> {
  const { ledger } = await openLedger(store)
  const opened = sessions.map(
    ({ shareLeft, name }, number) =>
      new Promise<void>((resolve) => {
        void ledger.request(payment({ key: `open ${number}` }), async (attempt) => {
          await attempt.openSession({ sessionId: sessionId(number), peer: name })
          if (shareLeft) await attempt.shareLeaves()
          resolve()
          return await new Promise<never>(() => {})
        })
      }),
  )
  await Promise.all(opened)
}
