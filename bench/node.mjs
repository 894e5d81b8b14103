// One case of the end-to-end benchmark, in a process of its own: node bench/node.mjs CASE. Prints one line of JSON.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { memoryUsage } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import {
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  PartyRole,
  SqliteStore,
} from '@mpc-wallet/sdk'
import { createTestCommittee } from '@mpc-wallet/sdk/testing'
import { serializeTransaction } from 'viem'

const require = createRequire(import.meta.url)
const AT_ONCE = 64
const WARM_UP = 500
const BATCH = 32
const LINK_MS = 20

/** Keeps the key in this process: what is measured is not a key-management service. */
const keyWrapper = {
  name: 'none',
  wrap: async (key) => Uint8Array.from(key, (byte) => byte ^ 0xff),
  unwrap: async (wrapped) => Uint8Array.from(wrapped, (byte) => byte ^ 0xff),
}

const cases = { latency, throughput, blocks, batch, memory, open }
const [name = ''] = process.argv.slice(2)
if (!Object.hasOwn(cases, name))
  throw new Error(`no case ${name}: ${Object.keys(cases).join(', ')}`)
console.log(JSON.stringify(await cases[name]()))

/** Milliseconds of one signature after another, both signers in this process. */
async function latency() {
  const { sign, close } = await signers()
  const times = []
  for (let i = 0; i < 120; i++) {
    const began = performance.now()
    await sign()
    if (i >= 20) times.push(performance.now() - began)
  }
  await close()
  return { milliseconds: median(times), runs: times.length }
}

/** Signatures per second with 64 ceremonies at once, and how late timers and how long turns of the event loop were. */
async function throughput() {
  const { sign, close } = await signers()
  await many(sign, AT_ONCE, AT_ONCE)
  const lag = timerLag()
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const began = performance.now()
  const signatures = 24 * AT_ONCE
  await many(sign, signatures, AT_ONCE)
  const seconds = (performance.now() - began) / 1_000
  loop.disable()
  const lags = lag.stop()
  await close()
  return {
    perSecond: signatures / seconds,
    timerLagP99: quantile(lags, 0.99),
    timerLagMax: quantile(lags, 1),
    loopDelayP99: loop.percentile(99) / 1e6,
    runs: signatures,
  }
}

/**
 * How long our own code keeps the event loop from turning, while ceremonies run one after another: milliseconds
 * of synchronous calls into the addon, and of turns of the loop, garbage collections left out.
 */
async function blocks() {
  const { sign, close } = await signers()
  for (let i = 0; i < WARM_UP; i++) await sign()
  const calls = timeCalls(require('../native/index.cjs'))
  const turns = turnsOfLoop()
  for (let i = 0; i < 200; i++) await sign()
  const lengths = await turns.stop()
  await close()
  // between messages the loop turns in microseconds; of each signature the dozen longest turns did something
  const busy = lengths.sort((a, b) => b - a).slice(0, 200 * 12)
  return {
    callP999: quantile(calls, 0.999),
    callMax: quantile(calls, 1),
    turnP99: quantile(busy, 0.99),
    calls: calls.length,
  }
}

/**
 * How many times faster one ceremony signs 32 transactions than 32 ceremonies: one after another over a link that
 * delays every envelope, and all at once without delay.
 */
async function batch() {
  const link = (transport) => delayed(transport, LINK_MS)
  const overLink = await batchSpeedup({ atOnce: 1, repetitions: 3, wrapTransport: link })
  const atOnce = await batchSpeedup({ atOnce: BATCH, repetitions: 15 })
  return { overLink, atOnce }
}

async function batchSpeedup({ atOnce, repetitions, wrapTransport }) {
  const { sign, signBatch, close } = await signers({ wrapTransport })
  const took = async (work) => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }
  const [singles, batches] = [[], []]
  for (let i = 0; i <= repetitions; i++) {
    singles.push(await took(() => many(sign, BATCH, atOnce)))
    batches.push(await took(() => signBatch(BATCH)))
  }
  await delay(3 * LINK_MS) // what is still on the link arrives
  await close()
  const [single, batch] = [singles, batches].map((times) => median(times.slice(1))) // the first warms up
  return { single, batch, speedup: single / batch }
}

/**
 * A link on which every envelope arrives so much later than it was handed over, in the order of handing over.
 * Announcements are not held up: without the envelope that follows them they start nothing.
 */
function delayed(transport, milliseconds) {
  return {
    open: (...given) => transport.open(...given),
    invitations: () => transport.invitations(),
    subscribe: (...given) => transport.subscribe(...given),
    close: () => transport.close(),
    async send(envelope) {
      setTimeout(() => transport.send(envelope), milliseconds)
    },
  }
}

/** Times every synchronous method and getter of the addon from here on. */
function timeCalls(addon) {
  const times = []
  const timed = (call) =>
    function (...args) {
      const began = performance.now()
      try {
        return call.apply(this, args)
      } finally {
        times.push(performance.now() - began)
      }
    }
  const classes = Object.values(addon).filter((value) => value?.prototype !== undefined)
  for (const target of classes.flatMap((value) => [value, value.prototype]))
    for (const [key, { value, get, configurable, writable }] of Object.entries(
      Object.getOwnPropertyDescriptors(target),
    )) {
      if (key === 'constructor' || key === 'prototype' || !configurable) continue
      if (typeof value === 'function' && writable) target[key] = timed(value)
      else if (get !== undefined) Object.defineProperty(target, key, { get: timed(get) })
    }
  return times
}

