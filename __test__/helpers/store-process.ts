/** Runs `__test__/storage/processes/store-process.ts`. */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Ended, runToEnd, start } from './native-process.js'
import type { DurableBackend } from './stores.js'

const SCRIPT = '../../storage/processes/store-process.ts'

export function startStore(
  { name }: DurableBackend,
  directory: string,
  ...task: string[]
): ChildProcess {
  return start(SCRIPT, { arguments: [name, directory, ...task] })
}

export async function runStore(
  { name }: DurableBackend,
  directory: string,
  ...task: string[]
): Promise<Ended> {
  return await runToEnd(SCRIPT, { arguments: [name, directory, ...task] })
}

/** What a process prints, line by line, until it ends. */
export async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  if (child.stdout === null) return
  yield* createInterface({ input: child.stdout })
}
