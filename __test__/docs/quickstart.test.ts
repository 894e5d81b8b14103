import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { inDirectory } from '../helpers/stores.js'
import { root } from './documents.js'

const TOUR = "const { tour } = await import('./scripts/tour.mjs'); await tour()"

/** What the tour prints, and which files it leaves behind. */
async function takeTour(): Promise<{ printed: string; left: string[] }> {
  return await inDirectory(async (directory) => {
    const temporary = join(directory, 'tmp')
    mkdirSync(temporary)
    const loader = join(root, '__test__/docs/sdk-from-source.mjs')
    const args = ['--no-warnings', '--import', loader, '--input-type=module', '-e', TOUR]
    const env = { ...process.env, TMPDIR: temporary }
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env })
    return { printed: stdout, left: readdirSync(temporary) }
  })
}

describe('the quickstart', () => {
  it('pays what the policy allows, recovers the agent, pays from the same address, and leaves no files', async () => {
    const { printed, left } = await takeTour()

    const values = (name: string): string[] =>
      printed.split('\n').flatMap((line) => (line.startsWith(`   ${name} `) ? [line] : []))
    const addresses = values('address').map((line) => /0x[0-9a-fA-F]{40}/.exec(line)?.[0])
    expect(addresses).toHaveLength(2)
    expect(new Set(addresses).size).toBe(1)
    expect(values('mined')).toHaveLength(5)
    const refused = expect.stringContaining('POLICY_REJECTED')
    expect(values('agent gets')).toEqual([refused, refused, refused])
    for (const rule of ['spendingLimits: limit per', 'builtin/unknown', 'whitelist: a recipient'])
      expect(printed).toContain(`rejects ${rule}`)
    // the large payment, the one without the agent, and the one with the guardian
    expect(values('recovery says').map((line) => line.includes('waits for approval'))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ])
    expect(values('limits')).toEqual([expect.stringContaining('count as used up')])
    expect(values('copy gets')).toEqual([expect.stringContaining('COSIGNER_OFFLINE')])
    expect(printed).toContain('\nDone in ')
    expect(printed).not.toContain('\u001b') // no colours where nobody sees them
    expect(left).toEqual([])
  })
})
