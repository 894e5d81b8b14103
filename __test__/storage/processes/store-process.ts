/**
 * A process that has a store open, for the tests that kill it.
 * Arguments: backend, directory, what to do; more where that says so.
 */
import fs from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { StoreBatch } from '../../../src/storage/index.js'
import { bytesOf, contents, durable } from '../../helpers/stores.js'

const [name = '', directory = '', task = '', argument = ''] = process.argv.slice(2)
const say = (text: string): void => {
  fs.writeSync(1, `${text}\n`)
}

/** Batch number n: a counter in three records, a record of its own, and one of an earlier batch gone. */
function batch(n: number): StoreBatch {
  return {
    writes: [
      ...['a', 'b', 'c'].map((id) => ({ kind: 'put', id, value: bytesOf(n, 2_000 + n) }) as const),
      { kind: 'create', id: `n/${n}`, value: bytesOf(n, 5_000) },
      { kind: 'delete', id: `n/${n - 2}` },
    ],
    readBack: [],
  }
}

/** Lets the process die before a call that changes files, and prints those that it made. */
function dieAt(step: number): void {
  let steps = 0
  const record = (call: string, target: unknown): void => {
    if (steps++ === step) process.kill(process.pid, 'SIGKILL')
    say(`${call} ${String(target)}`)
  }
  const names = new Map<number, string>()
  const shorten = (path: unknown): string =>
    String(path)
      .slice(directory.length + 1)
      .replace(/[0-9a-f]{64}/, 'record')
  const { openSync, writeFileSync, fsyncSync, renameSync, rmSync } = fs
  Object.assign(fs, {
    openSync: (...args: Parameters<typeof openSync>) => {
      const descriptor = openSync(...args)
      names.set(descriptor, shorten(args[0]))
      return descriptor
    },
    writeFileSync: (...args: Parameters<typeof writeFileSync>) => {
      record('write', names.get(Number(args[0])))
      writeFileSync(...args)
    },
    fsyncSync: (descriptor: number) => {
      record('flush', names.get(descriptor))
      fsyncSync(descriptor)
    },
    renameSync: (from: string, to: string) => {
      record('rename', shorten(from))
      renameSync(from, to)
    },
    rmSync: (...args: Parameters<typeof rmSync>) => {
      if (fs.existsSync(args[0])) record('remove', shorten(args[0]))
      rmSync(...args)
    },
  })
  syncBuiltinESMExports()
}

/** Becomes a user whom file modes bind, where the tests run as one whom they do not. */
function becomeOrdinary(): void {
  if (process.geteuid?.() !== 0) return
  process.setegid?.(Number(argument))
  process.seteuid?.(Number(argument))
}

const open = () => durable(name).open(directory)
const attempt = async (work: () => Promise<unknown>): Promise<void> => {
  try {
    await work()
    say('done')
  } catch (error) {
    say(String((error as { code?: unknown }).code))
  }
}

switch (task) {
  case 'hold': {
    await open()
    say('open')
    process.stdin.resume()
    break
  }
  case 'commit for ever': {
    const store = await open()
    for (let n = Number(argument); ; n++) {
      await store.commit(batch(n))
      say(String(n))
    }
  }
  case 'grow': {
    const store = await open()
    for (let n = 1; n <= Number(argument); n++)
      await store.commit({
        writes: ['a', 'b', 'c'].map((id) => ({
          kind: 'put',
          id,
          value: new Uint8Array(3_000).fill(n),
        })),
        readBack: [],
      })
    process.kill(process.pid, 'SIGKILL')
    break
  }
  case 'commit once': {
    const store = await open()
    say('asked')
    await store.commit({
      writes: [{ kind: 'put', id: 'a', value: bytesOf(1, 5_000) }],
      readBack: [],
    })
    say('acknowledged')
    await store.commit({ writes: [], readBack: ['a'] })
    say('read')
    break
  }
  case 'die at': {
    const store = await open()
    dieAt(Number(argument))
    await store.commit({
      writes: [
        { kind: 'put', id: 'a', value: bytesOf(2, 10) },
        { kind: 'create', id: 'new', value: bytesOf(2, 20) },
        { kind: 'delete', id: 'c' },
      ],
      readBack: [],
    })
    say('acknowledged')
    break
  }
  case 'open as an ordinary user': {
    createRequire(import.meta.url)('better-sqlite3') // while its files may be read
    ;new (createRequire(import.meta.url)('better-sqlite3'))(':memory:').close()
    becomeOrdinary()
    await attempt(open)
    break
  }
  case 'fill the disk': {
    const store = await open()
    await store.store('small', bytesOf(1, 1_000))
    const large = Array.from(
      { length: 8 },
      (_, n) => ({ kind: 'put', id: `large/${n}`, value: bytesOf(n, 1 << 20) }) as const,
    )
    await attempt(() => store.commit({ writes: large, readBack: [] }))
    await attempt(() => store.store('after', bytesOf(2, 1_000)))
    await store.close()
    const again = await open()
    say([...(await contents(again)).keys()].join())
    await again.close()
    break
  }
  default:
    throw new Error(`there is no task ${task}`)
}
