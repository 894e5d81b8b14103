// The policy of the tour, and what it allows, asks persons about and refuses.
import { ChainType, PolicyConfig } from '@mpc-wallet/sdk'
import { toViemAccount } from '@mpc-wallet/sdk/evm'
import {
  createWalletClient,
  encodeFunctionData,
  erc20Abi,
  formatEther,
  http,
  parseAbi,
  parseEther,
  parseGwei,
  serializeTransaction,
  toHex,
} from 'viem'
import { cost, dim, green, kilobytes, line, red, show, showYes, title } from './tour-print.mjs'

/** As anvil names itself. */
export const CHAIN_ID = 31_337
const chain = `eip155:${CHAIN_ID}`
export const payee = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' // the first example of EIP-55
const stranger = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359' // the second
/** What is refused needs no code at these addresses. */
const token = '0x00000000000000000000000000000000000000A1'
const batcher = '0x00000000000000000000000000000000000000b2'
const multicall3 = '0xcA11bde05977b3631167028862bE2a173976CA11'

/** What all three agree on when they make the wallet. */
export const policy = new PolicyConfig()
  .withSpendingLimits(chain, { perTransaction: parseEther('3'), daily: parseEther('6') })
  .withFeeLimits(chain, { perTransaction: parseEther('0.01'), daily: parseEther('0.1') })
  .withAdditionalApprovalThreshold(chain, parseEther('2'))
  .withWhitelist(chain, [payee])
  .withContracts(chain, [
    { address: token, kind: { type: 'erc20', decimals: 6 } },
    { address: batcher, kind: { type: 'multicall' } },
  ])

export function showPolicy() {
  line('policy', 'at most 3 ETH at once and 6 a day, to one payee; above 2 ETH two persons decide')
  line('', 'fees of at most 0.01 ETH; the contracts that may be read are a token and a batcher')
}

/** Through viem, as any application would: the policy lets it through, and nobody is asked. */
export async function pay({ anvil, node, by, cosigner, ether, memo }) {
  title(`${by.role} pays, ${cosigner.role} co-signs`)
  const showing = cosigner.on('decided', ({ decision }) => showYes(cosigner.role, decision))
  try {
    await settled({ node, by, ether }, async () => {
      const account = toViemAccount(by, { cosigner: cosigner.role, memo })
      const client = createWalletClient({ account, chain: node.chain, transport: http(anvil.url) })
      return await client.sendTransaction({ to: payee, value: parseEther(ether) })
    })
  } finally {
    showing()
  }
}

/** What the policy does not decide alone: the persons sign that they have seen it, and then the two parties sign. */
export async function askAndPay({ anvil, node, by, cosigner, persons, ether, memo }) {
  const from = by.address(ChainType.Evm)
  const account = toViemAccount(by)
  const client = createWalletClient({ account, chain: node.chain, transport: http(anvil.url) })
  const prepared = await client.prepareTransactionRequest({ to: payee, value: parseEther(ether) })
  const content = { ...prepared, account: undefined, from: undefined }
  const item = { transaction: serializeTransaction(content), chain }
  const options = { cosigner: cosigner.role, memo, idempotencyKey: `${from} ${content.nonce}` }
  const request = { ...options, transactions: [item] }

  const { explain } = await cosigner.evaluatePolicy({ ...request, cosigner: by.role })
  line(`${cosigner.role} says`, explain[0])
  const answering = persons.map(answer)
  try {
    const approved = Promise.all(answering.map(({ said }) => said))
    await by.requestApproval(request)
    await approved
    await by.waitForApproval(request)
    await settled({ node, by, ether }, async () => {
      const { r, s, yParity } = await by.signTransaction({ ...item, ...options })
      const signature = { r: toHex(r), s: toHex(s), yParity }
      const serializedTransaction = serializeTransaction(content, signature)
      return await client.sendRawTransaction({ serializedTransaction })
    })
  } finally {
    for (const { stop } of answering) stop()
  }
}

