// What every script here starts from: where the checkout is, and how commands are run in it. Uses
// Node alone.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Prints why it cannot go on, and ends the process. */
export function stop(...lines) {
  for (const line of lines) console.error(line)
  process.exit(1)
}

/** Runs a command in the checkout with its output shown, and returns whether it succeeded. */
export function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (error !== undefined) stop(`${command} could not be started: ${error.message}`)
  return status === 0
}

/**
 * Runs a command that is long and dull: one line of what it is for, its output only if it fails.
 */
export function runQuietly(what, command, args, env = {}) {
  const startedAt = Date.now()
  process.stderr.write(`${what} …`)
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  })
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1)
  process.stderr.write(` ${status === 0 ? `${seconds} s` : 'failed'}\n`)
  if (status !== 0) stop(String(stdout ?? ''), String(stderr ?? ''), error ? error.message : '')
}

/** The npm that runs this script, or the one on the path. */
export function npm(args) {
  const script = process.env.npm_execpath
  return script?.endsWith('.js')
    ? { command: process.execPath, args: [script, ...args] }
    : { command: 'npm', args }
}

/** A file's JSON, or nothing where there is none. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
