// Loads the binding through a loader, and prints what it is and does, or every cause of why it does not load.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
try {
  const { buildInfo, diagnostics } = require(process.argv[2] ?? '#native')
  console.log(JSON.stringify({ loaded: { ...buildInfo(), ...diagnostics() } }))
} catch (thrown) {
  const causes: string[] = []
  for (let error = thrown; error instanceof Error; error = error.cause) causes.push(error.message)
  console.log(JSON.stringify({ causes }))
}
