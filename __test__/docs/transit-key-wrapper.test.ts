import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { inDirectory } from '../helpers/stores.js'
import { root } from './documents.js'
import { runExample } from './examples.js'

const EXAMPLE = 'examples/transit-key-wrapper.mjs'
const TOKEN = 'a token that the service knows'
const OPENED = /^agent [0-9a-f]{64}$/

describe('a store that a key-management service opens', () => {
  let service: ChildProcess
  let url = ''

  beforeAll(async () => {
    const script = join(root, '__test__/docs/processes/transit-engine.mjs')
    service = spawn(process.execPath, [script, TOKEN], { stdio: ['pipe', 'pipe', 'inherit'] })
    if (service.stdout === null) throw new Error('the service has no output')
    const [line] = await once(createInterface(service.stdout), 'line')
    url = line
  })

  afterAll(async () => {
    const ended = once(service, 'exit')
    service.stdin?.end()
    await ended
  })

  const open = async (path: string, { key = 'agent-key', token = TOKEN, at = url } = {}) =>
    await runExample(EXAMPLE, {
      parameters: [path, 'agent', key],
      env: { VAULT_ADDR: at, VAULT_TOKEN: token },
    })

  it('holds the same party each time, and its wrapped key instead of a password', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'agent', 'wallet.db')

      const made = await open(path)
      const opened = await open(path)

      expect(made).toEqual([expect.stringMatching(OPENED)])
      expect(opened).toEqual(made)
      expect(readFileSync(path).includes('vault:v1:')).toBe(true)
    })
  })

  it('is not opened by another key, without permission, or while the service is away', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'agent', 'wallet.db')
      const made = await open(path)

      await expect(open(path, { key: 'another-key' })).rejects.toThrow('the engine says 400')
      await expect(open(path, { token: 'another' })).rejects.toThrow('the engine says 403')
      const away = open(path, { at: 'http://127.0.0.1:1' })
      await expect(away).rejects.toThrow("code: 'UNLOCK_UNAVAILABLE'")
      expect(await open(path)).toEqual(made)
    })
  })
})
