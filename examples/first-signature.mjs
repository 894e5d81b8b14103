// Three parties make a wallet and two of them sign a payment, all in one process. Run: node examples/first-signature.mjs
import { MemoryNetwork, MpcAgentWallet, Party, PartyRole, PolicyConfig } from '@mpc-wallet/sdk'
import { toViemAccount } from '@mpc-wallet/sdk/evm'
import { parseEther, parseGwei, recoverTransactionAddress } from 'viem'

// In earnest each party is a machine of its own, and hands its card to the other two on a way that is trusted already.
const network = new MemoryNetwork()
const parties = Object.values(PartyRole).map((role) => Party.create({ role }))
const cards = parties.map(({ card }) => card)

// The policy is part of what all three agree on. Both signers hold it against what they read in the bytes themselves.
const chain = 'eip155:1'
const policy = new PolicyConfig()
  .withSpendingLimits(chain, { perTransaction: parseEther('0.05'), daily: parseEther('0.2') })
  .withFeeLimits(chain, { perTransaction: parseEther('0.005'), daily: parseEther('0.02') })

// Three people compare six words before any key is made. Here nobody looks.
const confirm = ({ words }) => {
  console.log('words ', words.join(' '))
  return true
}
const [agent, user, recovery] = await Promise.all(
  parties.map((party) => {
    const transport = network.connect(party.identityKey)
    const parameters = { party, cards, transport, policy, confirm }
    const starts = party.role === PartyRole.Agent
    return starts ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
  }),
)

// The user's device answers from here on. Nobody is asked: the policy decides.
user.cosign()

// To the agent's code it is an ordinary viem account.
const account = toViemAccount(agent, { cosigner: PartyRole.User, memo: 'invoice 17' })
const to = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const fees = { gas: 21_000n, maxFeePerGas: parseGwei('30'), maxPriorityFeePerGas: parseGwei('1') }
const payment = { chainId: 1, nonce: 0, to, value: parseEther('0.01'), ...fees }
const serializedTransaction = await account.signTransaction(payment)
console.log('wallet', account.address)
console.log('signer', await recoverTransactionAddress({ serializedTransaction }))

// Ten times as much is refused, by the agent's own copy of the policy before anything leaves.
const tooMuch = account.signTransaction({ ...payment, nonce: 1, value: parseEther('0.1') })
console.log('limit ', await tooMuch.catch(({ cause }) => cause.message))

await Promise.all([agent, user, recovery].map((wallet) => wallet.close()))
await network.close()
