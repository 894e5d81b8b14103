import { describe, expect, it, jest } from '@jest/globals'
import { lastLine, PATIENCE_MS, runToEnd } from '../helpers/native-process.js'

jest.setTimeout(PATIENCE_MS)

describe('300 calls at once', () => {
  it('are taken or refused as busy; what was taken settles, what was refused signs later, and the process ends by itself', async () => {
    const process = await runToEnd('many-calls.ts', { env: { MPC_WALLET_THREADS: '1' } })

    expect(process).toMatchObject({ code: 0, signal: null, stderr: '' })
    const { taken, fulfilled, refused, codes, signed, rounds } = lastLine(process) as Calls
    expect(taken).toBeGreaterThanOrEqual(256)
    expect(taken + refused).toBe(300)
    expect(codes).toEqual(['NATIVE_BUSY'])
    expect(fulfilled).toBe(taken)
    expect(signed).toBe(refused)
    expect(rounds).toBe(0)
  })
})

describe('a pool that is full', () => {
  it('leaves files and timers to the event loop', async () => {
    const process = await runToEnd('full-pool.ts', { env: { MPC_WALLET_THREADS: '2' } })

    expect(process).toMatchObject({ code: 0, signal: null, stderr: '' })
    const { atStart, atEnd, lookUps, lags, rounds } = lastLine(process) as FullPool
    expect(atEnd.rounds).toBeGreaterThan(atStart.threads)
    expect(median(lookUps)).toBeLessThan(20)
    expect(median(lags)).toBeLessThan(20)
    expect(rounds).toBe(0)
  })
})

describe('the pool', () => {
  it.each([1, 3, 64])('has as many threads as MPC_WALLET_THREADS says: %i', async (wanted) => {
    expect(await threadsWith(String(wanted))).toBe(wanted)
  })

  it.each(['', '0', '65', '-1', '1.5', 'many'])(
    'has as many threads as without MPC_WALLET_THREADS when it says %j',
    async (nonsense) => {
      expect(await threadsWith(nonsense)).toBe(await threadsWith(undefined))
    },
  )
})

interface Calls {
  readonly taken: number
  readonly fulfilled: number
  readonly refused: number
  readonly codes: readonly string[]
  readonly signed: number
  readonly rounds: number
}

interface FullPool {
  readonly atStart: { readonly threads: number }
  readonly atEnd: { readonly rounds: number }
  /** Milliseconds. */
  readonly lookUps: readonly number[]
  readonly lags: readonly number[]
  readonly rounds: number
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

async function threadsWith(wanted: string | undefined): Promise<number> {
  const process = await runToEnd('load.ts', { env: { MPC_WALLET_THREADS: wanted } })
  return (lastLine(process) as { loaded: { threads: number } }).loaded.threads
}
