// npm run bench: what a wallet costs from end to end, through SDK, addon and a memory network, all
// parties in one process. The engine's own benchmarks are cargo's: cargo bench -p dkls23.
import { cpus } from 'node:os'
import { bootstrap } from './bootstrap.mjs'

await bootstrap({ dist: true })
const { PartyRole } = await import('@mpc-wallet/sdk')
const { createTestCommittee } = await import('@mpc-wallet/sdk/testing')
const { serializeTransaction } = await import('viem')

const WARM_UP = 20
const KEYGENS = 20
const SIGNATURES = 300
const AT_ONCE = 16

const { model } = cpus()[0]
console.log(`${model}, ${cpus().length} cores, Node.js ${process.versions.node}`)
console.log(
  `warm-up ${WARM_UP}; times are of the party that starts, the others run on the same cores\n`,
)
console.log(
  `${'operation'.padEnd(34)} ${['count', 'p50 ms', 'p99 ms', 'per s', 'kB sent'].map((head) => head.padStart(9)).join('')}`,
)

const keygens = await measure(KEYGENS, 1, async () => {
  const committee = await createTestCommittee({ record: true })
  await committee.close()
  return committee.recorded.reduce((sum, { envelope }) => sum + envelope.length, 0) / 3
})
report('key generation, 3 parties', keygens)

const committee = await createTestCommittee()
committee.user.cosign({ approve: () => true })
let nonce = 0
const sign = async () => {
  const fees = { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n }
  const to = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
  const transaction = serializeTransaction({
    chainId: 1,
    nonce: nonce++,
    to,
    value: 1n,
    gas: 21_000n,
    ...fees,
  })
  const { bytesSent } = await committee.agent.signTransaction({
    transaction,
    chain: 'eip155:1',
    cosigner: PartyRole.User,
  })
  return bytesSent
}
await measure(WARM_UP, 1, sign)
report('signature, one after another', await measure(SIGNATURES, 1, sign))
report(`signature, ${AT_ONCE} at once`, await measure(SIGNATURES, AT_ONCE, sign))
await committee.close()

/** Runs an operation so often, so many at once; each returns its bytes. */
async function measure(count, atOnce, operation) {
  const times = []
  let bytes = 0
  let left = count
  const startedAt = performance.now()
  const worker = async () => {
    while (left-- > 0) {
      const began = performance.now()
      const sent = await operation()
      bytes += sent
      times.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return {
    times: times.sort((a, b) => a - b),
    bytes,
    seconds: (performance.now() - startedAt) / 1_000,
  }
}

function report(name, { times, bytes, seconds }) {
  const at = (share) =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(1)
  const numbers = [
    times.length,
    at(0.5),
    at(0.99),
    (times.length / seconds).toFixed(1),
    (bytes / times.length / 1_000).toFixed(1),
  ]
  console.log(`${name.padEnd(34)} ${numbers.map((number) => String(number).padStart(9)).join('')}`)
}
