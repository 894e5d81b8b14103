import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { root } from '../docs/documents.js'
import { lastLine, runToEnd } from '../helpers/native-process.js'
import { inDirectory } from '../helpers/stores.js'

const SCRIPT = '../../storage/processes/driver-process.ts'

/** better-sqlite3 and what it needs, without the binary that its install script builds. */
function unbuilt(directory: string): string {
  for (const name of ['better-sqlite3', 'bindings', 'file-uri-to-path'])
    cpSync(join(root, 'node_modules', name), join(directory, 'node_modules', name), {
      recursive: true,
      filter: (path) => !/better-sqlite3\/(build|deps|src)$/.test(path),
    })
  const driver = join(directory, 'node_modules', 'better-sqlite3', 'lib', 'index.js')
  if (!existsSync(driver)) throw new Error('better-sqlite3 has another layout')
  return pathToFileURL(driver).href
}

describe('better-sqlite3', () => {
  it('is not loaded before a store is opened', async () => {
    await inDirectory(async (directory) => {
      const ended = await runToEnd(SCRIPT, { arguments: [directory] })
      expect(lastLine(ended)).toEqual({ loaded: [], codes: ['opened', 'opened', 'opened'] })
    })
  })

  it.each([
    ['missing', () => 'a-package-that-is-not-there'],
    ['there without its binary', unbuilt],
  ])('that is %s is said with what to do, and memory does without', async (_, driver) => {
    await inDirectory(async (directory) => {
      const ended = await runToEnd(SCRIPT, { arguments: [directory, driver(directory)] })
      const missing = 'STORE_DRIVER_MISSING'
      expect(lastLine(ended)).toEqual({ loaded: [], codes: [missing, missing, 'opened'] })
    })
  })
})
