/** Runs scripts of `__test__/addon/processes` in Node processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SCRIPTS = new URL('../addon/processes/', import.meta.url)
/** What makes Node load TypeScript. */
export const TYPESCRIPT = fileURLToPath(new URL('native-typescript.mjs', import.meta.url))
const DEADLINE_MS = 90_000
/** How long a test waits that runs a process: longer than the process may take. */
export const PATIENCE_MS = 100_000

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ProcessOptions {
  /** Added to the environment of this process. */
  readonly env?: NodeJS.ProcessEnv
  readonly nodeArguments?: readonly string[]
  readonly arguments?: readonly string[]
}

/** Starts a script; nobody writes to its standard input. */
export function start(script: string, options: ProcessOptions = {}): ChildProcess {
  const { env = {}, nodeArguments = [], arguments: own = [] } = options
  return spawn(
    process.execPath,
    [
      ...['--no-warnings', '--import', pathToFileURL(TYPESCRIPT).href, ...nodeArguments],
      ...[fileURLToPath(new URL(script, SCRIPTS)), ...own],
    ],
    { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
  )
}

/** Runs a script to its end. One that does not end is killed, which shows as its signal. */
export async function runToEnd(script: string, options?: ProcessOptions): Promise<Ended> {
  return await ended(start(script, options))
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
    })
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ code, signal, ...text }))
    })
  } finally {
    clearTimeout(deadline)
  }
}

/** What a script printed as JSON in its last line. */
export function lastLine({ stdout }: Ended): unknown {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
