/** Runs `__test__/policy/processes/cosigner.ts`: a co-signer whom nobody in the test's process can reach into. */
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type MemoryNetwork, type PartyRole, SqliteStore } from '../../src/index.js'
import { TYPESCRIPT } from './native-process.js'
import { serveTransport } from './piped-transport.js'
import type { Records } from './stored-committee.js'

const SCRIPT = fileURLToPath(new URL('../policy/processes/cosigner.ts', import.meta.url))

/** What the process says of itself. */
export interface Heard {
  readonly event: string
  readonly value: unknown
}

/** What it is told: a person's word. */
export interface Told {
  readonly statement: string
}

export class CosignerProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #events = new EventEmitter()
  /** Everything that it said, in order. */
  readonly heard: Heard[] = []

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message) => {
      const heard = message as Heard // the script writes nothing else
      this.heard.push(heard)
      this.#events.emit(heard.event, heard.value)
    })
  }

  /** Starts a party on the SQLite store of a directory, in its place on a network. */
  static async start(
    directory: string,
    role: PartyRole,
    network: MemoryNetwork,
  ): Promise<CosignerProcess> {
    const child = spawn(
      process.execPath,
      ['--no-warnings', '--import', pathToFileURL(TYPESCRIPT).href, SCRIPT, directory, role],
      { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] },
    )
    const { stdin, stdout } = child
    if (stdin === null || stdout === null) throw new Error('a process without pipes')
    const cosigner = new CosignerProcess(child)
    const died = once(child, 'exit').then(() => Promise.reject(new Error('the co-signer died')))
    died.catch(() => {}) // it dies at the end of every test
    const ready = cosigner.next('ready') as Promise<{ identityKey: string }>
    const { identityKey } = await Promise.race([ready, died])
    const transport = network.connect(Buffer.from(identityKey, 'hex'))
    void serveTransport(transport, { input: stdout, output: stdin })
    return cosigner
  }

  /** What it says next of one of these kinds. */
  async next(...kinds: string[]): Promise<unknown> {
    const heard = new AbortController()
    const first = kinds.map((kind) => once(this.#events, kind, { signal: heard.signal }))
    try {
      const [value] = await Promise.race(first)
      return value
    } finally {
      for (const one of first) one.catch(() => {}) // the others are not waited for
      heard.abort()
    }
  }

  /** Of a kind, so far. */
  said(event: string): unknown[] {
    return this.heard.filter((one) => one.event === event).map(({ value }) => value)
  }

  tell(told: Told): void {
    this.#child.send(told)
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}

/** Puts what a party keeps into the SQLite store of a directory. */
export async function fillSqlite(directory: string, content: Records): Promise<void> {
  const store = await SqliteStore.open({ path: `${directory}/store/wallet.db` })
  const writes = [...content].map(([id, value]) => ({ kind: 'put', id, value }) as const)
  await store.commit({ writes, readBack: [] })
  await store.close()
}
