/** Runs `__test__/wallet/processes/party-process.ts`: one party that is killed at a step of a ceremony. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  type KeyShareStore,
  type MemoryNetwork,
  type PartyRole,
  SqliteStore,
} from '../../src/index.js'
import { TYPESCRIPT } from './native-process.js'
import { serveTransport } from './piped-transport.js'
import type { Records } from './stored-committee.js'

const SCRIPT = fileURLToPath(new URL('../wallet/processes/party-process.ts', import.meta.url))

/** The step at which the process dies. */
export interface Step {
  readonly what: 'commit' | 'send'
  readonly number: number
  readonly when: 'before' | 'after'
}

/** What a process needs to know before its ceremony begins. */
export interface Task {
  readonly cards?: readonly string[]
  readonly documents?: readonly string[]
  readonly replacement?: string
  readonly walletId?: string
}

/** A party in a process of its own, which waits for its {@link Task}. */
export interface PartyProcess {
  readonly child: ChildProcess
  readonly card: string
  readonly identityKey: Uint8Array
}

export async function startParty(
  directory: string,
  role: PartyRole,
  ceremony: string,
  { what, number, when }: Step,
): Promise<PartyProcess> {
  const child = spawn(
    process.execPath,
    [
      ...['--no-warnings', '--import', pathToFileURL(TYPESCRIPT).href, SCRIPT],
      ...[directory, role, ceremony, what, String(number), when],
    ],
    { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] },
  )
  const [{ card, identityKey }] = (await once(child, 'message')) as [
    { card: string; identityKey: string },
  ]
  return { child, card, identityKey: Buffer.from(identityKey, 'hex') }
}

/** Gives the process its party's place in a network. */
export function connect({ child, identityKey }: PartyProcess, network: MemoryNetwork): void {
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('a process without pipes')
  void serveTransport(network.connect(identityKey), { input: stdout, output: stdin })
}

/** The store of a process, which must have ended. */
export async function openStore(directory: string): Promise<KeyShareStore> {
  return await SqliteStore.open({ path: `${directory}/store/wallet.db` })
}

export async function fillStore(directory: string, content: Records): Promise<void> {
  const store = await openStore(directory)
  const writes = [...content].map(([id, value]) => ({ kind: 'put', id, value }) as const)
  await store.commit({ writes, readBack: [] })
  await store.close()
}

/** Steps as the rows of a table, each with its name. */
export function steps(
  what: Step['what'],
  numbers: readonly number[],
  ...when: Step['when'][]
): [string, Step][] {
  const named = (step: Step): [string, Step] => [`${step.when} ${what} ${step.number}`, step]
  return numbers.flatMap((number) => when.map((one) => named({ what, number, when: one })))
}
