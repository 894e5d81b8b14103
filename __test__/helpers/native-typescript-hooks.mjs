// Module hooks: TypeScript is transformed as jest.config.mjs does it, and `./x.js` finds `./x.ts`.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from '@swc/core'

const OPTIONS = {
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  module: { type: 'es6' },
}

export async function resolve(specifier, context, nextResolve) {
  if (/^\.{1,2}\/.*\.js$/.test(specifier)) {
    const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
    if (existsSync(url)) return { url: url.href, format: 'module', shortCircuit: true }
  }
  return await nextResolve(specifier, context)
}

export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return await nextLoad(url, context)
  const { code } = transformSync(readFileSync(fileURLToPath(url), 'utf8'), {
    ...OPTIONS,
    filename: fileURLToPath(url),
  })
  return { format: 'module', source: code, shortCircuit: true }
}
