// Builds the addon where Rust is, and checks the installed one where it is not. A failed build is
// an error, never a reason to go on with an older binary; and no test is skipped because the addon
// is missing.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm, root, runQuietly, stop } from './checkout.mjs'
import { buildIfStale } from './freshness.mjs'

const require = createRequire(import.meta.url)

/** The version of cargo, or nothing where a prebuilt addon is wanted or there is no cargo. */
export function cargoVersion() {
  if (wantsPrebuilt()) return undefined
  const { error, status, stdout, stderr } = spawnSync('cargo', ['--version'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (error?.code === 'ENOENT') return undefined
  if (status !== 0) stop('cargo is there but does not run:', stderr ?? '', error?.message ?? '')
  return stdout.trim()
}

function wantsPrebuilt() {
  const { NAPI_RS_NATIVE_LIBRARY_PATH, MPC_WALLET_NATIVE } = process.env
  return NAPI_RS_NATIVE_LIBRARY_PATH !== undefined || MPC_WALLET_NATIVE === 'prebuilt'
}

export function ensureNative() {
  const cargo = cargoVersion()
  if (cargo !== undefined) {
    buildIfStale({
      name: 'native',
      inputs: () => [
        ...['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'build.rs', '.cargo'],
        ...['native/src', ...crateSources()],
      ],
      facts: [
        cargo,
        process.env.RUSTFLAGS ?? '',
        require('../package.json').scripts['build:native'],
      ],
      outputs: () => [...binaries(), 'native/index.cjs', 'native/index.d.cts'],
      build: () => {
        const { command, args } = npm(['run', 'build:native'])
        runQuietly('building the native addon (a minute or two the first time)', command, args)
      },
    })
  }
  requireAddon()
}

/** What goes into the binary; the crates' tests and benchmarks do not. */
function crateSources() {
  return readdirSync(join(root, 'native', 'crates')).flatMap((crate) => [
    `native/crates/${crate}/Cargo.toml`,
    `native/crates/${crate}/build.rs`,
    `native/crates/${crate}/src`,
  ])
}

function binaries() {
  return readdirSync(join(root, 'native'))
    .filter((file) => file.endsWith('.node'))
    .sort()
    .map((file) => `native/${file}`)
}

/** Ends the process unless an addon of this version loads. */
export function requireAddon() {
  const { version } = require('../package.json')
  try {
    const found = require('../native/index.cjs').buildInfo().version
    if (found !== version) throw new Error(`the addon is version ${found}, the SDK is ${version}`)
  } catch (error) {
    // the loader's own first line blames npm whatever happened; the truth is in the causes
    const causes = []
    for (let cause = error.cause ?? error; cause instanceof Object; cause = cause.cause)
      causes.push(cause.message.split('\n', 1)[0])
    stop(
      cargoVersion() === undefined && !wantsPrebuilt()
        ? 'There is no cargo to build the native addon with, and none is installed. What was tried:'
        : 'The native addon does not load. What was tried:',
      ...causes.map((cause) => `  ${cause}`),
      'One of these helps:',
      '  install Rust (rustup reads the version from rust-toolchain.toml), then run this again',
      '  set NAPI_RS_NATIVE_LIBRARY_PATH to an addon of this version',
    )
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureNative()
