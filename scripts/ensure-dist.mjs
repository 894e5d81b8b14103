// Bundles src/ into dist/ when it has changed.
import { createRequire } from 'node:module'
import { npm, runQuietly } from './checkout.mjs'
import { buildIfStale } from './freshness.mjs'

const require = createRequire(import.meta.url)

export function ensureDist() {
  buildIfStale({
    name: 'dist',
    inputs: () => [
      'src',
      'native/index.d.cts',
      'tsdown.config.ts',
      'tsconfig.json',
      'package.json',
    ],
    facts: [require('tsdown/package.json').version],
    outputs: () => ['dist'],
    build: () => {
      const { command, args } = npm(['run', 'build:ts'])
      runQuietly('bundling the SDK', command, args)
    },
  })
}
