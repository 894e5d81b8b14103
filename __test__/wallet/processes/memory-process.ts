/**
 * Three parties in one process that open a wallet, sign and refresh; says when, and waits to be looked at each time.
 * Arguments: a directory with a SQLite store for each party, and the path of a heap snapshot of the second time.
 */
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { writeHeapSnapshot } from 'node:v8'
import { SqliteStore } from '../../../src/index.js'
import { each, openWallet, refreshAll, signerOf } from '../../helpers/stored-committee.js'

const [directory = '', snapshot = ''] = process.argv.slice(2)

async function stop(moment: string): Promise<void> {
  // what nobody refers to any more is let go of when it is collected
  for (let turns = 0; turns < 20; turns += 1) {
    globalThis.gc?.()
    await turn()
  }
  process.send?.(moment)
  await once(process, 'message')
}

async function useWallet(): Promise<void> {
  const stores = await each((role) =>
    SqliteStore.open({ path: `${directory}/${role}/store/wallet.db` }),
  )
  const opened = await openWallet(stores)
  await signerOf(opened.wallets, ['agent', 'user'])
  await stop('open')
  await refreshAll(opened.wallets)
  writeHeapSnapshot(snapshot)
  await stop('refreshed')
  await opened.close()
  await each((role) => stores[role].close())
}

await useWallet()
await stop('closed')
process.exit(0)
