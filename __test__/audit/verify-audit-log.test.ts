import { describe, expect, it } from '@jest/globals'
import {
  type AuditHead,
  exportAuditLog,
  headVerifier,
  openAuditLog,
  parseHead,
  verifyAuditExport,
  verifyAuditLog,
} from '../../src/audit/index.js'
import { MemoryStore } from '../../src/storage/index.js'
import { auditor, collect, writeLog } from '../helpers/audit.js'
import { randomNumbers } from '../helpers/random.js'

const { signHead, verifyHead, identityKey } = auditor()
const ENTRIES = 70 // heads behind 32 and 64

/** Lines of a log; line n is entry n up to the first head. */
async function exported(entries = ENTRIES, by = auditor()): Promise<string[]> {
  const store = new MemoryStore()
  await writeLog(store, entries, by)
  return await collect(exportAuditLog(store))
}

async function headOf(store: MemoryStore): Promise<AuditHead> {
  const log = await openAuditLog({ store, signHead })
  const head = await log.seal()
  if (head === undefined) throw new Error('an empty log')
  return head
}

function replaced(lines: readonly string[], position: number, ...line: string[]): string[] {
  return lines.toSpliced(position, 1, ...line)
}

function changed(line: string | undefined, change: object): string {
  return JSON.stringify({ ...JSON.parse(line ?? ''), ...change })
}

