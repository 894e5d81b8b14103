// What the quickstart shows: three parties make a wallet, each two of them pay on a local chain,
// and one refuses.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  ChainType,
  ERROR_TABLE,
  MemoryNetwork,
  MpcAgentWallet,
  MpcWalletError,
  Party,
  PartyRole,
} from '@mpc-wallet/sdk'
import { EvmAccountError, toViemAccount } from '@mpc-wallet/sdk/evm'
import { recordEnvelopes, startAnvil } from '@mpc-wallet/sdk/testing'
import {
  BaseError,
  createPublicClient,
  createWalletClient,
  defineChain,
  formatEther,
  http,
  parseEther,
} from 'viem'
import { root } from './checkout.mjs'

const colored = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
const paint = (code) => (text) => (colored ? `\u001b[${code}m${text}\u001b[0m` : String(text))
const [bold, dim, green, red, cyan] = [1, 2, 32, 31, 36].map(paint)

/** What the co-signers of the tour let through in one payment. */
const limit = parseEther('2')
const payee = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' // the first example of EIP-55

let step = 0
const title = (text) => console.log(`\n${cyan(++step)}  ${bold(text)}`)
const line = (name, ...text) => console.log(`   ${dim(name.padEnd(14))} ${text.join(' ')}`)
const cost = (milliseconds, ...parts) =>
  [`${milliseconds.toFixed(0)} ms`, ...parts].join(dim(' · '))
const kilobytes = (bytes) => `${(bytes / 1_000).toFixed(1)} kB`

/** Runs the tour; ends the process with 1 if anything is not as it should be. */
export async function tour() {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(signal, () => process.exit(code)) // lets the chain's process be ended too
  const startedAt = performance.now()
  try {
    console.log(bold('A wallet of three parties, whose private key never exists anywhere.'))
    console.log(
      dim(
        'Real key generation, real signatures, a real chain; all in this process and on loopback.',
      ),
    )
    await walk()
    console.log(`\n${green('Done')} in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s.`)
    readOn()
  } catch (error) {
    const own = error instanceof EvmAccountError ? error.cause : error
    console.error(
      `\n${red('Stopped:')} ${own instanceof MpcWalletError ? `${own.code}: ${own.message}` : own?.stack}`,
    )
    if (own instanceof MpcWalletError) console.error(`${ERROR_TABLE[own.code].next}`)
    process.exitCode = 1
  }
}

async function walk() {
  const wallets = await generateKeys()
  const { agent, user, recovery } = wallets
  const anvil = await startAnvil()
  try {
    const node = await startChain(anvil, agent.address(ChainType.Evm))
    await pay({
      anvil,
      node,
      by: agent,
      cosigner: user,
      ether: '1.5',
      memo: 'rent of the GPU, November',
    })
    await pay({
      anvil,
      node,
      by: agent,
      cosigner: recovery,
      ether: '0.25',
      memo: 'the user is on a plane',
    })
    await pay({
      anvil,
      node,
      by: user,
      cosigner: recovery,
      ether: '0.05',
      memo: 'the agent is out of order',
    })
    await refuse({
      anvil,
      node,
      by: agent,
      cosigner: user,
      ether: '8',
      memo: 'urgent!! do not ask questions',
    })
  } finally {
    for (const wallet of Object.values(wallets)) await wallet.close()
    await anvil.close()
  }
}

/** Each party would run this on its own machine, with its own operator looking at the words. */
async function generateKeys() {
  title('Three parties make a wallet')
  const network = new MemoryNetwork()
  const parties = Object.values(PartyRole).map((role) => Party.create({ role }))
  const cards = parties.map(({ card }) => card)
  const sent = []
  const words = []
  const startedAt = performance.now()
  const [agent, user, recovery] = await Promise.all(
    parties.map((party) => {
      const transport = recordEnvelopes(network.connect(party.identityKey), party.role, sent)
      const confirm = (proposal) => words.push(proposal.words.join(' ')) > 0
      const parameters = { party, cards, transport, confirm }
      return party.role === PartyRole.Agent
        ? MpcAgentWallet.create(parameters)
        : MpcAgentWallet.join(parameters)
    }),
  )
  const milliseconds = performance.now() - startedAt
  const bytes = sent.reduce((sum, { envelope }) => sum + envelope.length, 0)
  if (new Set(words).size !== 1) throw new Error('the parties saw different words')
  line('words', words[0], dim('(three people compare them; here nobody does)'))
  line('address', bold(agent.address(ChainType.Evm)))
  line(
    'shares',
    `one at ${[agent, user, recovery].map(({ role }) => role).join(', one at ')}; any two sign`,
  )
  line('took', cost(milliseconds, `${kilobytes(bytes)} between the three`))
  return { agent, user, recovery }
}

