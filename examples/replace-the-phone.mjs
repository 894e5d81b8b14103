// The user's phone is gone: the guardian asks for another one, and the user may object for seven days.
// Run: node examples/replace-the-phone.mjs
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  MemoryNetwork,
  MpcAgentWallet,
  Party,
  PartyRole,
  PolicyConfig,
  SqliteStore,
} from '@mpc-wallet/sdk'

// Four machines, all in one process: each has a directory with a store, and a password of its own.
const network = new MemoryNetwork()
const machines = mkdtempSync(join(tmpdir(), 'mpc-wallet-'))
const openMachine = async (name, role) => {
  const store = await SqliteStore.open({ path: join(machines, name, 'wallet.db') })
  const password = randomBytes(16).toString('base64url')
  const party = await Party.open({ role, store, unlock: { password } })
  return { store, party, transport: network.connect(party.identityKey) }
}
const server = await openMachine('server', PartyRole.Agent)
const phone = await openMachine('phone', PartyRole.User)
const safe = await openMachine('safe', PartyRole.Recovery)
const newPhone = await openMachine('new-phone', PartyRole.User)

const cards = [server, phone, safe].map(({ party }) => party.card)
const policy = PolicyConfig.permissive() // whatever no rule forbids; a wallet without rules signs nothing
const make = ({ party, transport }) => {
  const parameters = { party, cards, transport, policy, confirm: () => true } // three people compare six words
  const starts = party.role === PartyRole.Agent
  return starts ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
}
const [agent, user, guardian] = await Promise.all([server, phone, safe].map(make))

// At the guardian: a person compares the card with the new phone, and signs.
const replacement = newPhone.party.card
const documents = [await guardian.signRecovery({ replacement, expiresInMs: 14 * 24 * 3_600_000 })]

// At both survivors, at once: each counts seven days from when it first saw this.
for (const survivor of [agent, guardian]) {
  const { state, untilMs } = await survivor.recoveryStatus({ replacement, documents })
  console.log(survivor.role, state, Math.round((untilMs - Date.now()) / 3_600_000), 'hours')
}

// Before the seven days are over nobody goes on.
console.log('agent', await agent.recover({ replacement, documents }).catch(({ code }) => code))

// The phone turns up again. The user objects, and hands the objection to both survivors.
const veto = await user.signRecovery({ replacement, verdict: 'veto' })
for (const survivor of [agent, guardian]) {
  const { state } = await survivor.recoveryStatus({ replacement, documents: [veto] })
  console.log(survivor.role, state)
}

for (const wallet of [agent, user, guardian]) await wallet.close()
for (const { store } of [server, phone, safe, newPhone]) await store.close()
await network.close()
rmSync(machines, { recursive: true })
