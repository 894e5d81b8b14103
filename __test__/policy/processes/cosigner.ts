/**
 * One party with a SQLite store that co-signs by its policy alone, in a process of its own.
 * Arguments: directory, role. It says what it heard, and does what it is told.
 */
import { MpcAgentWallet, Party, type PartyRole, SqliteStore } from '../../../src/index.js'
import type { Heard, Told } from '../../helpers/cosigner-process.js'
import { PipedTransport } from '../../helpers/piped-transport.js'
import { keyWrapper } from '../../helpers/policy-committee.js'

const [directory = '', role = ''] = process.argv.slice(2)
const say = (heard: Heard): void => void process.send?.(heard)

const store = await SqliteStore.open({ path: `${directory}/store/wallet.db` })
const party = await Party.open({ role: role as PartyRole, store, unlock: { keyWrapper } })
const transport = new PipedTransport({ input: process.stdin, output: process.stdout })
const wallet = await MpcAgentWallet.open({ party, transport })
say({ event: 'ready', value: { identityKey: Buffer.from(party.identityKey).toString('hex') } })

for (const event of [
  'decided',
  'invitationDropped',
  'request',
  'refused',
  'failed',
  'signed',
  'statement',
] as const)
  wallet.on(event, (value) => say({ event, value }))
wallet.on('approvalRequested', async (request) => {
  say({ event: 'approvalRequested', value: request.idempotencyKey })
})
wallet.cosign()
process.on('message', async ({ statement }: Told) => {
  await wallet
    .takeStatement(statement)
    .catch(({ code }) => say({ event: 'failed', value: { code } }))
})
