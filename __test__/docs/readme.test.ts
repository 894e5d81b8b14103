import { describe, expect, it } from '@jest/globals'
import { MpcAgentWallet } from '../../src/index.js'
import { codeBlocks, readText } from './documents.js'
import { runExample } from './examples.js'

const EXAMPLE = 'examples/first-signature.mjs'

/** The `run` lines that a page asks for, by the name in package.json. */
function npmScripts(page: string): string[] {
  return [...page.matchAll(/\bnpm (?:run )?(quickstart|test|bench|build[:\w]*|lint)\b/g)].flatMap(
    ([, name]) => name ?? [],
  )
}

describe('the example of the README', () => {
  it('is the one in the examples', () => {
    expect(codeBlocks(readText('README.md'), 'js')).toEqual([readText(EXAMPLE)])
  })

  it('makes a wallet and a signature of it', async () => {
    const lines = await runExample(EXAMPLE)

    const printed = (name: string): string[] =>
      lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trim())
    expect(printed('wallet')).toEqual([expect.stringMatching(/^0x[0-9a-fA-F]{40}$/)])
    expect(printed('signer')).toEqual(printed('wallet'))
    expect(printed('words')).toHaveLength(3)
    expect(new Set(printed('words')).size).toBe(1)
  })
})

describe('the README', () => {
  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(readText('package.json'))
    const named = npmScripts(readText('README.md'))

    expect(named).toEqual(expect.arrayContaining(['quickstart', 'test', 'bench']))
    for (const name of named) expect(scripts).toHaveProperty([name])
  })

  it('names calls of a wallet that there are', () => {
    const page = readText('README.md')
    const named = [...page.matchAll(/`(?:wallet)?\.(\w+)/g)].flatMap(([, name]) => name ?? [])
    const known = new Set(
      [MpcAgentWallet, MpcAgentWallet.prototype].flatMap((it) => Object.getOwnPropertyNames(it)),
    )

    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  it('asks for the versions that the manifests ask for', () => {
    const page = readText('README.md')
    const { engines } = JSON.parse(readText('package.json'))
    const rust = /channel = "(\d+\.\d+)/.exec(readText('rust-toolchain.toml'))?.[1]

    expect(page).toContain(`Node.js ${String(engines.node).replace('>=', '')} or later`)
    expect(page).toContain(`Rust ${rust} by`)
  })
})
