// npm test: the Rust tests, then jest. Arguments go to jest, and then only jest runs: `npm test --
// transport`.
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { root, run } from './checkout.mjs'
import { cargoVersion, ensureNative } from './ensure-native.mjs'

await bootstrap({ native: false })

/** Suites that build or ask with cargo. */
const CARGO_SUITES = ['/addon/panics\\.', '/addon/dependencies\\.']

const jestArguments = process.argv.slice(2)
if (jestArguments.length === 0) {
  if (cargoVersion() !== undefined) {
    if (!run('cargo', ['test', '--workspace', '--locked', '--quiet'])) process.exit(1)
  } else {
    console.error(
      'without cargo the Rust tests are not run, nor the suites of the addon that build one',
    )
    jestArguments.push(...CARGO_SUITES.flatMap((suite) => ['--testPathIgnorePatterns', suite]))
  }
}

ensureNative()
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js')
const nodeArguments = ['--no-warnings', '--experimental-vm-modules']
if (!run(process.execPath, [...nodeArguments, jest, ...jestArguments])) process.exit(1)
