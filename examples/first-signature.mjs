// Three parties make a wallet and two of them sign a payment, all in one process. Run: node examples/first-signature.mjs
import { MemoryNetwork, MpcAgentWallet, Party, PartyRole } from '@mpc-wallet/sdk'
import { toViemAccount } from '@mpc-wallet/sdk/evm'
import { parseEther, parseGwei, recoverTransactionAddress } from 'viem'

// In earnest each party is a machine of its own, and hands its card to the other two on a way that is trusted already.
const network = new MemoryNetwork()
const parties = Object.values(PartyRole).map((role) => Party.create({ role }))
const cards = parties.map(({ card }) => card)

// Three people compare six words before any key is made. Here nobody looks.
const confirm = ({ words }) => {
  console.log('words ', words.join(' '))
  return true
}
const [agent, user, recovery] = await Promise.all(
  parties.map((party) => {
    const parameters = { party, cards, confirm, transport: network.connect(party.identityKey) }
    const starts = party.role === PartyRole.Agent
    return starts ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
  }),
)

// The co-signer decides by what it read in the bytes: ether alone leaves, value and highest fee together within a limit.
const ether = 'eip155:1/slip44:60'
const limit = parseEther('0.05')
const approve = ({ items }) => {
  if (items.some(({ effects }) => effects.length === 0)) return false
  let most = 0n // one yes is for every item: together they keep within the limit
  for (const { kind, asset, amount } of items.flatMap(({ effects }) => effects)) {
    const value = amount?.exact ?? amount?.upTo
    const known = kind === 'transfer' || kind === 'feeOnly'
    if (!known || asset !== ether || value === undefined) return false
    most += value
  }
  return most <= limit
}
user.cosign({ approve })

// To the agent's code it is an ordinary viem account.
const account = toViemAccount(agent, { cosigner: PartyRole.User, memo: 'invoice 17' })
const to = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const fees = { gas: 21_000n, maxFeePerGas: parseGwei('30'), maxPriorityFeePerGas: parseGwei('1') }
const payment = { chainId: 1, nonce: 0, to, value: parseEther('0.01'), ...fees }
const serializedTransaction = await account.signTransaction(payment)
console.log('wallet', account.address)
console.log('signer', await recoverTransactionAddress({ serializedTransaction }))

await Promise.all([agent, user, recovery].map((wallet) => wallet.close()))
await network.close()
