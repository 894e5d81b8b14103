import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './documents.js'

const LOADER = join(root, '__test__/docs/sdk-from-source.mjs')

/** The lines that a file of examples/ prints, in a process of its own. */
export async function runExample(
  path: string,
  { parameters = [], env = {} }: { parameters?: string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<string[]> {
  const args = ['--no-warnings', '--import', LOADER, join(root, path), ...parameters]
  const options = { cwd: root, env: { ...process.env, ...env } }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return stdout.trim().split('\n')
}
