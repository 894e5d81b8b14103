import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import {
  type KeyShareStore,
  MemoryStore,
  type OutsideCounter,
  Party,
  PartyRole,
  SqliteStore,
} from '../../src/index.js'
import {
  type Each,
  each,
  keyWrapper,
  makeWallet,
  openWallet,
  refreshAll,
  signerOf,
} from '../helpers/stored-committee.js'
import { inDirectory } from '../helpers/stores.js'

const unlock = { keyWrapper }

function counterInMemory(): OutsideCounter & { readonly seen: bigint[] } {
  const seen: bigint[] = []
  return {
    seen,
    read: async () => seen.at(-1),
    advance: async (to) => {
      seen.push(to)
    },
  }
}

/** The user's store on disk, the others in memory. */
async function storesIn(directory: string): Promise<Each<KeyShareStore> & { user: SqliteStore }> {
  const user = await SqliteStore.open({ path: join(directory, 'user', 'wallet.db') })
  return { agent: new MemoryStore(), user, recovery: new MemoryStore() }
}

describe('a store that is an older copy', () => {
  it('is refused after a refresh that it does not know, and the newest one is not', async () => {
    await inDirectory(async (directory) => {
      const [live, old] = [join(directory, 'user', 'wallet.db'), join(directory, 'old.db')]
      let stores = await storesIn(directory)
      await (await makeWallet(stores)).close()
      await stores.user.close()
      cpSync(live, old)
      stores = { ...stores, user: await SqliteStore.open({ path: live }) }
      const committee = await openWallet(stores, { unlock })
      await refreshAll(committee.wallets)
      await committee.close()
      await stores.user.close()

      const newest = await SqliteStore.open({ path: live })
      await Party.open({ store: newest, unlock })
      await newest.close()
      rmSync(`${live}-wal`, { force: true })
      cpSync(old, live)
      const older = await SqliteStore.open({ path: live })

      await expect(Party.open({ store: older, unlock })).rejects.toMatchObject({
        code: 'ROLLBACK',
        retryable: false,
      })
      await older.close()
    })
  })

  it('is not one that was made anew where another was deleted', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'user', 'wallet.db')
      const first = await SqliteStore.open({ path })
      await Party.open({ role: PartyRole.User, store: first, unlock })
      await first.close()
      rmSync(path)

      const second = await SqliteStore.open({ path })
      await Party.open({ role: PartyRole.User, store: second, unlock })
      await second.close()

      const again = await SqliteStore.open({ path })
      expect((await Party.open({ store: again, unlock })).role).toBe(PartyRole.User)
      await again.close()
    })
  })
})

describe('the counter outside of a store', () => {
  it('moves with what must not be undone, which is also what a signature spends', async () => {
    const stores = await each(async () => new MemoryStore())
    const counter = counterInMemory()
    const user = Object.assign(stores.user, { counter })
    await using made = await makeWallet({ ...stores, user })
    const afterKeygen = counter.seen.length

    await signerOf(made.wallets, ['agent', 'user'])
    const afterSigning = counter.seen.length
    await refreshAll(made.wallets)

    expect(afterKeygen).toBeGreaterThan(2)
    expect(afterSigning).toBeGreaterThan(afterKeygen)
    expect(counter.seen.length).toBeGreaterThan(afterSigning + 2)
    expect(counter.seen).toEqual(counter.seen.map((_, position) => BigInt(position + 1)))
  })

  it('is brought up to a store whose process ended between the two', async () => {
    const [store, counter] = [new MemoryStore(), counterInMemory()]
    await Party.open({ role: PartyRole.User, store, unlock, counter })
    counter.seen.pop()

    await Party.open({ store, unlock, counter })

    expect(await counter.read()).toBe(1n)
  })

  it('that is ahead by one refuses the store', async () => {
    const [store, counter] = [new MemoryStore(), counterInMemory()]
    await Party.open({ role: PartyRole.User, store, unlock, counter })
    await counter.advance(2n)

    await expect(Party.open({ store, unlock, counter })).rejects.toMatchObject({ code: 'ROLLBACK' })
  })
})
