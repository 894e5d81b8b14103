import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from '@jest/globals'
import { lastLine, runToEnd } from '../helpers/native-process.js'

const LOADER = fileURLToPath(new URL('../../native/index.cjs', import.meta.url))
const folders: string[] = []

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

describe('the loader', () => {
  it('loads the addon of the checkout', async () => {
    expect(await load(LOADER)).toMatchObject({ loaded: { features: [] } })
  })

  it('names the file that NAPI_RS_NATIVE_LIBRARY_PATH gives and that is not there, and takes no other', async () => {
    const missing = join(folder(), 'missing.node')

    const { causes } = await load(LOADER, { NAPI_RS_NATIVE_LIBRARY_PATH: missing })

    expect(causes?.some((cause) => cause.includes(missing))).toBe(true)
  })

  it('names a file that is no addon, and takes no other', async () => {
    const wrong = join(folder(), 'wrong.node')
    writeFileSync(wrong, 'not a shared library')

    const { causes } = await load(LOADER, { NAPI_RS_NATIVE_LIBRARY_PATH: wrong })

    expect(causes?.some((cause) => cause.includes(wrong))).toBe(true)
  })

  it('says every attempt when neither the file nor the platform package is there', async () => {
    const native = join(folder(), 'native')
    mkdirSync(native)
    copyFileSync(LOADER, join(native, 'index.cjs'))

    const { causes = [] } = await load(join(native, 'index.cjs'))

    expect(causes.length).toBeGreaterThan(2)
    expect(causes.join('\n')).toMatch(/\.\/mpc-wallet\.[\w-]+\.node/)
    expect(causes.join('\n')).toMatch(/@mpc-wallet\/sdk-[\w-]+/)
  })
})

interface Loaded {
  readonly loaded?: { readonly features: readonly string[] }
  readonly causes?: readonly string[]
}

async function load(loader: string, env: NodeJS.ProcessEnv = {}): Promise<Loaded> {
  const process = await runToEnd('load.ts', { arguments: [loader], env })
  expect(process).toMatchObject({ code: 0, signal: null, stderr: '' })
  return lastLine(process) as Loaded
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'mpc-wallet-loader-'))
  folders.push(made)
  return made
}