/** The device of a person, who looks at what this party read and says yes. */
function answer(wallet) {
  let stop = () => {}
  const said = new Promise((resolve, reject) => {
    stop = wallet.on('approvalRequested', (request) => {
      show(wallet.role, request)
      wallet.approve({ request }).then(resolve, reject)
      line(`${wallet.role} says`, green('yes'), dim('signed, for this payment alone'))
    })
  })
  return { said, stop }
}

/** Sends, and looks whether what was sent is what arrived. */
async function settled({ node, by, ether }, sending) {
  const before = await node.getBalance({ address: payee })
  const done = new Promise((resolve) => by.on('signed', resolve))
  const hash = await sending()
  const { durationMs, bytesSent, bytesReceived } = await done
  line('signed', cost(durationMs, `${kilobytes(bytesSent)} out`, `${kilobytes(bytesReceived)} in`))
  const { status, blockNumber, from } = await node.waitForTransactionReceipt({ hash })
  const received = (await node.getBalance({ address: payee })) - before
  if (status !== 'success' || from !== by.address(ChainType.Evm).toLowerCase())
    throw new Error(`transaction ${hash} is not what was sent`)
  if (received !== parseEther(ether)) throw new Error(`${formatEther(received)} ETH arrived`)
  line('mined', hash, dim(`block ${blockNumber}`))
}

export async function overLimit({ node, by }) {
  title(`${by.role} wants more than the policy allows`)
  const address = by.address(ChainType.Evm)
  const before = await node.getBalance({ address })
  await refuse(by, { to: payee, value: parseEther('4') })
  const after = await node.getBalance({ address })
  if (after !== before) throw new Error('the balance changed though the payment was refused')
  line('balance', `${formatEther(after)} ETH, unchanged`)
}

/** A transfer of tokens inside of something that looks like a batch. */
export async function disguised(by) {
  title(`Somebody talks ${by.role} into a batch that hides a transfer to a stranger`)
  const transfer = encodeFunctionData({
    abi: erc20Abi,
    functionName: 'transfer',
    args: [stranger, 5_000_000n],
  })
  line('hidden', `transfer(${stranger}, 5 tokens) inside of multicall(bytes[])`)
  const multicall = parseAbi(['function multicall(bytes[] data)'])
  const data = encodeFunctionData({
    abi: multicall,
    functionName: 'multicall',
    args: [[transfer]],
  })
  await refuse(by, { to: batcher, data })

  const transferFrom = encodeFunctionData({
    abi: erc20Abi,
    functionName: 'transferFrom',
    args: [by.address(ChainType.Evm), stranger, 5_000_000n],
  })
  line('hidden', `transferFrom(wallet, ${stranger}, 5 tokens) inside of aggregate3`)
  const calls = [{ target: token, allowFailure: false, callData: transferFrom }]
  const aggregate = parseAbi([
    'function aggregate3((address target, bool allowFailure, bytes callData)[] calls)',
  ])
  await refuse(by, {
    to: multicall3,
    data: encodeFunctionData({ abi: aggregate, functionName: 'aggregate3', args: [calls] }),
  })
}

/** Asks for a signature that the policy must not give. */
async function refuse(by, content) {
  const fees = { gas: 100_000n, maxFeePerGas: parseGwei('2'), maxPriorityFeePerGas: parseGwei('1') }
  const transaction = serializeTransaction({ chainId: CHAIN_ID, nonce: 9, ...fees, ...content })
  const error = await by.signTransaction({ transaction, chain }).then(
    () => new Error('what the policy forbids was signed'),
    (caught) => caught,
  )
  if (error.code !== 'POLICY_REJECTED') throw error
  line(`${by.role} gets`, red(error.code))
  for (const rule of error.explain.filter((text) => /^ {2}(asks|rejects)/.test(text)))
    line('', rule.trim().replace(/ {2,}/, ' '))
}
