/**
 * One party with a SQLite store, in a process that kills itself at a step of a ceremony.
 * Arguments: directory, role, ceremony, what ends it (`commit` or `send`), its number counted from 1, and whether
 * before or after. What it needs to know besides comes as a message, and the ceremony begins with that.
 */
import { once } from 'node:events'
import {
  type KeyShareStore,
  MpcAgentWallet,
  Party,
  type PartyRole,
  SqliteStore,
  type StoreBatch,
  type WalletId,
} from '../../../src/index.js'
import type { Task } from '../../helpers/party-process.js'
import { payment } from '../../helpers/payment.js'
import { PipedTransport } from '../../helpers/piped-transport.js'
import { keyWrapper } from '../../helpers/stored-committee.js'
import { sending } from '../../helpers/transports.js'

const [directory = '', role = '', ceremony = '', what = '', number = '', when = ''] =
  process.argv.slice(2)
let armed = false
let count = 0

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** Runs one step, and dies before or after it if it is the one. */
async function step<Result>(kind: string, run: () => Promise<Result>): Promise<Result> {
  const isLast = armed && kind === what && ++count === Number(number)
  if (isLast && when === 'before') die()
  const result = await run()
  if (isLast) die()
  return result
}

/** A store whose commits that write are steps. */
function stepping(store: KeyShareStore): KeyShareStore {
  return {
    store: (id, share) => store.store(id, share),
    load: (id) => store.load(id),
    delete: (id) => store.delete(id),
    exists: (id) => store.exists(id),
    list: (prefix) => store.list(prefix),
    close: () => store.close(),
    commit: async (batch: StoreBatch) =>
      batch.writes.length === 0
        ? await store.commit(batch)
        : await step('commit', () => store.commit(batch)),
  }
}

const store = stepping(await SqliteStore.open({ path: `${directory}/store/wallet.db` }))
const party = await Party.open({ role: role as PartyRole, store, unlock: { keyWrapper } })
process.send?.({ card: party.card, identityKey: Buffer.from(party.identityKey).toString('hex') })
const [{ cards = [], documents = [], replacement = '', walletId = '' }] = (await once(
  process,
  'message',
)) as [Task]
const piped = new PipedTransport({ input: process.stdin, output: process.stdout })
const transport = sending(piped, (envelope, pass) => step('send', () => pass(envelope)))
const open = () => MpcAgentWallet.open({ party, transport })

switch (ceremony) {
  case 'keygen': {
    armed = true
    await MpcAgentWallet.join({ party, cards, transport, confirm: () => true })
    break
  }
  case 'refresh': {
    const wallet = await open()
    armed = true
    await wallet.refresh()
    break
  }
  case 'recover': {
    const wallet = await open()
    armed = true
    await wallet.recover({ replacement, documents })
    break
  }
  case 'join': {
    armed = true
    const id = walletId as WalletId // what the test has of a wallet
    await MpcAgentWallet.joinRecovery({ party, cards, walletId: id, transport })
    break
  }
  case 'sign': {
    const wallet = await open()
    armed = true
    await wallet.signTransaction({ ...payment(), cosigner: 'agent' })
    break
  }
  case 'cosign': {
    const wallet = await open()
    armed = true
    const cosigning = wallet.cosign({ approve: () => true })
    await cosigning.finished
    break
  }
  default:
    throw new Error(`there is no ceremony ${ceremony}`)
}
process.exit(0)
