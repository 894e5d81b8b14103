import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { cargo, root } from '../helpers/native-cargo.js'

const TREE = ['--prefix', 'none']

describe('what the addon is made of', () => {
  const packages = namesAndVersions(
    cargo('tree', '--locked', '--package', 'mpc-wallet-native', ...TREE, '--edges', 'normal'),
  )

  it.each(['k256', 'rand_core', 'rand_chacha', 'curve25519-dalek', 'sha2', 'zeroize'])(
    'holds one version of %s',
    (name) => {
      expect(packages.filter((one) => one.name === name)).toHaveLength(1)
    },
  )

  it.each(['tokio', 'rayon', 'openssl-sys', 'jemalloc-sys', 'mimalloc'])('holds no %s', (name) => {
    expect(packages.filter((one) => one.name === name)).toEqual([])
  })
})

describe('what a build of the addon switches on', () => {
  it('is no feature of a crate of ours: neither what attacks the engine in tests nor what panics', () => {
    // without --package, as `napi build` calls cargo: features of all default members are united
    const tree = cargo('tree', '--locked', ...TREE, '--edges', 'normal', '--format', '{p} [{f}]')
    const ours = [...tree.matchAll(/^([\w-]+) v\S+ \([^)]*[/\\][^)]*\) \[(.*)\]/gm)]
    const features = Object.fromEntries(ours.map(([, name, on]) => [name, on]))

    expect(features).toMatchObject({ 'mpc-wallet-native': '', ceremony: '', dkls23: '' })
    expect(Object.values(features).filter((on) => on !== '')).toEqual([])
  })

  it('is nothing by default', () => {
    const { packages } = JSON.parse(
      cargo('metadata', '--locked', '--no-deps', '--format-version', '1'),
    ) as { packages: { name: string; features: Record<string, string[]> }[] }

    expect(packages.find(({ name }) => name === 'mpc-wallet-native')?.features).toEqual({
      'test-panics': [],
    })
  })
})

describe('the scripts of the package', () => {
  it('never name the feature that panics', () => {
    const scripts = readdirSync(join(root, 'scripts'))
      .filter((file) => file.endsWith('.mjs'))
      .map((file) => join('scripts', file))

    for (const file of ['package.json', ...scripts])
      expect({ file, text: readFileSync(join(root, file), 'utf8') }).toEqual({
        file,
        text: expect.not.stringContaining('test-panics'),
      })
  })
})

function namesAndVersions(tree: string): { name: string; version: string }[] {
  const unique = new Set(tree.match(/^[\w-]+ v[\w.+-]+/gm))
  return [...unique].map((line) => {
    const [name = '', version = ''] = line.split(' ')
    return { name, version }
  })
}
