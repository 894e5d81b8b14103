import { defineConfig } from 'tsdown'

export default defineConfig({
  // one run for all entries: subpaths share chunks, so a class imported from two of them is one
  // class
  entry: {
    index: 'src/index.ts',
    audit: 'src/audit/index.ts',
    evm: 'src/evm/index.ts',
    testing: 'src/testing/index.ts',
  },
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  sourcemap: true,
  // the loader's relative requires must not move into a bundle
  external: ['#native'],
  inputOptions: { checks: { pluginTimings: false } },
})