describe('an export of an audit log', () => {
  it('verifies with nothing but the identity key', async () => {
    const verdict = await verifyAuditExport(await exported(), {
      verifyHead: headVerifier(identityKey),
    })

    expect(verdict).toMatchObject({ entries: ENTRIES, signedEntries: 64 })
    expect(verdict.lastHead).toMatchObject({ sequence: 64 })
  })

  it('verifies when it is empty', async () => {
    expect(await verifyAuditExport(await exported(0), { verifyHead })).toEqual({
      entries: 0,
      signedEntries: 0,
    })
  })

  it.each<[string, string, (lines: string[]) => string[]]>([
    ['an entry taken out', 'entry 10 is missing', (lines) => lines.toSpliced(10, 1)],
    ['several taken out', 'entries 10 to 12 are missing', (lines) => lines.toSpliced(10, 3)],
    ['the first taken out', 'entry 1 is missing', (lines) => lines.toSpliced(1, 1)],
    [
      'two exchanged',
      'entry 10 is missing or out of order',
      (lines) => lines.toSpliced(10, 2, lines[11] ?? '', lines[10] ?? ''),
    ],
    [
      'one repeated',
      'entry 10 comes a second time',
      (lines) => lines.toSpliced(10, 0, lines[10] ?? ''),
    ],
    [
      'one moved to the end',
      'entry 10 is missing',
      (lines) => [...lines.toSpliced(10, 1), lines[10] ?? ''],
    ],
    [
      'facts changed',
      'entry 11 does not continue entry 10',
      (lines) => replaced(lines, 10, changed(lines[10], { facts: { count: 11 } })),
    ],
    [
      'a time changed',
      'entry 11 does not continue entry 10',
      (lines) => replaced(lines, 10, changed(lines[10], { timeMs: 0 })),
    ],
    [
      'the facts of an entry with a head changed',
      'entry 32 is not the one that its head was signed for',
      (lines) => replaced(lines, 32, changed(lines[32], { facts: {} })),
    ],
    [
      'one with a field more',
      'what follows entry 9 is unreadable',
      (lines) => replaced(lines, 10, changed(lines[10], { zero: 0 })),
    ],
    [
      'one in another spelling',
      'what follows entry 9 is unreadable',
      (lines) => replaced(lines, 10, ` ${lines[10]}`),
    ],
    ['junk', 'what follows entry 9 is unreadable', (lines) => replaced(lines, 10, 'junk')],
    ['an empty line', 'what follows entry 9', (lines) => lines.toSpliced(10, 0, '')],
    ['a head taken out', 'the head of entry 32 is missing', (lines) => lines.toSpliced(33, 1)],
    [
      'a head repeated',
      'the head of entry 32 comes a second time',
      (lines) => lines.toSpliced(33, 0, lines[33] ?? ''),
    ],
    [
      'a head moved back',
      'a head stands for entry 32',
      (lines) => lines.toSpliced(33, 1).toSpliced(31, 0, lines[33] ?? ''),
    ],
    [
      'a head of another time',
      'the head of entry 32 is not signed by this key',
      (lines) => replaced(lines, 33, changed(lines[33], { timeMs: 1 })),
    ],
    [
      'everything after a head cut off, but not the next head',
      'a head stands for entry 64',
      (lines) => [...lines.slice(0, 34), lines[66] ?? ''],
    ],
    ['no first line', 'its first line', (lines) => lines.slice(1)],
    ['nothing', 'it has no first line', () => []],
  ])('with %s is broken', async (_, message, damage) => {
    const lines = damage(await exported())

    const verdict = verifyAuditExport(lines, { verifyHead })

    await expect(verdict).rejects.toMatchObject({ code: 'AUDIT_BROKEN' })
    await expect(verdict).rejects.toThrow(message)
  })

  it('of another party is broken', async () => {
    const lines = await exported(ENTRIES, auditor(2))

    await expect(verifyAuditExport(lines, { verifyHead })).rejects.toThrow(
      'the head of entry 32 is not signed by this key',
    )
  })

  it('that was written anew by somebody without the key is broken at its first head', async () => {
    const store = new MemoryStore()
    await writeLog(store, ENTRIES, { ...auditor(), signHead: () => new Uint8Array(64) })

    await expect(verifyAuditLog(store, { verifyHead })).rejects.toThrow(
      'the head of entry 32 is not signed by this key',
    )
  })

  it('says of how many of its entries no head speaks: those can be changed unseen', async () => {
    const lines = await exported()
    const last = lines.length - 1

    const cut = await verifyAuditExport(lines.slice(0, last), { verifyHead })
    const rewritten = await verifyAuditExport(
      replaced(lines, last, changed(lines[last], { facts: {} })),
      { verifyHead },
    )

    expect(cut).toMatchObject({ entries: ENTRIES - 1, signedEntries: 64 })
    expect(rewritten).toMatchObject({ entries: ENTRIES, signedEntries: 64 })
  })

  it('any line of which is lost, repeated, changed or moved is broken, if a head was kept', async () => {
    const store = new MemoryStore()
    await writeLog(store, ENTRIES)
    const knownHead = await headOf(store)
    const lines = await collect(exportAuditLog(store))
    await verifyAuditExport(lines, { verifyHead, knownHead })
    const seed = 20_260
    const random = randomNumbers(seed)

    for (let round = 0; round < 200; round++) {
      // the last line is the kept head itself, and is not needed
      const at = 1 + random(lines.length - 2)
      const line = lines[at] ?? ''
      const digit = line.search(/\d/)
      const to = 1 + random(lines.length - 2)
      const damage = [
        () => lines.toSpliced(at, 1),
        () => lines.toSpliced(to, 0, line),
        () => replaced(lines, at, line.replace(/[a-f0-9](?=[^a-f0-9]*$)/, flipped)),
        () => replaced(lines, at, `${line.slice(0, digit)}7${line.slice(digit + 1)}`),
        () => lines.toSpliced(at, 1).toSpliced(to, 0, line),
        () => lines.slice(0, at),
      ][random(6)]
      const damaged = damage?.() ?? []
      if (damaged.join('\n') === lines.join('\n')) continue

      expect([
        seed,
        round,
        await verifyAuditExport(damaged, { verifyHead, knownHead }).catch(({ code }) => code),
      ]).toEqual([seed, round, 'AUDIT_BROKEN'])
    }
  })
})

