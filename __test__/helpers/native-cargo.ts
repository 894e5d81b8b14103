/** Asks cargo about the workspace. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The output of a cargo command that must succeed. */
export function cargo(...commandArguments: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('cargo', commandArguments, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`cargo ${commandArguments.join(' ')}: ${stderr}`)
  return stdout
}
