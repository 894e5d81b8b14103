// Looks a file up and waits for timers, again and again, while more rounds than there are threads wait for the pool.
import { stat } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'
import { diagnostics } from '#native'
import { NOW, readyToCompute } from '../../helpers/native-committee.js'

const ready = []
for (let count = 0; count < 24; count += 1) ready.push(...(await readyToCompute()))

const rounds = ready.map(({ session, envelopes }) => session.receive(NOW, envelopes))
const atStart = diagnostics()
const lookUps: number[] = []
const lags: number[] = []
for (let time = 0; time < 30; time += 1) {
  lookUps.push(await took(() => stat(process.execPath)))
  lags.push((await took(() => after(1))) - 1)
}
const atEnd = diagnostics()
for (const { session } of ready) session.cancel()
await Promise.all(rounds)

console.log(JSON.stringify({ atStart, atEnd, lookUps, lags, rounds: diagnostics().rounds }))

async function took(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await action()
  return performance.now() - start
}
