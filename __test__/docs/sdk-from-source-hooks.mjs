// Module hook: the package's own subpaths are their entries in tsdown.config.ts.
const SOURCES = {
  '@mpc-wallet/sdk': '../../src/index.ts',
  '@mpc-wallet/sdk/audit': '../../src/audit/index.ts',
  '@mpc-wallet/sdk/evm': '../../src/evm/index.ts',
  '@mpc-wallet/sdk/testing': '../../src/testing/index.ts',
}

export async function resolve(specifier, context, nextResolve) {
  const source = SOURCES[specifier]
  if (source === undefined) return await nextResolve(specifier, context)
  return { url: new URL(source, import.meta.url).href, format: 'module', shortCircuit: true }
}
