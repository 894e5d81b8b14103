import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { MpcWalletError } from '../errors.js'
import type { Hex } from '../hex.js'

const START_TIMEOUT_MS = 20_000
const LISTENING = /^Listening on (127\.0\.0\.1:\d+)$/

/** A local EVM chain that mines every transaction at once. */
export interface Anvil extends AsyncDisposable {
  /** HTTP endpoint on the loopback interface. */
  readonly url: string
  readonly chainId: number
  /** Sets an account's balance, in wei. */
  fund(address: Hex, balance: bigint): Promise<void>
  /** Ends the chain and waits until its process is gone. */
  close(): Promise<void>
}

/**
 * Starts Foundry's anvil on a port that the system chooses. Nothing leaves the machine, and nothing
 * is kept.
 *
 * @throws {@link MpcWalletError} `PEER_MISSING` naming the package, which npm installs as
 * `@foundry-rs/anvil-<platform>-<architecture>`.
 */
export async function startAnvil(): Promise<Anvil> {
  const args = ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'prague']
  const anvil = spawn(anvilBinary(), args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const kill = (): void => {
    anvil.kill('SIGKILL')
  }
  process.once('exit', kill) // a process of ours never outlives us
  const exited = once(anvil, 'exit').catch(() => {})
  const close = async (): Promise<void> => {
    process.removeListener('exit', kill)
    kill()
    await exited
  }
  try {
    const url = `http://${await addressOf(anvil)}`
    const chainId = Number(await call(url, 'eth_chainId', []))
    const fund = async (address: Hex, balance: bigint): Promise<void> => {
      await call(url, 'anvil_setBalance', [address, `0x${balance.toString(16)}`])
    }
    return { url, chainId, fund, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

function anvilBinary(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil')
  } catch (error) {
    throw new MpcWalletError(
      'PEER_MISSING',
      `anvil is not installed: npm install --save-dev ${name}@1.7.1`,
      { cause: error },
    )
  }
}

/** Reads the address that anvil prints, and goes on reading: a full pipe would stop it. */
async function addressOf(anvil: ChildProcess): Promise<string> {
  const ended = new AbortController()
  const { signal } = ended
  try {
    return await Promise.race([
      printedAddress(anvil),
      once(anvil, 'exit', { signal }).then(() => Promise.reject(failure('it exited'))),
      delay(START_TIMEOUT_MS, undefined, { signal }).then(() => Promise.reject(failure('silent'))),
    ])
  } catch (error) {
    throw error instanceof MpcWalletError ? error : failure('its binary does not run', error)
  } finally {
    ended.abort()
  }
}

function printedAddress({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (stdout === null) return reject(failure('it has no output'))
    createInterface({ input: stdout }).on('line', (line) => {
      const address = LISTENING.exec(line)?.[1]
      if (address !== undefined) resolve(address)
    })
  })
}

function failure(why: string, cause?: unknown): MpcWalletError {
  return new MpcWalletError('RPC_UNAVAILABLE', `anvil did not start: ${why}`, { cause })
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer: unknown = await response.json()
  if (typeof answer === 'object' && answer !== null && 'result' in answer) return answer.result
  throw new MpcWalletError('RPC_UNAVAILABLE', `anvil refused ${method}`)
}
