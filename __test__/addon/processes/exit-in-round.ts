// Leaves while 60 rounds are queued or running, so many milliseconds after the first was started.
import { setTimeout as after } from 'node:timers/promises'
import { diagnostics } from '#native'
import { NOW, readyToCompute } from '../../helpers/native-committee.js'

const ready = []
for (let count = 0; count < 20; count += 1) ready.push(...(await readyToCompute()))

for (const { session, envelopes } of ready) void session.receive(NOW, envelopes)
await after(Number(process.argv[2]))
console.log(JSON.stringify({ rounds: diagnostics().rounds }))
process.exit(0)
