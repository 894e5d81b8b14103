import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { SqliteStore } from '../../src/index.js'
import { PATIENCE_MS, TYPESCRIPT } from '../helpers/native-process.js'
import { occurrences } from '../helpers/process-memory.js'
import { each, keyWrapper, makeWallet, type Records, ROLES } from '../helpers/stored-committee.js'
import { contents, directoryOf, inDirectory } from '../helpers/stores.js'
import { keyOfVault, openRecord } from '../helpers/vault-format.js'

jest.setTimeout(PATIENCE_MS)

const SCRIPT = fileURLToPath(new URL('./processes/memory-process.ts', import.meta.url))

/** Of a share with the pairs of two peers: what stands behind the secret scalar. */
const PAIR_BYTES = 3 * 32 + 1
const STATE_BYTES = 32 * 16 * 16 + 16 + 32 * 15 * 16
const SCALAR_FROM_END = 32 + 2 * (PAIR_BYTES + STATE_BYTES) + 32

/** Secrets of one party, as they stand in records. */
interface Secrets {
  readonly identitySeed: Uint8Array
  readonly scalar: Uint8Array
  readonly otSeed: Uint8Array
}

/** Opened by another implementation of the format, outside of the process that is looked at. */
async function secretsOf(records: Records): Promise<Secrets> {
  const header = records.get('vault') ?? Buffer.of()
  const key = keyOfVault(header, await keyWrapper.unwrap(wrappedIn(header)))
  const [shareId = '', sealedShare = Buffer.of()] =
    [...records].find(([id]) => id.includes('/share/')) ?? []
  const [, walletId = '', , epoch = '', keyId = ''] = shareId.split('/')
  const name = {
    kind: 'share',
    walletId: Buffer.from(walletId, 'hex'),
    keyId,
    epoch: BigInt(epoch),
  }
  const suite = { suite: 'dkls23-secp256k1', required: 2, total: 3 }
  const share = openRecord(key, { ...name, ...suite }, sealedShare)
  const identity = openRecord(key, { kind: 'identity' }, records.get('identity') ?? Buffer.of())
  return {
    identitySeed: identity.subarray(2, 34),
    scalar: share.subarray(-SCALAR_FROM_END).subarray(0, 32),
    otSeed: share.subarray(-64, -32), // the last of the last pair
  }
}

/** `u8 length ‖ name ‖ u32 length ‖ wrapped` stand behind magic, format and kind. */
function wrappedIn(header: Uint8Array): Uint8Array {
  const view = Buffer.from(header)
  const start = 8 + view.readUInt8(7)
  return view.subarray(start + 4, start + 4 + view.readUInt32BE(start))
}

/** As they may stand in memory: numbers as this machine computes with them too. */
const forms = ({ identitySeed, scalar, otSeed }: Secrets): Uint8Array[] => [
  identitySeed,
  scalar,
  new Uint8Array(scalar).reverse(),
  otSeed,
]

/** Text that a secret may have become in JavaScript. */
const texts = ({ identitySeed, scalar }: Secrets): string[] =>
  [identitySeed, scalar].flatMap((secret) =>
    (['hex', 'base64', 'base64url'] as const).map((encoding) =>
      Buffer.from(secret).toString(encoding).slice(0, 40),
    ),
  )

describe('a process that opens a wallet, signs and refreshes', () => {
  const seen: { open: number[]; refreshed: number[]; closed: number[] } = {
    ...{ open: [], refreshed: [], closed: [] },
  }
  let snapshot: string
  let wanted: string[]

  beforeAll(async () => {
    await inDirectory(async (directory) => {
      await makeStores(directory)
      const snapshotPath = join(directory, 'it.heapsnapshot')
      const child = startProcess(directory, snapshotPath)
      const secrets = await secretsIn(directory, 'before')
      const look = (): number[] => occurrences(child.pid ?? 0, secrets.flatMap(forms))
      await once(child, 'message')
      if (process.platform === 'linux') seen.open = look()
      child.send('go on')
      await once(child, 'message')
      secrets.push(...(await secretsIn(directory, 'after')))
      if (process.platform === 'linux') seen.refreshed = look()
      child.send('go on')
      await once(child, 'message')
      if (process.platform === 'linux') seen.closed = look()
      child.send('go on')
      expect(await once(child, 'exit')).toEqual([0, null])
      snapshot = readFileSync(snapshotPath, 'latin1')
      wanted = secrets.flatMap(texts)
    })
  })

  it('has no secret among the strings of its heap snapshot', () => {
    expect(snapshot).toContain('MpcAgentWallet')
    expect(wanted.filter((text) => snapshot.includes(text))).toEqual([])
  })

  // where the memory of a process can be read
  if (process.platform === 'linux') {
    /** Identity seed, scalar as it is stored, as it is computed with, and a seed of the OT state. */
    const held = [true, false, true, true]
    const gone = [true, false, false, false] // the identity stays
    const perParty = (forms: readonly boolean[]) => [...forms, ...forms, ...forms]

    it('holds its secrets while it is open, each in one form', () => {
      expect(seen.open.map((times) => times > 0)).toEqual(perParty(held))
    })

    it('holds nothing of the old shares after the refresh, in all of its memory', () => {
      expect(seen.refreshed.map((times) => times > 0)).toEqual([
        ...perParty(gone),
        ...perParty(held),
      ])
    })

    it('holds no secret when it is closed, in all of its memory', () => {
      expect(seen.closed).toEqual(Array(24).fill(0))
    })
  }
})

async function makeStores(directory: string): Promise<void> {
  const stores = await each((role) =>
    SqliteStore.open({ path: join(directoryOf(directory, role), 'store', 'wallet.db') }),
  )
  await (await makeWallet(stores)).close()
  await each((role) => stores[role].close())
}

function startProcess(directory: string, snapshot: string): ChildProcess {
  const hooks = ['--no-warnings', '--expose-gc', '--import', pathToFileURL(TYPESCRIPT).href]
  return spawn(process.execPath, [...hooks, SCRIPT, directory, snapshot], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

/** Of all three parties, from copies of their files: the process may have them open. */
async function secretsIn(directory: string, copy: string): Promise<Secrets[]> {
  const secrets: Secrets[] = []
  for (const role of ROLES) {
    const path = directoryOf(directory, join(copy, role))
    for (const name of ['wallet.db', 'wallet.db-wal'])
      if (existsSync(join(directory, role, 'store', name)))
        cpSync(join(directory, role, 'store', name), join(path, name))
    chmodSync(path, 0o700)
    const store = await SqliteStore.open({ path: join(path, 'wallet.db') })
    secrets.push(await secretsOf(await contents(store)))
    await store.close()
  }
  return secrets
}
