import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { KeyShareStore, StoreBatch, StoreWrite } from '../../src/index.js'
import { BACKENDS, bytesOf, contents } from '../helpers/stores.js'

const MIB = 1 << 20

const HOSTILE_IDS = [
  '../../escape',
  '..',
  '.',
  '/etc/passwd',
  'C:\\Windows\\x',
  'a/b/c',
  'a',
  'A',
  'CON',
  'nul.txt',
  ' leading and trailing ',
  'line\nbreak\r\t\u0001\u007f',
  "'; DROP TABLE record; --",
  '%2e%2e%2f',
  '%',
  '_',
  '*?[a-z]',
  'é',
  'e\u0301',
  '\u{1f511}',
  '\ue000',
  '\ufeff',
  '\u202etxt.exe',
  'i',
  'İ',
  'ß',
  'SS',
  'x'.repeat(255),
  `${'x'.repeat(254)}y`,
  '\u{1f511}'.repeat(63),
  '__proto__',
  'constructor',
]

describe.each(BACKENDS)('the $name store', ({ open }) => {
  let directory: string
  let store: KeyShareStore

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mpc-wallet-store-'))
    store = await open(directory)
  })

  afterEach(async () => {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('gives back what was stored, and nothing where nothing was', async () => {
    await store.store('share', bytesOf(1, 3_300))

    expect(await store.load('share')).toEqual(bytesOf(1, 3_300))
    expect(await store.load('other')).toBeUndefined()
    expect([await store.exists('share'), await store.exists('other')]).toEqual([true, false])
  })

  it('replaces a value, with a longer and with a shorter one', async () => {
    for (const length of [10, 20_000, 3]) {
      await store.store('share', bytesOf(length, length))
      expect(await store.load('share')).toEqual(bytesOf(length, length))
    }
    expect(await store.list()).toEqual(['share'])
  })

  it('deletes, and says whether there was something', async () => {
    await store.store('share', bytesOf(1, 10))

    expect(await store.delete('share')).toBe(true)
    expect(await store.delete('share')).toBe(false)
    expect([await store.exists('share'), await store.load('share')]).toEqual([false, undefined])
    expect(await store.list()).toEqual([])
  })

  it('keeps a copy: what a caller does to its bytes afterwards changes nothing', async () => {
    const value = bytesOf(1, 10)
    await store.store('share', value)
    value.fill(0)
    ;(await store.load('share'))?.fill(0)

    expect(await store.load('share')).toEqual(bytesOf(1, 10))
  })

  it('takes a view into a larger buffer as what it shows', async () => {
    await store.store('share', bytesOf(1, 100).subarray(10, 20))
    expect(await store.load('share')).toEqual(bytesOf(1, 100).slice(10, 20))
  })

  it('takes values of no bytes, of 1 MiB, and no larger ones', async () => {
    await store.store('empty', new Uint8Array(0))
    await store.store('largest', bytesOf(1, MIB))

    expect(await store.load('empty')).toEqual(new Uint8Array(0))
    const largest = (await store.load('largest')) ?? new Uint8Array(0)
    expect(Buffer.compare(largest, bytesOf(1, MIB))).toBe(0)
    await expect(store.store('larger', new Uint8Array(MIB + 1))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('keeps hostile ids apart, each with its own value', async () => {
    const writes = HOSTILE_IDS.map(
      (id, seed): StoreWrite => ({ kind: 'create', id, value: bytesOf(seed, 40) }),
    )
    await store.commit({ writes, readBack: [] })

    expect(await contents(store)).toEqual(
      new Map(HOSTILE_IDS.map((id, seed) => [id, bytesOf(seed, 40)])),
    )
    for (const id of HOSTILE_IDS) expect(await store.delete(id)).toBe(true)
    expect(await store.list()).toEqual([])
  })

  it.each([
    ['the empty text', ''],
    ['256 bytes', 'x'.repeat(256)],
    ['256 bytes in 64 characters', '\u{1f511}'.repeat(64)],
    ['a NUL', 'a\0b'],
    ['half a character', 'a\ud83d'],
    ['a number', 7],
    ['nothing', undefined],
    ['an object', { toString: () => 'share' }],
  ])('refuses %s as an id, in every method', async (_, id) => {
    const wrong = id as string
    const value = bytesOf(1, 1)
    const refused = expect.objectContaining({ code: 'INVALID_INPUT' })

    await expect(store.store(wrong, value)).rejects.toEqual(refused)
    await expect(store.load(wrong)).rejects.toEqual(refused)
    await expect(store.delete(wrong)).rejects.toEqual(refused)
    await expect(store.exists(wrong)).rejects.toEqual(refused)
    await expect(store.commit({ writes: [], readBack: [wrong] })).rejects.toEqual(refused)
    for (const kind of ['put', 'create', 'delete'] as const)
      await expect(
        store.commit({ writes: [{ kind, id: wrong, value }], readBack: [] }),
      ).rejects.toEqual(refused)
  })

  it.each([
    ['no object', undefined],
    ['no list of writes', { readBack: [] }],
    ['no list to read back', { writes: [] }],
    ['a kind that there is not', { writes: [{ kind: 'erase', id: 'a' }], readBack: [] }],
    ['a put without a value', { writes: [{ kind: 'put', id: 'a' }], readBack: [] }],
    ['text as a value', { writes: [{ kind: 'put', id: 'a', value: '0x00' }], readBack: [] }],
    [
      'a hole',
      { writes: [undefined, { kind: 'put', id: 'a', value: bytesOf(1, 1) }], readBack: [] },
    ],
    ['4 097 writes', { writes: Array(4_097).fill({ kind: 'delete', id: 'a' }), readBack: [] }],
    ['4 097 reads', { writes: [], readBack: Array(4_097).fill('a') }],
    [
      'more than 64 MiB',
      {
        writes: Array(65).fill({ kind: 'put', id: 'a', value: new Uint8Array(MIB) }),
        readBack: [],
      },
    ],
  ])('refuses a batch of %s, and writes nothing of it', async (_, batch) => {
    const refused = store.commit(batch as unknown as StoreBatch)

    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(await store.list()).toEqual([])
  })

  it('takes the largest batches that it says it takes', async () => {
    const value = new Uint8Array(MIB)
    const ids = Array.from({ length: 64 }, (_, position) => `large/${position % 4}`)
    await store.commit({ writes: ids.map((id) => ({ kind: 'put', id, value })), readBack: [] })
    const writes = Array<StoreWrite>(4_096).fill({ kind: 'delete', id: 'small' })
    const read = await store.commit({ writes, readBack: Array(4_096).fill('small') })

    expect(await store.list()).toHaveLength(4)
    expect(read).toHaveLength(4_096)
  })

  it('lists ascending by UTF-8 bytes, by prefix, and by the letter', async () => {
    const ids = ['b', 'a/2', 'a/1', 'A/1', 'a0', 'a.', 'a', '\u{10ffff}', '\u{10ffff}z', '\ue000']
    for (const id of ids) await store.store(id, bytesOf(1, 1))

    expect(await store.list()).toEqual([
      ...['A/1', 'a', 'a.', 'a/1', 'a/2', 'a0', 'b', '\ue000', '\u{10ffff}', '\u{10ffff}z'],
    ])
    expect(await store.list('a/')).toEqual(['a/1', 'a/2'])
    expect(await store.list('A')).toEqual(['A/1'])
    expect(await store.list('\u{10ffff}')).toEqual(['\u{10ffff}', '\u{10ffff}z'])
    expect(await store.list('%')).toEqual([])
    await expect(store.list('a\0')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('makes a batch in order, and reads back what it came to', async () => {
    await store.store('old', bytesOf(1, 10))
    const read = await store.commit({
      writes: [
        { kind: 'put', id: 'a', value: bytesOf(2, 10) },
        { kind: 'delete', id: 'old' },
        { kind: 'create', id: 'old', value: bytesOf(3, 10) },
        { kind: 'put', id: 'a', value: bytesOf(4, 10) },
        { kind: 'create', id: 'passing', value: bytesOf(5, 10) },
        { kind: 'delete', id: 'passing' },
        { kind: 'delete', id: 'never there' },
      ],
      readBack: ['old', 'a', 'passing', 'a'],
    })

    expect(read).toEqual([bytesOf(3, 10), bytesOf(4, 10), undefined, bytesOf(4, 10)])
    expect(await store.list()).toEqual(['a', 'old'])
  })

  it.each([
    ['before the batch', ['there']],
    ['in the batch', ['a']],
  ])('writes nothing of a batch that creates what was there %s', async (_, [id = '']) => {
    await store.store('there', bytesOf(1, 10))
    await store.store('kept', bytesOf(2, 10))
    const batch: StoreBatch = {
      writes: [
        { kind: 'put', id: 'a', value: bytesOf(3, 10) },
        { kind: 'put', id: 'kept', value: bytesOf(4, 10) },
        { kind: 'delete', id: 'kept' },
        { kind: 'create', id, value: bytesOf(5, 10) },
        { kind: 'put', id: 'z', value: bytesOf(6, 10) },
      ],
      readBack: [],
    }

    await expect(store.commit(batch)).rejects.toMatchObject({
      code: 'STORE_RECORD_EXISTS',
      retryable: false,
    })
    expect(await contents(store)).toEqual(
      new Map([
        ['kept', bytesOf(2, 10)],
        ['there', bytesOf(1, 10)],
      ]),
    )
  })

  it('lets one of many concurrent creations win', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, seed) =>
        store.commit({
          writes: [
            { kind: 'create', id: 'once', value: bytesOf(seed, 10) },
            { kind: 'put', id: 'winner', value: Uint8Array.of(seed) },
          ],
          readBack: ['once'],
        }),
      ),
    )

    const won = outcomes.flatMap((outcome, seed) => (outcome.status === 'fulfilled' ? [seed] : []))
    expect(won).toHaveLength(1)
    const [seed = -1] = won
    expect(await store.load('once')).toEqual(bytesOf(seed, 10))
    expect(await store.load('winner')).toEqual(Uint8Array.of(seed))
  })

  it('keeps concurrent batches whole', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, seed) =>
        store.commit({
          writes: ['a', 'b', 'c'].map((id) => ({ kind: 'put', id, value: bytesOf(seed, 100) })),
          readBack: [],
        }),
      ),
    )

    const [a, b, c] = await store.commit({ writes: [], readBack: ['a', 'b', 'c'] })
    expect([b, c]).toEqual([a, a])
  })

  it('refuses everything once it is closed, but closing it again', async () => {
    await store.close()
    await store.close()

    const closed = expect.objectContaining({ code: 'SESSION_CLOSED' })
    await expect(store.store('a', bytesOf(1, 1))).rejects.toEqual(closed)
    await expect(store.load('a')).rejects.toEqual(closed)
    await expect(store.delete('a')).rejects.toEqual(closed)
    await expect(store.exists('a')).rejects.toEqual(closed)
    await expect(store.list()).rejects.toEqual(closed)
    await expect(store.commit({ writes: [], readBack: [] })).rejects.toEqual(closed)
  })
})
