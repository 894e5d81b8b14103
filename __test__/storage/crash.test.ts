import { once } from 'node:events'
import { describe, expect, it } from '@jest/globals'
import type { KeyShareStore } from '../../src/index.js'
import { linesOf, runStore, startStore } from '../helpers/store-process.js'
import { bytesOf, contents, DURABLE, durable, filesIn, inDirectory } from '../helpers/stores.js'

/** The batch that a store ends with, after checking that all of it is there and nothing of the next. */
async function lastBatch(store: KeyShareStore): Promise<number> {
  const records = await contents(store)
  const created = [...records.keys()].flatMap((id) => /^n\/(\d+)$/.exec(id)?.[1] ?? []).map(Number)
  const n = Math.max(0, ...created)
  if (n === 0) expect(records.size).toBe(0)
  else {
    const counters = ['a', 'b', 'c'].map((id): [string, Uint8Array] => [id, bytesOf(n, 2_000 + n)])
    const recent = [n - 1, n]
      .filter((m) => m > 0)
      .map((m): [string, Uint8Array] => [`n/${m}`, bytesOf(m, 5_000)])
    expect(records).toEqual(new Map([...counters, ...recent.sort()]))
  }
  return n
}

describe.each(DURABLE)('a process with a $name store that is killed', (backend) => {
  it('between any two instructions leaves every batch whole, and every acknowledged one there', async () => {
    await inDirectory(async (directory) => {
      let last = 0
      for (const acknowledgements of [1, 7, 20, 33]) {
        const child = startStore(backend, directory, 'commit for ever', String(last + 1))
        let acknowledged = last
        for await (const line of linesOf(child)) {
          acknowledged = Number(line)
          if (acknowledged - last === acknowledgements) child.kill('SIGKILL')
        }

        const store = await backend.open(directory)
        last = await lastBatch(store)
        await store.close()
        expect([acknowledged, acknowledged + 1]).toContain(last)
      }
    })
  })

  it('does not keep the lock', async () => {
    await inDirectory(async (directory) => {
      const child = startStore(backend, directory, 'hold')
      for await (const _ of linesOf(child)) child.kill('SIGKILL')

      await (await backend.open(directory)).close()
    })
  })
})

describe('a file store whose process is killed inside a commit', () => {
  const backend = durable('file')
  const before = new Map([
    ['a', bytesOf(1, 10)],
    ['b', bytesOf(1, 10)],
    ['c', bytesOf(1, 10)],
  ])
  const after = new Map([
    ['a', bytesOf(2, 10)],
    ['b', bytesOf(1, 10)],
    ['new', bytesOf(2, 20)],
  ])

  async function prepare(directory: string): Promise<void> {
    const store = await backend.open(directory)
    for (const [id, value] of before) await store.store(id, value)
    await store.close()
  }

  it('flushes before it renames, and removes the journal last', async () => {
    await inDirectory(async (directory) => {
      await prepare(directory)
      const { stdout } = await runStore(backend, directory, 'die at', 'never')

      expect(stdout.trim().split('\n')).toEqual([
        ...['write store/records/record.next', 'flush store/records/record.next'],
        ...['write store/records/record.next', 'flush store/records/record.next'],
        'flush store/records',
        ...['write store/store.journal.next', 'flush store/store.journal.next'],
        ...['rename store/store.journal.next', 'flush store'],
        ...['rename store/records/record.next', 'rename store/records/record.next'],
        ...['remove store/records/record', 'flush store/records'],
        ...['remove store/store.journal', 'flush store'],
        'acknowledged',
      ])
    })
  })

  it('has all of the batch or nothing of it, whichever step was the last', async () => {
    const STEPS = 15
    const outcomes: string[] = []
    const killedAt = async (step: number): Promise<void> =>
      await inDirectory(async (directory) => {
        await prepare(directory)
        const { signal } = await runStore(backend, directory, 'die at', String(step))
        expect(signal).toBe('SIGKILL')

        const store = await backend.open(directory)
        const found = await contents(store)
        await store.close()
        const isAfter = found.has('new')
        expect(found).toEqual(isAfter ? after : before)
        expect(filesIn(directory).filter((name) => /next|journal/.test(name))).toEqual([])
        outcomes[step] = isAfter ? 'after' : 'before'
      })
    const steps = [...Array(STEPS).keys()]
    const worker = async (): Promise<void> => {
      for (let step = steps.shift(); step !== undefined; step = steps.shift()) await killedAt(step)
    }
    await Promise.all([worker(), worker()])

    // the rename of the journal decides
    expect(outcomes).toEqual([...Array(8).fill('before'), ...Array(7).fill('after')])
  })
})

describe('a process that holds a store', () => {
  it.each(DURABLE)('keeps another one out of the $name store, and is named', async (backend) => {
    await inDirectory(async (directory) => {
      const child = startStore(backend, directory, 'hold')
      for await (const _ of linesOf(child)) {
        await expect(backend.open(directory)).rejects.toMatchObject({
          code: 'STORE_LOCKED',
          retryable: true,
          message: expect.stringContaining(`process ${child.pid}`),
        })
        child.stdin?.end()
      }
      if (child.exitCode === null) await once(child, 'exit')
      expect(child.exitCode).toBe(0)
    })
  })
})
