// The agent's server starts again from its disk; then all three make other shares. Run: node examples/refresh.mjs
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
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
import { toViemAccount } from '@mpc-wallet/sdk/evm'
import { parseEther, parseGwei } from 'viem'

// Three machines, all in one process: each has a directory with a store, and a password of its own.
const network = new MemoryNetwork()
const machines = mkdtempSync(join(tmpdir(), 'mpc-wallet-'))
const secret = randomBytes(16).toString('base64url')
const openMachine = async (name, role, password = `${role} ${secret}`) => {
  const store = await SqliteStore.open({ path: join(machines, name, 'wallet.db') })
  const party = await Party.open({ role, store, unlock: { password } })
  return { store, party, transport: network.connect(party.identityKey) }
}
const server = await openMachine('server', PartyRole.Agent)
const phone = await openMachine('phone', PartyRole.User)
const safe = await openMachine('safe', PartyRole.Recovery)

const cards = [server, phone, safe].map(({ party }) => party.card)
const policy = PolicyConfig.permissive() // whatever no rule forbids; a wallet without rules signs nothing
const make = ({ party, transport }) => {
  const parameters = { party, cards, transport, policy, confirm: () => true } // three people compare six words
  const starts = party.role === PartyRole.Agent
  return starts ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
}
const [stopped, user, guardian] = await Promise.all([server, phone, safe].map(make))
const payment = {
  chainId: 1,
  nonce: 0,
  to: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  value: parseEther('0.01'),
  gas: 21_000n,
  maxFeePerGas: parseGwei('30'),
  maxPriorityFeePerGas: parseGwei('1'),
}
const pays = (wallet) =>
  toViemAccount(wallet, { cosigner: PartyRole.User }).signTransaction(payment)
user.cosign({ approve: () => true }) // in earnest it decides by what it read

// The server stops, and somebody copies its disk.
await stopped.close()
await server.store.close()
cpSync(join(machines, 'server'), join(machines, 'copy'), { recursive: true })

// After the restart nobody but the server has to do anything.
const { store, party, transport } = await openMachine('server', PartyRole.Agent)
const agent = await MpcAgentWallet.open({ party, transport })
console.log('restarted', (await pays(agent)).length > 0)

// All three at the same time, each on its own machine; the agent's starts it.
const [{ epoch }] = await Promise.all([agent.refresh(), user.refresh(), guardian.refresh()])
console.log('refreshed', epoch)

// Whoever opens the copy has an old share, which signs with none of the new ones.
const copy = await openMachine('copy', PartyRole.Agent)
const thief = await MpcAgentWallet.open({ party: copy.party, transport: copy.transport })
console.log('copy     ', await pays(thief).catch(({ code }) => code))
console.log('agent    ', (await pays(agent)).length > 0)

for (const wallet of [thief, agent, user, guardian]) await wallet.close()
for (const opened of [copy.store, store, phone.store, safe.store]) await opened.close()
await network.close()
rmSync(machines, { recursive: true })
