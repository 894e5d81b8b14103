// Asks the registry for advisories about the packages in package-lock.json. Exits 1 on one that
// matters, and with 3 when the registry has no answer: that is not a pass, and whoever calls this
// has to say so.
import { spawnSync } from 'node:child_process'
import { npm, root } from './checkout.mjs'

const UNREACHABLE =
  /\b(?:40[345]|50\d|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/

const { command, args } = npm(['audit', '--json'])
const { stdout, stderr } = spawnSync(command, args, {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
})
const answer = parse(stdout)

if (answer?.metadata?.vulnerabilities === undefined) {
  const why = String(answer?.message ?? answer?.error?.summary ?? stderr ?? '').split('\n', 1)[0]
  console.error(`the registry gave no advisories (${why.replace(/( - \w+)? https?:\S+/, '')})`)
  process.exit(UNREACHABLE.test(why) ? 3 : 1)
}

const found = Object.values(answer.vulnerabilities).filter(
  ({ severity }) => severity === 'high' || severity === 'critical',
)
for (const { name, severity, range } of found) console.error(`${severity}: ${name} ${range}`)
process.exit(found.length > 0 ? 1 : 0)

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
