import { describe, expect, it } from '@jest/globals'
import { exportAuditLog, openAuditLog, verifyAuditLog } from '../../src/audit/index.js'
import { MemoryStore } from '../../src/storage/index.js'
import { auditor, collect, walletId, writeLog } from '../helpers/audit.js'
import { FailingStore, type PowerCut } from '../helpers/failing-store.js'

const { signHead, verifyHead } = auditor()

describe('an audit log', () => {
  it('numbers what is appended, in the order of the calls', async () => {
    const store = new MemoryStore()
    const log = await openAuditLog({ store, signHead })

    const counts = Array.from({ length: 100 }, (_, count) => count + 1)
    const entries = await Promise.all(
      counts.map((count) => log.append({ kind: 'test.counted', facts: { count } })),
    )

    expect(entries.map(({ sequence }) => sequence)).toEqual(counts)
    expect(entries.map(({ facts }) => facts['count'])).toEqual(counts)
    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ entries: 100 })
  })

  it('writes what waits for the disk at the same time in few commits', async () => {
    const store = new FailingStore(new MemoryStore(), {
      at: Number.POSITIVE_INFINITY,
      cut: 'before',
    })
    const log = await openAuditLog({ store, signHead })

    await Promise.all(
      Array.from({ length: 64 }, () => log.append({ kind: 'test.counted', facts: {} })),
    )

    expect(store.commits).toBeLessThanOrEqual(3)
    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ signedEntries: 64 })
  })

  it('shares no commit that would be larger than a store takes', async () => {
    const sizes: number[] = []
    const store = new MemoryStore()
    const commit = store.commit.bind(store)
    store.commit = async (batch) => {
      sizes.push(batch.writes.length)
      return await commit(batch)
    }
    const log = await openAuditLog({ store, signHead })
    const deletions = Array.from(
      { length: 1_024 },
      (_, id) => ({ kind: 'delete', id: `${id}` }) as const,
    )

    await Promise.all(
      [deletions, [], deletions, deletions.slice(0, 1), deletions.slice(0, 1_023)].map(
        (alongWith) => log.append({ kind: 'test.counted', facts: {} }, alongWith),
      ),
    )

    expect(sizes).toEqual([1_024 + 3, 1_024 + 2, 1_024 + 3])
  })

  it('refuses one entry for what comes along with it, and writes those beside it', async () => {
    const store = new MemoryStore()
    await store.store('taken', new Uint8Array([1]))
    const log = await openAuditLog({ store, signHead })

    const appended = await Promise.allSettled(
      ['free 1', 'taken', 'free 2'].map((id) =>
        log.append({ kind: 'thing.made', facts: { id } }, [
          { kind: 'create', id, value: new Uint8Array([2]) },
        ]),
      ),
    )

    expect(appended).toMatchObject([
      { status: 'fulfilled', value: { sequence: 1 } },
      { status: 'rejected', reason: { code: 'STORE_RECORD_EXISTS' } },
      { status: 'fulfilled', value: { sequence: 2 } },
    ])
    expect(await store.load('taken')).toEqual(new Uint8Array([1]))
    expect(await store.list('free')).toEqual(['free 1', 'free 2'])
    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ entries: 2 })
  })

  it('goes on where it ended', async () => {
    const store = new MemoryStore()
    await writeLog(store, 3)
    await writeLog(store, 3)

    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ entries: 6 })
  })

  it('signs a head behind every 32nd entry, and one when it is closed', async () => {
    const store = new MemoryStore()
    await writeLog(store, 69)
    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ signedEntries: 64 })

    const log = await openAuditLog({ store, signHead })
    await log.close()

    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ signedEntries: 69 })
  })

  it('gives the same head again when nothing was written meanwhile', async () => {
    const log = await openAuditLog({ store: new MemoryStore(), signHead })
    expect(await log.seal()).toBeUndefined()
    await log.append({ kind: 'test.counted', facts: {} })

    expect(await log.seal()).toEqual(await log.seal())
  })

  it('writes an entry together with what it is about, or neither', async () => {
    const store = new MemoryStore()
    const log = await openAuditLog({ store, signHead })
    const value = new Uint8Array([1])
    const about = { kind: 'create', id: 'thing', value } as const
    await log.append({ kind: 'thing.made', facts: {} }, [about])

    await expect(log.append({ kind: 'thing.made', facts: {} }, [about])).rejects.toMatchObject({
      code: 'STORE_RECORD_EXISTS',
    })

    expect(await store.load('thing')).toEqual(value)
    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ entries: 1 })
    expect(await log.append({ kind: 'thing.seen', facts: {} })).toMatchObject({ sequence: 2 })
  })

  it('keeps facts as they were at the call', async () => {
    const log = await openAuditLog({ store: new MemoryStore(), signHead })
    const facts = { list: ['then'] }

    const appended = log.append({ kind: 'test.kept', facts })
    facts.list.push('later')

    expect((await appended).facts).toEqual({ list: ['then'] })
  })

  it.each([
    ['a kind with spaces', 'two words', {}],
    ['a kind that is too long', 'k'.repeat(65), {}],
    ['facts that are no JSON', 'test.kept', { amount: 1n }],
    ['facts without an end', 'test.kept', { text: 'x'.repeat(65_536) }],
  ])('refuses %s and goes on', async (_, kind, facts) => {
    const log = await openAuditLog({ store: new MemoryStore(), signHead })

    const refused = log.append({ kind, facts } as never)

    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(await log.append({ kind: 'test.kept', facts: {} })).toMatchObject({ sequence: 1 })
  })

  it('refuses one entry and writes those beside it', async () => {
    const log = await openAuditLog({ store: new MemoryStore(), signHead })

    const appended = await Promise.allSettled(
      ['test.kept', 'two words', 'test.kept'].map((kind) => log.append({ kind, facts: {} })),
    )

    expect(appended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('takes nothing more when it is closed, and writes what came before', async () => {
    const store = new MemoryStore()
    const log = await openAuditLog({ store, signHead })

    const last = log.append({ kind: 'test.counted', facts: {} })
    await log.close()
    await log.close()

    await expect(last).resolves.toMatchObject({ sequence: 1 })
    for (const call of [log.append({ kind: 'test.counted', facts: {} }), log.seal()])
      await expect(call).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
    expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ signedEntries: 1 })
  })

  it.each([
    ['its last entry was taken out', async (store: MemoryStore) => store.delete(id(5))],
    ['its last entry was changed', async (store: MemoryStore) => store.store(id(5), bytes('x'))],
    ['its end was changed', async (store: MemoryStore) => store.store('audit-tip', bytes('{}'))],
    ['its end was taken out', async (store: MemoryStore) => store.delete('audit-tip')],
  ])('is not opened when %s', async (_, damage) => {
    const store = new MemoryStore()
    await writeLog(store, 5)

    await damage(store)

    await expect(openAuditLog({ store, signHead })).rejects.toMatchObject({ code: 'AUDIT_BROKEN' })
  })

  it.each<PowerCut>(['before', 'after'])(
    'is whole when the power is cut %s any commit, and nobody was told of an entry that is not there',
    async (cut) => {
      for (let at = 1; at <= 34; at++) {
        const store = new MemoryStore()
        const failing = new FailingStore(store, { at, cut })
        let told = 0
        const log = await openAuditLog({ store: failing, signHead })
        await (async () => {
          for (; told < 33; told++) await log.append({ kind: 'test.counted', facts: {} })
          await log.close()
        })().catch(() => {})

        const { entries } = await verifyAuditLog(store, { verifyHead })

        expect(entries - told).toBe(cut === 'after' && at <= 33 ? 1 : 0)
        await writeLog(store, 1)
        expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ entries: entries + 1 })
      }
    },
  )

  it('goes on after a write that failed without saying whether it happened', async () => {
    for (const cut of ['before', 'after'] as const) {
      const store = new MemoryStore()
      const failing = new FailingStore(store, { at: 1, cut })
      const log = await openAuditLog({ store: failing, signHead })
      await expect(log.append({ kind: 'test.counted', facts: {} })).rejects.toThrow('power cut')
      failing.repair()

      const { sequence } = await log.append({ kind: 'test.counted', facts: {} })

      expect(sequence).toBe(cut === 'after' ? 2 : 1)
      expect(await verifyAuditLog(store, { verifyHead })).toMatchObject({ entries: sequence })
    }
  })

  it('is exported as one line for each record, each head behind its entry', async () => {
    const store = new MemoryStore()
    await writeLog(store, 33)

    const lines = await collect(exportAuditLog(store))

    expect(lines).toHaveLength(1 + 33 + 1)
    expect(lines[0]).toBe('{"schema":"audit-log","version":1}')
    expect(JSON.parse(lines[32] ?? '')).toMatchObject({
      sequence: 32,
      kind: 'test.counted',
      walletId,
    })
    expect(JSON.parse(lines[33] ?? '')).toHaveProperty('signature')
  })
})

function id(sequence: number): string {
  return `audit/${String(sequence).padStart(16, '0')}`
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