/** Lengths of the turns of the event loop from here until `stop`, without those that a garbage collection touched. */
function turnsOfLoop() {
  const collections = []
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const turns = []
  let running = true
  let last = performance.now()
  const turn = () => {
    const now = performance.now()
    turns.push([last, now])
    last = now
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    async stop() {
      running = false
      await delay(10) // the last collections are reported behind their turn
      observer.disconnect()
      const touched = ([start, end]) =>
        collections.some(
          ({ startTime, duration }) => startTime < end && startTime + duration > start,
        )
      return turns.filter((turn) => !touched(turn)).map(([start, end]) => end - start)
    },
  }
}

/** Bytes of resident memory that each further live handle of a wallet takes. */
async function memory() {
  const kept = []
  const grow = async (committees) => {
    for (let i = 0; i < committees; i++) kept.push(await createTestCommittee())
    globalThis.gc()
    return memoryUsage().rss
  }
  const before = await grow(10)
  const after = await grow(30)
  await Promise.all(kept.map((committee) => committee.close()))
  return { bytes: Math.max(0, after - before) / 90, handles: 90 }
}

/**
 * Milliseconds to open a party and one of its 1,000 wallets, in a SQLite store of the size that they have. A key
 * wrapper opens it at once, so no password hash is in it. One wallet is real; the records of the others are under
 * names like its own, and have its values: opening reads their names, and no value before a wallet is asked for.
 */
async function open() {
  const directory = mkdtempSync(join(tmpdir(), 'bench-store-'))
  try {
    const path = join(directory, 'store', 'wallet.db')
    const walletId = await makeStore(path, 1_000)
    const store = await SqliteStore.open({ path })
    const times = []
    for (let i = 0; i < 12; i++) {
      const began = performance.now()
      const party = await Party.open({ store, unlock: { keyWrapper } })
      const transport = new MemoryNetwork().connect(party.identityKey)
      const wallet = await MpcAgentWallet.open({ party, walletId, transport })
      if (i >= 2) times.push(performance.now() - began)
      if (party.walletIds.length !== 1_000) throw new Error('not all wallets are there')
      await wallet.close()
    }
    await store.close()
    return { milliseconds: median(times) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function makeStore(path, wallets) {
  const store = await SqliteStore.open({ path })
  const network = new MemoryNetwork()
  const parties = await Promise.all(
    [PartyRole.Agent, PartyRole.User, PartyRole.Recovery].map((role, i) =>
      Party.open({ role, store: i === 0 ? store : new MemoryStore(), unlock: { keyWrapper } }),
    ),
  )
  const cards = parties.map(({ card }) => card)
  const made = await Promise.all(
    parties.map((party, i) => {
      const transport = network.connect(party.identityKey)
      const policy = PolicyConfig.permissive()
      const parameters = { party, cards, transport, policy, confirm: () => true }
      return i === 0 ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
    }),
  )
  const [{ walletId }] = made
  await Promise.all(made.map((wallet) => wallet.close()))
  const ids = await store.list(`wallet/${walletId.slice(2)}/`)
  const values = await store.commit({ writes: [], readBack: ids })
  for (let i = 1; i < wallets; i++) {
    const other = randomBytes(32).toString('hex')
    const writes = ids.map((id, at) => ({
      kind: 'put',
      id: id.replace(walletId.slice(2), other),
      value: values[at],
    }))
    await store.commit({ writes, readBack: [] })
  }
  await store.close()
  return walletId
}

async function signers({ wrapTransport } = {}) {
  const committee = await createTestCommittee(wrapTransport === undefined ? {} : { wrapTransport })
  committee.user.cosign({ approve: () => true })
  const cosigner = PartyRole.User
  let nonce = 0
  const payment = () => ({
    transaction: serializeTransaction({
      chainId: 1,
      nonce: nonce++,
      to: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      value: 1n,
      gas: 21_000n,
      maxFeePerGas: 2n,
      maxPriorityFeePerGas: 1n,
    }),
    chain: 'eip155:1',
  })
  return {
    sign: () => committee.agent.signTransaction({ ...payment(), cosigner }),
    signBatch: (count) =>
      committee.agent.signTransactions({
        transactions: Array.from({ length: count }, payment),
        cosigner,
      }),
    close: () => committee.close(),
  }
}

/** Runs an operation `count` times, `atOnce` at once. */
async function many(operation, count, atOnce) {
  let left = count
  const worker = async () => {
    while (left-- > 0) await operation()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** How much later than asked a timer of 5 ms fires. */
function timerLag() {
  const lags = []
  let running = true
  const tick = (due) =>
    setTimeout(() => {
      lags.push(Math.max(0, performance.now() - due))
      if (running) tick(performance.now() + 5)
    }, 5)
  tick(performance.now() + 5)
  return {
    stop() {
      running = false
      return lags
    },
  }
}

function median(values) {
  return quantile(values, 0.5)
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}
