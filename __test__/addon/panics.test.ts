import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { cargo } from '../helpers/native-cargo.js'
import { lastLine, runToEnd } from '../helpers/native-process.js'
import { readSurface } from '../helpers/native-surface.js'

const BUILD_MS = 600_000
/** `#[napi(…)]`, whatever attributes follow, and the function. */
const EXPORTED = /#\[napi((?:\([^)]*\))?)\]\s*(?:#\[[^\]]*\]\s*)*pub fn (\w+)/g
const TEXT = 'share 5d6f4e1c of the panic'

describe('every export', () => {
  it('is under catch_unwind, without which a panic ends the process', () => {
    const source = new URL('../../native/src/', import.meta.url)
    const exports = readdirSync(source)
      .filter((file) => file !== 'test_panics.rs')
      .flatMap((file) => [...readFileSync(new URL(file, source), 'utf8').matchAll(EXPORTED)])
    const declared = readSurface().names.filter((name) => /[.#]|^new |^[a-z]/.test(name))

    expect(exports).toHaveLength(declared.length)
    for (const [, attribute, name] of exports)
      expect({ name, attribute }).toEqual({
        name,
        attribute: expect.stringMatching(/\bcatch_unwind\b/),
      })
  })
})

describe('a panic', () => {
  let folder: string
  let addon: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mpc-wallet-panics-'))
    addon = join(folder, 'panics.node')
    copyFileSync(buildWithPanics(), addon)
  }, BUILD_MS)

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it.each(['pool job', 'finish', 'synchronous call', 'factory'])(
    'in a %s is INTERNAL, says where and not what, and leaves the process alive',
    async (place) => {
      const process = await runToEnd('panic.ts', { arguments: [addon, place, TEXT] })

      expect(process).toMatchObject({ code: 0, signal: null, stderr: '' })
      expect(process.stdout).not.toContain(TEXT)
      const { times, ...seen } = lastLine(process) as { times: number }
      expect(seen).toEqual({
        thrown: times,
        error: {
          code: 'INTERNAL',
          message: expect.stringMatching(/^internal error at test_panics\.rs:\d+$/),
          culprits: [],
          stack: expect.stringContaining('internal error at test_panics.rs:'),
        },
        rounds: 0,
        features: ['test-panics'],
      })
    },
  )
})

/** The library of a build like the released one, with the exports that panic. */
function buildWithPanics(): string {
  const messages = cargo(
    ...['build', '--locked', '--package', 'mpc-wallet-native', '--features', 'test-panics'],
    ...['--profile', 'quick', '--target-dir', join('target', 'test-panics')],
    ...['--message-format', 'json'],
  )
  const [library] = messages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ target }) => target?.kind?.includes('cdylib'))
    .flatMap(({ filenames }): string[] => filenames)
  if (library === undefined) throw new Error('cargo build made no library')
  return library
}
