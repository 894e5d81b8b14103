import { describe, expect, it, jest } from '@jest/globals'
import { lastLine, PATIENCE_MS, runToEnd } from '../helpers/native-process.js'

const MEBIBYTE = 1024 * 1024

jest.setTimeout(PATIENCE_MS)

describe('20 workers that are terminated in the middle of rounds', () => {
  it('leave a process that holds no session, uses no processor, signs, and ends by itself', async () => {
    const process = await runToEnd('terminated-workers.ts')

    expect(process).toMatchObject({ code: 0, signal: null, stderr: '' })
    const { liveDuring, idleShare, signed } = lastLine(process) as Terminated
    expect(liveDuring).toBeGreaterThanOrEqual(20)
    expect(idleShare).toBeLessThan(0.2)
    expect(signed).toBe(true)
  })
})

describe('process.exit', () => {
  it.each(['0', '1', '5', '20', '50'])(
    '%s ms into a round ends the process with 0',
    async (delay) => {
      const process = await runToEnd('exit-in-round.ts', { arguments: [delay] })

      expect(process).toMatchObject({ code: 0, signal: null, stderr: '' })
      expect((lastLine(process) as { rounds: number }).rounds).toBeGreaterThan(0)
    },
  )
})

describe('sessions that nobody disposed', () => {
  it('are collected, 10,000 of them three times in the same memory, and their rounds are cancelled', async () => {
    const process = await runToEnd('forgotten-sessions.ts', {
      nodeArguments: ['--expose-gc'],
      env: { MPC_WALLET_THREADS: '1' },
    })

    expect(process).toMatchObject({ code: 0, signal: null, stderr: '' })
    const { generations, ofForgotten, live } = lastLine(process) as Forgotten
    for (const { made, live } of generations) {
      expect(made).toBeGreaterThanOrEqual(10_000)
      expect(live).toBe(0)
    }
    const [first, , third] = generations.map(({ rss }) => rss)
    expect(third).toBeLessThan((first ?? 0) + 16 * MEBIBYTE)
    // the pool's one thread may have finished the first round before its session was collected
    expect(ofForgotten.slice(1)).toEqual(['aborted', 'aborted'])
    expect(live).toBe(0)
  })
})

interface Terminated {
  readonly liveDuring: number
  readonly idleShare: number
  readonly signed: boolean
}

interface Forgotten {
  readonly generations: readonly {
    readonly made: number
    readonly live: number
    readonly rss: number
  }[]
  /** How the rounds ended whose sessions nobody held. */
  readonly ofForgotten: readonly string[]
  readonly live: number
}
