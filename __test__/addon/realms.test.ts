import { pathToFileURL } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from '@jest/globals'
import { readCard, type Session } from '#native'
import { MpcWalletError } from '../../src/errors.js'
import { envelopesOf, keygenOf, NOW, strangers } from '../helpers/native-committee.js'
import { TYPESCRIPT } from '../helpers/native-process.js'

describe('an error of the addon', () => {
  it('is of another realm under jest, and is read by its code all the same', () => {
    const error = caught(() => readCard(new Uint8Array(3)))

    expect(error instanceof Error).toBe(false)
    expect(MpcWalletError.wrap(error)).toMatchObject({ code: 'INVALID_INPUT', cause: error })
  })

  it('that rejects a promise is read by its code, and gets a stack of JavaScript', async () => {
    const { agent } = keygenOf(strangers())
    const round = agent.begin(NOW, [])
    agent.dispose()

    const wrapped = await round.catch((error: unknown) => MpcWalletError.wrap(error))

    expect(wrapped).toMatchObject({ code: 'SESSION_CLOSED' })
    expect((wrapped as MpcWalletError).stack).toContain('realms.test')
  })

  it('is read by its code in a context of its own', async () => {
    const { agent } = keygenOf(strangers())
    agent.dispose()

    const code = runInContext(
      'try { session.begin(now, []) } catch (error) { error.code }',
      createContext({ session: agent, now: NOW }),
    )

    expect(code).toBe('SESSION_CLOSED')
  })

  it('keeps its message when a worker sends it or dies of it, and is INTERNAL without its code', async () => {
    const worker = new Worker(new URL('processes/rejecting-worker.ts', import.meta.url), {
      execArgv: ['--no-warnings', '--import', pathToFileURL(TYPESCRIPT).href],
    })

    const [sent, fatal] = await Promise.all(
      ['message', 'error', 'exit'].map((event) => new Promise((heard) => worker.on(event, heard))),
    )

    expect(sent).toMatchObject({ message: 'the session was disposed during the round' })
    expect(fatal).toMatchObject({ message: 'the session has ended' })
    expect(MpcWalletError.wrap(sent)).toMatchObject({ code: 'INTERNAL', cause: sent })
  })
})

describe('a promise of the addon', () => {
  it('is awaited in a context of its own', async () => {
    const outcome = await awaitedElsewhere(keygenOf(strangers()).agent)

    expect(outcome).toMatchObject({ kind: 'continue', dropped: [] })
    expect(envelopesOf(outcome)).toHaveLength(2)
  })

  it('works with then, finally and Promise.all of this realm', async () => {
    const { agent, user } = keygenOf(strangers())
    let settled = 0

    const outcomes = await Promise.all(
      [agent, user].map((session) =>
        session.begin(NOW, []).finally(() => {
          settled += 1
        }),
      ),
    )

    expect(outcomes.map(({ kind }) => kind)).toEqual(['continue', 'continue'])
    expect(settled).toBe(2)
  })
})

async function awaitedElsewhere(session: Session) {
  const context = createContext({ session, now: NOW })
  return await runInContext('(async () => await session.begin(now, []))()', context)
}

function caught(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
