// Packs the SDK as it would be published and uses the result in an empty folder, without viem: what
// a stranger would install.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { npm, root, stop } from './checkout.mjs'

await bootstrap({ dist: true })

const ALLOWED = [
  /^package\.json$/,
  /^(README\.md|CHANGELOG\.md|LICENSE-MIT|LICENSE-APACHE)$/,
  /^dist\/[\w-]+\.(mjs|cjs|d\.mts|d\.cts)(\.map)?$/,
  /^native\/index\.(cjs|d\.cts)$/,
]

const ESM = `
import { createRequire } from 'node:module'
import assert from 'node:assert/strict'
process.on('warning', (warning) => assert.fail(warning.stack))
const esm = await import('@mpc-wallet/sdk')
const cjs = createRequire(import.meta.url)('@mpc-wallet/sdk')
assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort())
assert.notEqual(esm.MpcWalletError, cjs.MpcWalletError)
assert(new cjs.MpcWalletError('ABORTED', 'from the other copy') instanceof esm.MpcWalletError)
assert(new esm.MpcWalletError('ABORTED', 'from the other copy') instanceof cjs.MpcWalletError)
// neither the root nor the tests' kit needs the optional packages that this folder lacks
await assert.rejects(import('@mpc-wallet/sdk/evm'), { code: 'ERR_MODULE_NOT_FOUND', message: /viem/ })
for (const { keychainKeyWrapper } of [esm, cjs])
  await assert.rejects(keychainKeyWrapper({ account: 'agent' }).wrap(new Uint8Array(32)), { code: 'PEER_MISSING' })
const { createTestCommittee } = await import('@mpc-wallet/sdk/testing')
const committee = await createTestCommittee()
committee.user.cosign({ approve: () => true })
const chain = 'eip155:1'
const transaction = '0xe4808504a817c80082520894deadbeefdeadbeefdeadbeefdeadbeefdeadbeef0180018080'
const request = { transaction, chain }
await Promise.all(Array.from({ length: 40 }, () => committee.agent.signTransaction(request)))
const error = await committee.agent.signTransaction({ ...request, cosigner: 'bank' }).catch((caught) => caught)
assert(error instanceof cjs.MpcWalletError && error.code === 'INVALID_INPUT')
await committee.close()
const store = await esm.SqliteStore.open({ path: 'store/wallet.db' })
const write = { kind: 'create', id: 'a', value: new Uint8Array(33) }
assert.deepEqual(await store.commit({ writes: [write], readBack: ['a'] }), [new Uint8Array(33)])
await assert.rejects(cjs.SqliteStore.open({ path: 'store/wallet.db' }), { code: 'STORE_LOCKED' })
await store.close()
`

const CJS = `
const assert = require('node:assert/strict')
const { createTestCommittee } = require('@mpc-wallet/sdk/testing')
const { ChainType, MpcAgentWallet } = require('@mpc-wallet/sdk')
createTestCommittee().then(async (committee) => {
  assert(committee.agent instanceof MpcAgentWallet)
  assert.match(committee.agent.address(ChainType.Evm), /^0x[0-9a-fA-F]{40}$/)
  await committee.close()
})
`

const folder = mkdtempSync(join(tmpdir(), 'mpc-wallet-package-'))
try {
  const packed = pack()
  const stray = packed.files
    .map(({ path }) => path)
    .filter((path) => !ALLOWED.some((one) => one.test(path)))
  if (stray.length > 0) stop(`packed, but not meant to be: ${stray.join(', ')}`)
  install(packed.filename)
  await checkWith('esm.mjs', ESM)
  await checkWith('cjs.cjs', CJS)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function pack() {
  const { command, args } = npm(['pack', '--json', '--pack-destination', folder])
  return JSON.parse(run(command, args, root))[0]
}

/**
 * Lays the packed files out as npm would, with the one dependency they name and this platform's
 * addon.
 */
function install(tarball) {
  const modules = join(folder, 'node_modules')
  const target = join(modules, '@mpc-wallet', 'sdk')
  mkdirSync(target, { recursive: true })
  run('tar', ['-xzf', join(folder, tarball), '-C', target, '--strip-components=1'], folder)
  for (const file of readdirSync(join(root, 'native')).filter((name) => name.endsWith('.node')))
    cpSync(join(root, 'native', file), join(target, 'native', file))
  const { dependencies } = createRequire(import.meta.url)('../package.json')
  for (const name of Object.keys(dependencies)) {
    mkdirSync(join(modules, name, '..'), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}

async function checkWith(file, source) {
  writeFileSync(join(folder, file), source)
  run(process.execPath, [file], folder)
}

function run(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) {
    rmSync(folder, { recursive: true, force: true })
    stop(`${command} ${args.join(' ')}`, stdout ?? '', stderr ?? '')
  }
  return stdout
}
