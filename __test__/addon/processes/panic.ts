// Calls what panics in one place, again and again, and prints everything that can be seen of the error.
import { createRequire } from 'node:module'
import { inspect } from 'node:util'

const [addon = '', place = '', text = ''] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const { panicInJob, panicInFinish, panicInCall, Panicking, diagnostics, buildInfo } = require(addon)

const places: Record<string, () => unknown> = {
  'pool job': () => panicInJob(text),
  finish: () => panicInFinish(text),
  'synchronous call': () => panicInCall(text),
  factory: () => Panicking.create(text),
}

/** More often than the pool has places, so that one that is not given back is missed. */
const TIMES = 300

let last: unknown
let thrown = 0
for (let time = 0; time < TIMES; time += 1)
  try {
    await places[place]?.()
  } catch (error) {
    last = error
    thrown += 1
  }

console.log(inspect(last, { showHidden: true, depth: null }))
console.log(
  JSON.stringify({
    times: TIMES,
    thrown,
    error: { ...(last as object), ...ownOf(last) },
    rounds: diagnostics().rounds,
    features: buildInfo().features,
  }),
)

function ownOf(error: unknown): object {
  const { message, stack, cause } = error as Error
  return { message, stack, cause }
}
