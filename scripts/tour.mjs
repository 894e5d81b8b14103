// What the quickstart shows: three parties make a wallet with a policy and pay on a local chain. What the policy
// forbids is not signed, what it asks persons about waits for them. Then the agent's disk is gone, another device takes
// its place, and it pays again.
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
import { createPublicClient, defineChain, http, parseEther } from 'viem'
import { root } from './checkout.mjs'
import {
  askAndPay,
  CHAIN_ID,
  disguised,
  overLimit,
  pay,
  payee,
  policy,
  showPolicy,
} from './tour-policy.mjs'
import { bold, cost, dim, green, kilobytes, line, red, title } from './tour-print.mjs'

/** The device of whoever copied the agent's disk before it was lost. */
const COPY = 'copy'
/** How long it waits for an answer. */
const PATIENCE_MS = 500
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
    const persons = [user.wallet, recovery.wallet]
    const asks = (by, cosigner, ether, memo) =>
      askAndPay({ anvil, node, by: by.wallet, cosigner: cosigner.wallet, persons, ether, memo })
    await overLimit({ node, by: agent.wallet })
    await disguised(agent.wallet)
    title('A large payment waits for two persons')
    await asks(agent, user, '2.5', 'two more GPUs')
    title('User and guardian pay without the agent')
    await asks(user, recovery, '0.05', 'the agent is out of order')
    await loseDisk(agent, [user, recovery])
    title('Another device takes its place')
    const replacement = await open({ name: 'new agent', role: PartyRole.Agent })
    await recoverAgent({ replacement, user, recovery })
    await confirmLimits(replacement.wallet)
    await pays(replacement, user, '0.5', 'rent of the GPU, December')
    title('Agent and guardian pay, and each time persons decide')
    await asks(replacement, recovery, '0.25', 'the user is on a plane, with a phone')
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
      const parameters = { party, cards, transport, policy, confirm }
      device.wallet =
        party.role === PartyRole.Agent
          ? await MpcAgentWallet.create(parameters)
          : await MpcAgentWallet.join(parameters)
    }),
  )
  for (const { wallet } of devices) wallet.cosign() // the policy decides, and persons' words are heard
  const milliseconds = performance.now() - startedAt
  if (new Set(words).size !== 1) throw new Error('the parties saw different words')
  const [{ wallet }] = devices
  line('words', words[0], dim('(three people compare them; here nobody does)'))
  line('address', bold(wallet.address(ChainType.Evm)))
  showPolicy()
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
    id: CHAIN_ID,
    name: 'anvil',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [anvil.url] } },
  })
  await anvil.fund(address, parseEther('10'))
  line('anvil', `${anvil.url}, chain ${anvil.chainId}`)
  line('balance', '10 ETH for the wallet')
  return createPublicClient({ chain, transport: http(anvil.url), pollingInterval: 20 })
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
  joined.cosign()
  const address = joined.address(ChainType.Evm)
  if (address !== user.wallet.address(ChainType.Evm)) throw new Error('the address changed')
  line('shares', `of epoch ${joined.epoch}; those of the epoch before are erased`)
  line('address', bold(address), dim('as before'))
  line('took', cost(milliseconds, `${takeSent([...survivors, replacement])} between the three`))
}

/** The new device does not know what the lost one signed, so it counts every limit as used up. */
async function confirmLimits(wallet) {
  if (!wallet.limitsFull) throw new Error('a device that remembers nothing trusts its limits')
  line('limits', red('count as used up'), dim('nobody here knows what was signed before'))
  await wallet.confirmLimits()
  line('operator', 'has looked at the chain and confirms them; the user counts on from before')
}

/** The policy of the copy would let the payment through; the co-signer is never asked. */
async function askInVain({ thief, user }) {
  const { party, transport } = thief
  thief.wallet = await MpcAgentWallet.open({ party, transport })
  line('share', `opened, of epoch ${thief.wallet.epoch}`)
  let asked = 0
  const watching = user.on('decided', () => ++asked)
  try {
    const account = toViemAccount(thief.wallet, { cosigner: user.role, timeoutMs: PATIENCE_MS })
    const payment = { to: payee, value: parseEther('1'), gas: 21_000n, maxFeePerGas: 10n ** 9n }
    const error = await account.signTransaction({ ...payment, chainId: CHAIN_ID, nonce: 5 }).then(
      () => new Error('a share of a replaced device signed'),
      (caught) => caught,
    )
    if (error.code !== 'COSIGNER_OFFLINE' || asked !== 0) throw error
    line('copy gets', `${red(error.code)} after ${PATIENCE_MS} ms`)
    line(user.role, 'was not even asked: it does not answer the key of a device that was replaced')
  } finally {
    watching()
  }
}

function readOn() {
  const places = [
    ['README.md', 'what this is and how it is used'],
    ['docs/when-things-go-wrong.md', 'a server died, a phone is gone, a disk was copied'],
    ['docs/security-model.md', 'who may do what, and which test shows it'],
    ['docs/policy.md', 'what a policy can say, and what it protects against'],
    ['scripts/tour.mjs', 'what you have just seen, as code'],
    ['src/wallet/mpc-agent-wallet.ts', 'the wallet'],
  ]
  console.log('\nWhere to read on:')
  for (const [path, what] of places.filter(([path]) => existsSync(join(root, path))))
    console.log(`   ${path.padEnd(32)} ${dim(what)}`)
}
