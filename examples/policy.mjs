// Writes a policy, asks what it says, has persons approve, stops the wallet and changes the rules.
// Run: node examples/policy.mjs
import {
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  PartyRole,
  PolicyConfig,
} from '@mpc-wallet/sdk'
import { parseEther, parseGwei, parseUnits, serializeTransaction } from 'viem'

const vendor = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'

const chain = 'eip155:1'
const policy = new PolicyConfig()
  .withSpendingLimits(chain, { perTransaction: parseEther('1'), daily: parseEther('2') })
  .withSpendingLimits(chain, { asset: `${chain}/erc20:${usdc}`, daily: parseUnits('500', 6) })
  .withFeeLimits(chain, { perTransaction: parseEther('0.01'), daily: parseEther('0.05') })
  .withWhitelist(chain, [vendor])
  .withAdditionalApprovalThreshold(chain, parseEther('0.5'))
  .withContracts(chain, [{ address: usdc, kind: { type: 'erc20', decimals: 6 } }])

// Three parties, all in one process, with stores that live as long as it does.
const network = new MemoryNetwork()
const open = async (role) => {
  const store = new MemoryStore()
  return await Party.open({ role, store, unlock: { password: `the ${role} is trying things out` } })
}
const parties = await Promise.all(Object.values(PartyRole).map(open))
const cards = parties.map(({ card }) => card)
const make = (party) => {
  const transport = network.connect(party.identityKey)
  const parameters = { party, cards, transport, policy, confirm: () => true } // three people compare six words
  const starts = party.role === PartyRole.Agent
  return starts ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
}
const [agent, user, recovery] = await Promise.all(parties.map(make))
for (const wallet of [agent, user, recovery]) wallet.cosign() // answers, and hears what persons sign
const once = (wallet, event) => new Promise((resolve) => wallet.on(event, resolve))

const fees = { gas: 21_000n, maxFeePerGas: parseGwei('30'), maxPriorityFeePerGas: parseGwei('1') }
const payment = (nonce, ether, to = vendor) => ({
  transaction: serializeTransaction({ chainId: 1, nonce, to, value: parseEther(ether), ...fees }),
  chain,
})

for (const ether of ['0.5', '0.6', '1.1']) {
  const request = { transactions: [payment(0, ether)], cosigner: PartyRole.User }
  const { ruling, explain } = await agent.evaluatePolicy(request)
  console.log(ether, ruling.type)
  if (ruling.type === 'rejected') console.log(explain[0]) // then a line for every rule
}

// At the user and at the guardian: the device shows what it read itself, and a person decides.
for (const wallet of [user, recovery])
  wallet.on('approvalRequested', async (request) => {
    const [{ effects }] = request.items
    console.log(wallet.role, 'reads', effects[0].kind, effects[0].amount.exact)
    await wallet.approve({ request }) // good for this request, once, for five minutes
  })

// At the agent: ask, wait, sign. The key names the request; the same one in all three calls.
const transactions = [payment(0, '0.6')]
const request = { transactions, cosigner: PartyRole.User, idempotencyKey: 'invoice 17' }
await agent.requestApproval(request)
await agent.waitForApproval({ ...request, timeoutMs: 60_000 })
const asked = once(user, 'decided')
const { signatures } = await agent.signTransactions(request)
console.log('signed', signatures.length)

// At the user: its own endpoint shows the payment final. From now on its day runs; before, it counts in every window.
const { requestId } = await asked
const [{ digest }] = signatures
await user.reportOutcome({ requestId, digest, landedAtMs: Date.now() })

// Any person stops the wallet alone. It takes effect where it arrives.
const heard = [agent, user].map((wallet) => once(wallet, 'statement'))
await recovery.freeze()
await Promise.all(heard)
const refused = await agent.signTransaction(payment(1, '0.1')).catch((error) => error)
console.log('frozen', refused.code, refused.explain[0])

// Releasing it takes user and guardian.
const proposed = once(recovery, 'statement')
await user.unfreeze()
await proposed
const released = [agent, user].map((wallet) => once(wallet, 'statement'))
await recovery.unfreeze()
await Promise.all(released)
console.log('frozen', agent.isFrozen, user.isFrozen)

// The user alone makes it stricter, at once.
const stricter = policy.withVelocityLimit({ count: 10, windowMs: 3_600_000 })
for (const { path, description, loosens } of user.diffPolicy(stricter))
  console.log(path, description, loosens)
const tightened = [agent, recovery].map((wallet) => once(wallet, 'statement'))
const { kind } = await user.setPolicy({ policy: stricter })
await Promise.all(tightened)
console.log(kind, 'version', agent.policy.version)

// Looser takes the guardian too, and then a day at every party.
const { proposal } = await user.setPolicy({ policy })
const signed = await recovery.signPolicy({ proposal })
console.log(signed.kind, Math.round((signed.untilMs - Date.now()) / 3_600_000), 'hours')

for (const wallet of [agent, user, recovery]) await wallet.close()
await network.close()
