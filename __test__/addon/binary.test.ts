import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { buildInfo, diagnostics } from '#native'

const MEBIBYTE = 1024 * 1024
const { version } = createRequire(import.meta.url)('../../package.json')

describe('the binary', () => {
  it('is of the version of the package, for this platform, with no feature on', () => {
    const { platform, arch } = process
    const os = platform === 'darwin' ? 'macos' : platform === 'win32' ? 'windows' : platform
    const cpu = arch === 'x64' ? 'x86_64' : 'aarch64'

    expect(buildInfo()).toEqual({
      version,
      target: expect.stringMatching(new RegExp(`^${os}-${cpu}(-|$)`)),
      features: [],
    })
  })

  it('is at most 8 MiB', () => {
    const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] }
    const [binary = ''] = sharedObjects.filter((path) => /mpc-wallet[^/\\]*\.node$/.test(path))

    expect(statSync(binary).size).toBeLessThanOrEqual(8 * MEBIBYTE)
  })

  it('takes 256 rounds at once and has a thread at least', () => {
    expect(diagnostics()).toMatchObject({ maxRounds: 256 })
    expect(diagnostics().threads).toBeGreaterThanOrEqual(1)
  })
})