describe('a head that was kept', () => {
  it('shows a log that was cut off', async () => {
    const store = new MemoryStore()
    await writeLog(store, 5)
    const knownHead = await headOf(store)

    const verdict = verifyAuditExport(await exported(4), { verifyHead, knownHead })

    await expect(verdict).rejects.toThrow('it ends with entry 4, and the head that was kept has 5')
  })

  it('shows a log that was written anew, even by this party', async () => {
    const store = new MemoryStore()
    const log = await openAuditLog({ store, signHead })
    for (let count = 0; count < 40; count++)
      await log.append({ kind: 'test.counted', facts: { count: 'otherwise' } })
    const knownHead = await log.seal()
    if (knownHead === undefined) throw new Error('an empty log')

    const verdict = verifyAuditExport(await exported(), { verifyHead, knownHead })

    await expect(verdict).rejects.toThrow(
      'entry 40 is not the one that the kept head was signed for',
    )
  })

  it('stands for its entries also where the log has no head', async () => {
    const store = new MemoryStore()
    await writeLog(store, 5)
    const knownHead = await headOf(store)

    expect(await verifyAuditExport(await exported(5), { verifyHead, knownHead })).toMatchObject({
      entries: 5,
      signedEntries: 5,
    })
  })

  it('of another key is refused', async () => {
    const store = new MemoryStore()
    await writeLog(store, 5)
    const knownHead = { ...(await headOf(store)), timeMs: 1 }

    await expect(verifyAuditExport(await exported(5), { verifyHead, knownHead })).rejects.toThrow(
      'the head that was kept is not signed by this key',
    )
  })

  it('is read from its one text, and from nothing else', async () => {
    const line = (await exported(32)).at(-1) ?? ''

    expect(parseHead(line)).toMatchObject({ sequence: 32 })
    for (const other of [` ${line}`, changed(line, { more: 1 }), 'null', '[]', '', '{}', '1'])
      expect(parseHead(other)).toBeUndefined()
  })
})

describe('the audit log in a store', () => {
  it.each<[string, string, (store: MemoryStore) => Promise<unknown>]>([
    ['an entry taken out', 'entry 10 is missing', (store) => store.delete(id('audit', 10))],
    [
      'two rows exchanged',
      'entry 10 is missing or out of order',
      async (store) => {
        const [ten, eleven] = [await store.load(id('audit', 10)), await store.load(id('audit', 11))]
        if (ten !== undefined) await store.store(id('audit', 11), ten)
        if (eleven !== undefined) await store.store(id('audit', 10), eleven)
      },
    ],
    [
      'bytes that are no text',
      'what follows entry 9 is unreadable',
      (store) => store.store(id('audit', 10), new Uint8Array([0xff, 0x0a])),
    ],
    [
      'a line break in an entry',
      'what follows entry 9 is unreadable',
      (store) => store.store(id('audit', 10), new TextEncoder().encode('{}\n{}')),
    ],
    [
      'an entry under another id',
      'entry 10 comes a second time',
      async (store) =>
        store.store('audit/x', (await store.load(id('audit', 10))) ?? new Uint8Array()),
    ],
    [
      'a head taken out',
      'the head of entry 32 is missing',
      (store) => store.delete(id('audit-head', 32)),
    ],
    [
      'its last entry taken out',
      'entry 70, its last, is missing',
      (store) => store.delete(id('audit', 70)),
    ],
    [
      'its end set back',
      'it goes on after entry 69',
      async (store) => {
        const other = new MemoryStore()
        await writeLog(other, 69)
        await store.store('audit-tip', (await other.load('audit-tip')) ?? new Uint8Array())
      },
    ],
  ])('with %s is broken', async (_, message, damage) => {
    const store = new MemoryStore()
    await writeLog(store, ENTRIES)
    await damage(store)

    const verdict = verifyAuditLog(store, { verifyHead })

    await expect(verdict).rejects.toMatchObject({ code: 'AUDIT_BROKEN' })
    await expect(verdict).rejects.toThrow(message)
  })
})

function id(prefix: string, sequence: number): string {
  return `${prefix}/${String(sequence).padStart(16, '0')}`
}

function flipped(digit: string): string {
  return digit === '0' ? '1' : '0'
}
