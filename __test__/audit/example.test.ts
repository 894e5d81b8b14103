import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { exportAuditLog, openAuditLog } from '../../src/audit/index.js'
import { canonicalJson } from '../../src/canonical-json.js'
import { toHex } from '../../src/hex.js'
import { MemoryStore } from '../../src/storage/index.js'
import { root } from '../docs/documents.js'
import { auditor, collect, writeLog } from '../helpers/audit.js'

const identityKey = toHex(auditor().identityKey)
let folder = ''

/** Runs the example where no addon can be loaded. */
function run(...args: string[]) {
  const loader = join(root, '__test__/docs/sdk-from-source.mjs')
  const example = join(root, 'examples/verify-audit-log.mjs')
  const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: join(folder, 'none.node') }
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', '--import', loader, example, ...args],
    { cwd: folder, env, encoding: 'utf8' },
  )
  return { status, stdout: stdout.trim(), stderr: stderr.trim() }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-'))
  const store = new MemoryStore()
  await writeLog(store, 33)
  const log = await openAuditLog({ store, signHead: auditor().signHead })
  await log.append({ kind: 'test.text', facts: { text: 'line\u2028separator\nand €' } })
  const lines = await collect(exportAuditLog(store))
  const head = await log.seal()
  writeFileSync(join(folder, 'log'), `${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'short'), lines.slice(0, -1).join('\n'))
  writeFileSync(join(folder, 'changed'), lines.join('\n').replace('"count":7', '"count":8'))
  writeFileSync(join(folder, 'head'), `${canonicalJson('head', head)}\n`)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('examples/verify-audit-log.mjs', () => {
  it('ends with 0 for a log that is as it was written, without the addon', () => {
    expect(run('log', identityKey)).toEqual({
      status: 0,
      stdout: 'intact: 34 entries, 32 of them under a signed head',
      stderr: '',
    })
  })

  it('ends with 1 for one that was changed, and says where', () => {
    const { status, stdout, stderr } = run('changed', identityKey)

    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('entry 8 does not continue entry 7')
  })

  it('ends with 1 for one that was cut off, if a head was kept', () => {
    expect(run('short', identityKey).status).toBe(0)
    expect(run('short', identityKey, '--head', 'head').status).toBe(1)
    expect(run('log', identityKey, '--head', 'head').stdout).toContain('34 of them')
  })

  it('ends with 1 for another key', () => {
    expect(run('log', `0x${'11'.repeat(32)}`).status).toBe(1)
  })

  it.each([
    ['no arguments', []],
    ['no key', ['log']],
    ['a key that is none', ['log', '0x11']],
    ['no such file', ['missing', identityKey]],
    ['a head that is none', ['log', identityKey, '--head', 'log']],
    ['an option that is none', ['log', identityKey, '--force']],
  ])('ends with 2 for %s', (_, args) => {
    expect(run(...args).status).toBe(2)
  })

  it('prints one JSON value if it is asked to', () => {
    expect(JSON.parse(run('log', identityKey, '--json').stdout)).toMatchObject({
      intact: true,
      entries: 34,
      signedEntries: 32,
      lastHead: { sequence: 32 },
    })
    expect(JSON.parse(run('changed', identityKey, '--json').stdout)).toMatchObject({
      intact: false,
      message: expect.stringContaining('entry 7'),
    })
    expect(JSON.parse(run('missing', identityKey, '--json').stdout)).toMatchObject({ intact: null })
  })
})
