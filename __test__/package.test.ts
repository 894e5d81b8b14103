import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { buildInfo } from '#native'
import { assertSameVersion } from '../src/native.js'
import { VERSION } from '../src/version.js'

const read = (path: string): string => readFileSync(join(process.cwd(), path), 'utf8')

describe('the version', () => {
  it('is the same in package.json, Cargo.toml, the SDK and the addon', () => {
    const { version } = JSON.parse(read('package.json'))
    const cargo = /\[workspace\.package\]\nversion = "([^"]+)"/.exec(read('Cargo.toml'))?.[1]

    expect([cargo, VERSION, buildInfo().version]).toEqual([version, version, version])
  })

  it('of an addon that is not ours is refused', () => {
    expect(() => assertSameVersion('0.0.0')).toThrow(
      expect.objectContaining({ code: 'NATIVE_MISMATCH' }),
    )
  })
})

describe('package-lock.json', () => {
  it('names no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "http/)
  })
})
