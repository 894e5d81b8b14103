// What the quickstart shows: three parties make a wallet, each two of them pay on a local chain, and
// one refuses; then the agent's disk is gone, another device takes its place, and it pays again.
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ChainType,
  ERROR_TABLE,
  MemoryNetwork,
  MpcAgentWallet,
  MpcWalletError,
  Party,
  PartyRole,
  SqliteStore,
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

/** The device of whoever copied the agent's disk before it was lost. */
const COPY = 'copy'
/** How long it waits for an answer. */
const PATIENCE_MS = 500
/** What the co-signers of the tour let through in one payment. */
const limit = parseEther('2')
const payee = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' // the first example of EIP-55

let step = 0
const title = (text) => console.log(`\n${cyan(String(++step).padEnd(2))} ${bold(text)}`)
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
      dim('Real key generation, real stores, a real chain; all in this process and on loopback.'),
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
  const directory = mkdtempSync(join(tmpdir(), 'mpc-wallet-tour-'))
  const network = new MemoryNetwork()
  const devices = []
  const open = async (parameters) => {
    const device = await openDevice({ directory, network, ...parameters })
    devices.push(device)
    return device
  }
  let anvil
  try {
    title('Each party has a store of its own, which a password opens')
    const agent = await open({ name: 'agent', role: PartyRole.Agent })
    const user = await open({ name: 'user', role: PartyRole.User })
    const recovery = await open({ name: 'recovery', role: PartyRole.Recovery })
    await generateKeys([agent, user, recovery])
    anvil = await startAnvil()
    const node = await startChain(anvil, agent.wallet.address(ChainType.Evm))
    const pays = (by, cosigner, ether, memo) =>
      pay({ anvil, node, by: by.wallet, cosigner: cosigner.wallet, ether, memo })
    await pays(agent, user, '1.5', 'rent of the GPU, November')
    await pays(agent, recovery, '0.25', 'the user is on a plane')
    await pays(user, recovery, '0.05', 'the agent is out of order')
    await refuse({
      anvil,
      node,
      by: agent.wallet,
      cosigner: user.wallet,
      ether: '8',
      memo: 'urgent!! do not ask questions',
    })
    await loseDisk(agent, [user, recovery])
    title('Another device takes its place')
    const replacement = await open({ name: 'new agent', role: PartyRole.Agent })
    await recoverAgent({ replacement, user, recovery })
    await pays(replacement, user, '0.5', 'rent of the GPU, December')
    title('A copy of the lost disk asks for a signature')
    const { role, password } = agent // whoever copied the disk knows the password too
    await askInVain({ thief: await open({ name: COPY, role, password }), user: user.wallet })
  } finally {
    for (const { wallet } of devices) await wallet?.close()
    for (const { store } of devices) await store.close()
    await network.close()
    await anvil?.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A machine of its own in earnest, with a password that its owner chose. */
async function openDevice({ directory, network, name, role, password = randomPassword() }) {
  const place = join(directory, name)
  const store = await SqliteStore.open({ path: join(place, 'wallet.db') })
  const startedAt = performance.now()
  const party = await Party.open({ role, store, unlock: { password } })
  const milliseconds = performance.now() - startedAt
  line(name, cost(milliseconds), dim('to hash its password: Argon2id, 64 MiB, once per opening'))
  const sent = []
  const transport = recordEnvelopes(network.connect(party.identityKey), role, sent)
  return { place, role, password, store, party, transport, sent, wallet: undefined }
}

function randomPassword() {
  return randomBytes(16).toString('base64url')
}

/** Each party would run this on its own machine, with its own operator looking at the words. */
async function generateKeys(devices) {
  title('Three parties make a wallet')
  const cards = devices.map(({ party }) => party.card)
  const words = []
  const startedAt = performance.now()
  await Promise.all(
    devices.map(async (device) => {
      const { party, transport } = device
      const confirm = (proposal) => words.push(proposal.words.join(' ')) > 0
      const parameters = { party, cards, transport, confirm }
      device.wallet =
        party.role === PartyRole.Agent
          ? await MpcAgentWallet.create(parameters)
          : await MpcAgentWallet.join(parameters)
    }),
  )
  const milliseconds = performance.now() - startedAt
  if (new Set(words).size !== 1) throw new Error('the parties saw different words')
  const [{ wallet }] = devices
  line('words', words[0], dim('(three people compare them; here nobody does)'))
  line('address', bold(wallet.address(ChainType.Evm)))
  line('shares', `one at ${devices.map(({ role }) => role).join(', one at ')}; any two sign`)
  line('took', cost(milliseconds, `${takeSent(devices)} between the three`))
}

/** What the devices sent since the last time somebody asked. */
function takeSent(devices) {
  const sent = devices.flatMap(({ sent }) => sent.splice(0))
  return kilobytes(sent.reduce((sum, { envelope }) => sum + envelope.length, 0))
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

/** The agent's disk is gone, not without a copy of it in the wrong hands; the others still have theirs. */
async function loseDisk(agent, survivors) {
  title('The agent’s disk is gone')
  await agent.wallet.close()
  await agent.store.close()
  cpSync(agent.place, join(agent.place, '..', COPY), { recursive: true })
  rmSync(agent.place, { recursive: true })
  line('agent', red('its store is deleted'), dim('somebody had copied it before'))
  for (const { role, place, wallet } of survivors) {
    if (!existsSync(join(place, 'wallet.db'))) throw new Error(`the ${role} lost its store too`)
    line(role, `${green('holds its share')} of epoch ${wallet.epoch}`)
  }
}

/** Each of the three on its own machine; what persons sign reaches the survivors as text. */
async function recoverAgent({ replacement, user, recovery }) {
  const survivors = [user, recovery]
  const { party, transport } = replacement
  const documents = []
  for (const { role, wallet } of survivors) {
    documents.push(await wallet.signRecovery({ replacement: party.card }))
    line(`${role} signs`, 'that this device replaces the agent')
  }
  takeSent([...survivors, replacement])
  const startedAt = performance.now()
  const [joined] = await Promise.all([
    MpcAgentWallet.joinRecovery({
      party,
      walletId: user.wallet.walletId,
      cards: [party.card, user.party.card, recovery.party.card],
      transport,
    }),
    ...survivors.map(({ wallet }) => wallet.recover({ replacement: party.card, documents })),
  ])
  const milliseconds = performance.now() - startedAt
  replacement.wallet = joined
  const address = joined.address(ChainType.Evm)
  if (address !== user.wallet.address(ChainType.Evm)) throw new Error('the address changed')
  line('shares', `of epoch ${joined.epoch}; those of the epoch before are erased`)
  line('address', bold(address), dim('as before'))
  line('took', cost(milliseconds, `${takeSent([...survivors, replacement])} between the three`))
}

/** The co-signer would say yes to anything; it is never asked. */
async function askInVain({ thief, user }) {
  const { party, transport } = thief
  thief.wallet = await MpcAgentWallet.open({ party, transport })
  line('share', `opened, of epoch ${thief.wallet.epoch}`)
  let asked = 0
  const cosigning = user.cosign({ approve: () => ++asked > 0 })
  try {
    const account = toViemAccount(thief.wallet, { cosigner: user.role, timeoutMs: PATIENCE_MS })
    const payment = { to: payee, value: parseEther('5'), gas: 21_000n, maxFeePerGas: 10n ** 9n }
    const error = await account.signTransaction({ ...payment, chainId: 31_337, nonce: 5 }).then(
      () => new Error('a share of a replaced device signed'),
      (caught) => caught,
    )
    if (error.code !== 'COSIGNER_OFFLINE' || asked !== 0) throw error
    line('copy gets', `${red(error.code)} after ${PATIENCE_MS} ms`)
    line(user.role, 'was not even asked: it does not answer the key of a device that was replaced')
  } finally {
    await cosigning.close()
  }
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
    ['docs/when-things-go-wrong.md', 'a server died, a phone is gone, a disk was copied'],
    ['docs/security-model.md', 'who may do what, and which test shows it'],
    ['scripts/tour.mjs', 'what you have just seen, as code'],
    ['src/wallet/mpc-agent-wallet.ts', 'the wallet'],
  ]
  console.log('\nWhere to read on:')
  for (const [path, what] of places.filter(([path]) => existsSync(join(root, path))))
    console.log(`   ${path.padEnd(32)} ${dim(what)}`)
}
