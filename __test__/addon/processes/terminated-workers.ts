// Terminates 20 workers in the middle of rounds, waits until the addon holds nothing, and goes on.
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { diagnostics } from '#native'
import { committee, sign, signatureIn } from '../../helpers/native-committee.js'

const script = new URL('./worker-in-round.ts', import.meta.url)
const workers = Array.from({ length: 20 }, () => new Worker(script))
await Promise.all(workers.map((worker) => once(worker, 'message')))
const during = diagnostics()

const codes = await Promise.all(workers.map((worker) => worker.terminate()))
while (diagnostics().liveSessions > 0 || diagnostics().rounds > 0) await after(10)

const before = process.cpuUsage()
await after(500)
const { user, system } = process.cpuUsage(before)

const wallets = await committee()
const outcomes = await sign({ wallets })

console.log(
  JSON.stringify({
    codes: [...new Set(codes)],
    liveDuring: during.liveSessions,
    idleShare: (user + system) / 500_000,
    signed: signatureIn(outcomes.agent).r.length === 32,
  }),
)
