// npm test: the Rust tests, then jest. Arguments go to jest, and then only jest runs: `npm test --
// transport`.
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { root, run } from './checkout.mjs'
import { cargoVersion, ensureNative } from './ensure-native.mjs'

await bootstrap({ native: false })

const jestArguments = process.argv.slice(2)
if (jestArguments.length === 0) {
  if (cargoVersion() !== undefined) {
    if (!run('cargo', ['test', '--workspace', '--locked', '--quiet'])) process.exit(1)
  } else {
    console.error('without cargo the Rust tests are not run; the addon they test is a prebuilt one')
  }
}

ensureNative()
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js')
const nodeArguments = ['--no-warnings', '--experimental-vm-modules']
if (!run(process.execPath, [...nodeArguments, jest, ...jestArguments])) process.exit(1)
