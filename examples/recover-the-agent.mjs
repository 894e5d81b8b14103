// The agent's server is gone, and its disk with it. Another one takes its place. Run: node examples/recover-the-agent.mjs
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ChainType,
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
const password = randomBytes(16).toString('base64url')
const openMachine = async (name, role) => {
  const store = await SqliteStore.open({ path: join(machines, name, 'wallet.db') })
  const party = await Party.open({ role, store, unlock: { password: `${name} ${password}` } })
  return { store, party, transport: network.connect(party.identityKey) }
}
const agents = await openMachine('server', PartyRole.Agent)
const users = await openMachine('phone', PartyRole.User)
const guardians = await openMachine('safe', PartyRole.Recovery)

const cards = [agents, users, guardians].map(({ party }) => party.card)
const policy = PolicyConfig.permissive() // whatever no rule forbids; a wallet without rules signs nothing
const make = ({ party, transport }) => {
  const parameters = { party, cards, transport, policy, confirm: () => true } // in earnest three people compare six words
  return party.role === PartyRole.Agent
    ? MpcAgentWallet.create(parameters)
    : MpcAgentWallet.join(parameters)
}
const [agent, user, guardian] = await Promise.all([agents, users, guardians].map(make))
const before = agent.address(ChainType.Evm)
console.log('before', before)

// The server dies.
await agent.close()
await agents.store.close()
rmSync(join(machines, 'server'), { recursive: true })

// On the new server: a party of its own, whose card goes to user and guardian on a way that is trusted already.
const { store, party, transport } = await openMachine('new-server', PartyRole.Agent)
const replacement = party.card

// At the user and at the guardian: a person compares the card with the new server, and signs.
const documents = await Promise.all([user, guardian].map((it) => it.signRecovery({ replacement })))

// All three at the same time, each on its own machine.
const survivors = [users.party.card, guardians.party.card]
const [newAgent] = await Promise.all([
  MpcAgentWallet.joinRecovery({
    party,
    walletId: user.walletId,
    cards: [party.card, ...survivors],
    transport,
  }),
  user.recover({ replacement, documents }),
  guardian.recover({ replacement, documents }),
])
console.log('after ', newAgent.address(ChainType.Evm), `epoch ${newAgent.epoch}`)

for (const wallet of [newAgent, user, guardian]) await wallet.close()
for (const opened of [store, users.store, guardians.store]) await opened.close()
await network.close()
rmSync(machines, { recursive: true })
