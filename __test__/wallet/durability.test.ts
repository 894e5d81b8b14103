import { chmodSync, copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  type KeyShareStore,
  MemoryStore,
  SqliteStore,
  type StoreBatch,
  type Transport,
} from '../../src/index.js'
import {
  type Each,
  each,
  makeWallet,
  type OpenCommittee,
  openWallet,
  type Records,
  recordsOf,
  refreshAll,
  signerOf,
  storesWith,
} from '../helpers/stored-committee.js'
import { directoryOf, inDirectory } from '../helpers/stores.js'
import { roundOf, sending } from '../helpers/transports.js'

/** A wallet of epoch 1, as its three stores hold it. */
let records: Each<Records>
beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  await using _ = await makeWallet(stores)
  records = await recordsOf(stores)
})

/** What one party did, in order, and what its files held meanwhile. */
interface Watched {
  readonly log: string[]
  /** Kinds of the records on disk when the first envelope of a round left. */
  readonly onDisk: Map<number, readonly string[]>
}

/** Runs with the agent's records in a SQLite store whose commits and envelopes are written down. */
async function watch(work: (opened: OpenCommittee) => Promise<unknown>): Promise<Watched> {
  return await inDirectory(async (directory) => {
    const path = join(directory, 'store', 'wallet.db')
    const store = await SqliteStore.open({ path })
    const writes = [...records.agent].map(([id, value]) => ({ kind: 'put', id, value }) as const)
    await store.commit({ writes, readBack: [] })
    const watched: Watched = { log: [], onDisk: new Map() }
    const copyOf = (round: number): string =>
      join(directoryOf(directory, `round-${round}`), 'wallet.db')
    const sent = new Set<number>()
    const wrapTransport = (transport: Transport, role: string): Transport =>
      sending(transport, async (envelope, pass) => {
        if (role === 'agent') {
          const round = roundOf(envelope)
          watched.log.push(`send ${round}`)
          // what would be found if the process were killed now
          if (!sent.has(round))
            for (const end of ['', '-wal']) copyFileSync(path + end, copyOf(round) + end)
          sent.add(round)
        }
        await pass(envelope)
      })
    const agent = watchedStore(store, watched.log)
    const opened = await openWallet({ ...(await storesWith(records)), agent }, { wrapTransport })
    watched.log.length = 0
    await work(opened)
    await opened.close()
    await store.close()
    for (const round of sent) watched.onDisk.set(round, await kindsIn(copyOf(round)))
    return watched
  })
}

async function kindsIn(path: string): Promise<string[]> {
  for (const end of ['', '-wal']) chmodSync(path + end, 0o600)
  chmodSync(dirname(path), 0o700)
  const store = await SqliteStore.open({ path })
  const ids = await store.list()
  await store.close()
  return ids.map((id) => id.replace(/^wallet\/[0-9a-f]{64}\//, '').replace(/\/[0-9a-f]{64}/, ''))
}

function watchedStore(store: KeyShareStore, log: string[]): KeyShareStore {
  return {
    store: (id, share) => store.store(id, share),
    load: (id) => store.load(id),
    delete: (id) => store.delete(id),
    exists: (id) => store.exists(id),
    list: (prefix) => store.list(prefix),
    close: () => store.close(),
    commit: async (batch: StoreBatch) => {
      log.push('commit')
      const values = await store.commit(batch)
      // whoever does not wait for the promise is seen now
      await new Promise((resolve) => setTimeout(resolve, 20))
      log.push('durable')
      return values
    },
  }
}

/** The log without repetitions: a round goes to several peers. */
const inOrder = (log: readonly string[]): string[] =>
  log.filter((entry, position) => entry !== log[position - 1])

describe('what a party must not forget', () => {
  it('is durable before the first envelope of a signature leaves', async () => {
    const { log, onDisk } = await watch(({ wallets }) => signerOf(wallets, ['agent', 'user']))

    expect(inOrder(log)).toEqual([
      // what the policy decided and reserved, and the session
      ...['commit', 'durable', 'commit', 'durable', 'commit', 'durable', 'send 0', 'send 1'],
      // that the share leaves
      ...['commit', 'durable', 'send 2', 'send 3'],
      // how the request ended, at the policy and in the audit log
      ...['commit', 'durable', 'commit', 'durable', 'commit', 'durable'],
    ])
    expect(onDisk.get(0)?.filter((kind) => kind === 'session')).toHaveLength(2) // of the key generation too
  })

  it('is durable before what relies on it leaves in a refresh', async () => {
    const { log, onDisk } = await watch(({ wallets }) => refreshAll(wallets))

    expect(inOrder(log)).toEqual([
      ...['commit', 'durable', 'send 0', 'send 1', 'send 2', 'send 3'],
      ...['commit', 'durable', 'send 4', 'send 5', 'send 6'],
      ...['commit', 'durable', 'send 7'],
      ...['commit', 'durable', 'send 8'],
      // lines of the audit log
      ...['commit', 'durable', 'commit', 'durable'],
    ])
    const next = '00000000000000000002'
    expect(onDisk.get(0)).toContain(`intent/${next}`)
    expect(onDisk.get(4)).toEqual(
      expect.arrayContaining([`prepared/${next}`, `share/${next}/ecdsa`]),
    )
    expect(onDisk.get(7)).toContain(`acknowledged/${next}`)
    expect(onDisk.get(8)).toContain(`certificate/${next}`)
    expect(onDisk.get(8)?.filter((kind) => kind.includes('00000000000000000001'))).toEqual([])
  })
})
