// npm run bench [-- --json FILE]: engine, ceremonies, policy and the path through Node, each as a ratio to k256 in the same run.
// The machine is shared and noisy: every case of Node runs several times with the references before it, and medians count.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bootstrap } from '../scripts/bootstrap.mjs'
import { root, stop } from '../scripts/checkout.mjs'

const ROUNDS = 5
const IMPORTS = 20
const MULTIPLICATION = 'k256 constant-time variable-base multiplication'

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } })

await bootstrap({ dist: true })

const scratch = mkdtempSync(join(tmpdir(), 'bench-'))
const lines = []
try {
  if (wanted('engine')) lines.push(...cargoBench('dkls23', 'engine'))
  if (wanted('ceremony')) lines.push(...cargoBench('ceremony', 'ceremony'))
  if (wanted('policy')) lines.push(...cargoBench('policy', 'evaluate'))
  if (wanted('ledger')) lines.push(...cargoBench('policy', 'ledger'))
  if (wanted('node')) lines.push(...nodeBench())
} finally {
  rmSync(scratch, { recursive: true })
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(lines, null, 2)}\n`)

function wanted(part) {
  return values.only === undefined || values.only.split(',').includes(part)
}

/** A benchmark of a crate: prints its own report and leaves its lines in a file. */
function cargoBench(crate, bench) {
  const file = join(scratch, `${bench}.json`)
  const { status } = spawnSync('cargo', ['bench', '--quiet', '-p', crate, '--bench', bench], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, BENCH_JSON: file },
  })
  if (status !== 0) stop(`cargo bench -p ${crate} failed`)
  return JSON.parse(readFileSync(file, 'utf8'))
}

function nodeBench() {
  const [{ model = 'unknown' } = {}] = cpus()
  console.log('through Node, both signers in one process')
  console.log(`  machine  ${model}, ${cpus().length} cores, Node.js ${process.versions.node}`)
  console.log('  command  npm run bench -- --only node')
  const rounds = Array.from({ length: ROUNDS }, () => ({
    references: references(),
    latency: node('latency'),
    core: onOneCore('throughput'),
    thread: node('throughput', { MPC_WALLET_THREADS: '1' }),
    all: node('throughput'),
    blocks: node('blocks'),
    batch: node('batch'),
  }))
  const of = (read) => median(rounds.map(read))
  const multiplication = of(({ references }) => references.multiplication)
  const ecdsa = of(({ references }) => references.ecdsa)
  const report = (name, value, unit, ratio, reference) => {
    const shown = `${name.padEnd(36)} ${value.toFixed(2).padStart(12)} ${unit.padEnd(6)}`
    console.log(
      `  ${shown} ${ratio === null ? '' : `${ratio.toFixed(2).padStart(9)} × ${reference}`}`,
    )
    lines.push({ name, value, unit, ratio, reference })
  }
  const lines = []
  console.log(
    `  ${MULTIPLICATION} ${multiplication.toFixed(1)} µs, k256 single-key ECDSA signature ${ecdsa.toFixed(1)} µs`,
  )
  const inMultiplications = (microseconds) => microseconds / multiplication
  const latency = of(({ latency }) => latency.milliseconds)
  report('node.sign.latency', latency, 'ms', inMultiplications(1e3 * latency), MULTIPLICATION)
  const speedup = (name, read, reference) => report(name, of(read), '', of(read), reference)
  const perSignature = ({ perSecond }) => inMultiplications(1e6 / perSecond)
  const throughput = (name, read) =>
    report(
      `node.sign.throughput.${name}`,
      of((round) => read(round).perSecond),
      '1/s',
      of((round) => perSignature(read(round))),
      `${MULTIPLICATION}, per signature`,
    )
  throughput('one-pool-thread', ({ thread }) => thread)
  throughput('all-cores', ({ all }) => all)
  if (rounds.every(({ core }) => core !== undefined)) {
    throughput('one-core', ({ core }) => core)
    const read = ({ core, all }) => all.perSecond / core.perSecond
    speedup('node.sign.speedup', read, 'node.sign.throughput.one-core')
  }
  speedup(
    'ceremony.batch32.speedup',
    ({ batch }) => batch.overLink.speedup,
    '32 ceremonies one after another, 20 ms one way',
  )
  speedup(
    'ceremony.batch32.speedup.at-once',
    ({ batch }) => batch.atOnce.speedup,
    '32 ceremonies at once, no delay',
  )
  const milliseconds = (name, read) => report(name, of(read), 'ms', null, null)
  milliseconds('node.timer-lag.p99', ({ all }) => all.timerLagP99)
  milliseconds('node.timer-lag.max', ({ all }) => all.timerLagMax)
  milliseconds('node.block.turn.p99', ({ blocks }) => blocks.turnP99)
  milliseconds('node.block.call.p999', ({ blocks }) => blocks.callP999)
  milliseconds('node.block.call.max', ({ blocks }) => blocks.callMax)
  const imports = Array.from({ length: IMPORTS }, () => importTime())
  report('node.import', median(imports), 'ms', null, null)
  report('wallet.open.1000', node('open').milliseconds, 'ms', null, null)
  report('node.wallet.memory', node('memory').bytes, 'bytes', null, null)
  return lines
}

/** A case in a process of its own. */
function node(name, env = {}) {
  return json(process.execPath, ['--expose-gc', join(root, 'bench', 'node.mjs'), name], env)
}

/** A case with all its threads on one core: what the work costs without any parallelism. Linux only. */
function onOneCore(name) {
  const { stdout } = spawnSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8' })
  const [core] = (stdout ?? '').replace(/^.*: /s, '').match(/\d+/) ?? []
  if (core === undefined) return undefined
  return json('taskset', ['-c', core, process.execPath, join(root, 'bench', 'node.mjs'), name])
}

function references() {
  return json('cargo', ['run', '--quiet', '--release', '-p', 'measure', '--example', 'references'])
}

/** Milliseconds that a fresh process takes to import the SDK. */
function importTime() {
  const program =
    'const began = performance.now(); await import("@mpc-wallet/sdk"); console.log(performance.now() - began)'
  return json(process.execPath, ['--input-type=module', '--eval', program])
}

function json(command, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  if (status !== 0) stop(`${command} ${args.join(' ')} failed`, stderr)
  return JSON.parse(stdout)
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
