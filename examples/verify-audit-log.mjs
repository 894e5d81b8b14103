// Verifies an exported audit log, on any machine. Run:
//   node examples/verify-audit-log.mjs LOG IDENTITY_KEY [--head HEAD] [--json]
// LOG holds the lines of exportAuditLog, IDENTITY_KEY is the party's in hex, HEAD a file with a head that was kept.
// Exit code 0: as it was written. 1: broken. 2: it could not be looked at.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { headVerifier, parseHead, verifyAuditExport } from '@mpc-wallet/sdk/audit'

/** Lines end with a line feed and with nothing else: texts inside may hold other separators. */
const linesOf = (file) => readFileSync(file, 'utf8').replace(/\n$/, '').split('\n')

async function verify(log, identityKey, headFile) {
  const verifyHead = headVerifier(identityKey)
  if (headFile === undefined) return await verifyAuditExport(linesOf(log), { verifyHead })
  const knownHead = parseHead(linesOf(headFile)[0])
  if (knownHead === undefined) throw new Error('the head that was kept cannot be read')
  return await verifyAuditExport(linesOf(log), { verifyHead, knownHead })
}

const json = process.argv.includes('--json')
try {
  const options = { head: { type: 'string' }, json: { type: 'boolean' } }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  if (positionals.length !== 2) throw new Error('LOG and IDENTITY_KEY are needed')
  const { entries, signedEntries, lastHead } = await verify(...positionals, values.head)
  if (json) console.log(JSON.stringify({ intact: true, entries, signedEntries, lastHead }))
  else console.log(`intact: ${entries} entries, ${signedEntries} of them under a signed head`)
} catch (error) {
  const isBroken = error.code === 'AUDIT_BROKEN'
  process.exitCode = isBroken ? 1 : 2
  if (json) console.log(JSON.stringify({ intact: isBroken ? false : null, message: error.message }))
  else console.error(error.message)
}