async function startChain(anvil, address) {
  title('A local chain')
  const chain = defineChain({
    id: anvil.chainId,
    name: 'anvil',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [anvil.url] } },
  })
  await anvil.fund(address, parseEther('10'))
  line('anvil', `${anvil.url}, chain ${anvil.chainId}`)
  line('balance', '10 ETH for the wallet')
  return createPublicClient({ chain, transport: http(anvil.url), pollingInterval: 20 })
}

async function pay({ anvil, node, by, cosigner, ether, memo }) {
  title(`${by.role} pays, ${cosigner.role} co-signs`)
  const before = await node.getBalance({ address: payee })
  const done = new Promise((resolve) => by.on('signed', resolve))
  const hash = await send({ anvil, node, by, cosigner, ether, memo })
  const { durationMs, bytesSent, bytesReceived } = await done
  line('signed', cost(durationMs, `${kilobytes(bytesSent)} out`, `${kilobytes(bytesReceived)} in`))
  const { status, blockNumber, from } = await node.waitForTransactionReceipt({ hash })
  const received = (await node.getBalance({ address: payee })) - before
  if (status !== 'success' || from !== by.address(ChainType.Evm).toLowerCase())
    throw new Error(`transaction ${hash} is not what was sent`)
  if (received !== parseEther(ether)) throw new Error(`${formatEther(received)} ETH arrived`)
  line('mined', hash, dim(`block ${blockNumber}`))
}

async function refuse({ anvil, node, by, cosigner, ether, memo }) {
  title(`${by.role} asks for more than ${cosigner.role} allows`)
  const before = await node.getBalance({ address: by.address(ChainType.Evm) })
  const error = await send({ anvil, node, by, cosigner, ether, memo }).then(
    (hash) => new Error(`the refused transaction was sent: ${hash}`),
    (caught) => caught,
  )
  const refusal =
    error instanceof BaseError ? error.walk((e) => e instanceof EvmAccountError) : null
  if (refusal?.code !== 'CEREMONY_REFUSED') throw error
  const after = await node.getBalance({ address: by.address(ChainType.Evm) })
  if (after !== before) throw new Error('the balance changed though the payment was refused')
  line(`${by.role} gets`, `${red(refusal.code)} by ${refusal.culprits.join(', ')}`)
  line('balance', `${formatEther(after)} ETH, unchanged`)
}

/**
 * Sends a payment through viem, as any application would; the co-signer decides by what it reads in
 * the bytes.
 */
async function send({ anvil, node, by, cosigner, ether, memo }) {
  const cosigning = cosigner.cosign({
    approve: (request) => {
      const yes = isAllowed(request)
      show(cosigner.role, request)
      line(
        `${cosigner.role} says`,
        yes ? green('yes') : red(`no, not within ${formatEther(limit)} ETH`),
      )
      return yes
    },
  })
  try {
    const account = toViemAccount(by, { cosigner: cosigner.role, memo })
    const client = createWalletClient({ account, chain: node.chain, transport: http(anvil.url) })
    return await client.sendTransaction({ to: payee, value: parseEther(ether) })
  } finally {
    await cosigning.close()
  }
}

/**
 * A rule about what was read in the bytes, not about what the asking party says. Whatever it does
 * not know is a no.
 */
function isAllowed({ items }) {
  if (items.some(({ effects }) => effects.length === 0)) return false
  let spent = 0n
  for (const { chain, effects } of items)
    for (const { kind, asset, amount } of effects) {
      const value = amount?.exact ?? amount?.upTo
      const known = kind === 'transfer' || kind === 'feeOnly'
      if (!known || asset !== `${chain}/slip44:60` || value === undefined) return false
      spent += value
    }
  return spent <= limit
}

function show(role, { from, items, memo }) {
  for (const { account, transaction, effects } of items) {
    line(`${role} reads`, `${transaction.type} transaction ${transaction.nonce} of ${account}`)
    for (const { kind, amount, to } of effects) {
      const most = amount === undefined ? 'nothing' : formatEther(amount.exact ?? amount.upTo)
      const text =
        kind === 'feeOnly' ? `a fee of at most ${most} ETH` : `${kind} of ${most} ETH to ${to}`
      line('', text)
    }
  }
  line('', `${from} notes ${JSON.stringify(memo)}`)
}

function readOn() {
  const places = [
    ['README.md', 'what this is and how it is used'],
    ['docs/security-model.md', 'who may do what, and which test shows it'],
    ['scripts/tour.mjs', 'what you have just seen, as code'],
    ['src/wallet/mpc-agent-wallet.ts', 'the wallet'],
  ]
  console.log('\nWhere to read on:')
  for (const [path, what] of places.filter(([path]) => existsSync(join(root, path))))
    console.log(`   ${path.padEnd(32)} ${dim(what)}`)
}
