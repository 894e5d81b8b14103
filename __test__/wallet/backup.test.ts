import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type BackupUnlock,
  type BackupWithWordsReturnType,
  type KeyShareStore,
  MemoryStore,
  Party,
  PartyRole,
  SqliteStore,
  verifyBackup,
} from '../../src/index.js'
import { createTestCommittee } from '../../src/testing/index.js'
import { root } from '../docs/documents.js'
import {
  addressesOf,
  type Each,
  each,
  keyWrapper,
  makeWallet,
  type OpenCommittee,
  openWallet,
  refreshAll,
  signerOf,
  signersOfPairs,
} from '../helpers/stored-committee.js'
import { contents, inDirectory } from '../helpers/stores.js'

const password = 'an easy one to remember'
const storeUnlock = { keyWrapper }

async function memoryStores(): Promise<Each<KeyShareStore>> {
  return await each(async () => new MemoryStore())
}

/** The user's machine is gone: what its backup brings back, into a new store. */
async function restoreUser(
  stores: Each<KeyShareStore>,
  file: Uint8Array,
  unlock: BackupUnlock,
): Promise<Each<KeyShareStore>> {
  const store = new MemoryStore()
  await Party.restore({ file, unlock, store, storeUnlock })
  return { ...stores, user: store }
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => 'nothing',
    (error) => error.code,
  )
}

describe('a party whose machine is lost', () => {
  it('comes back from its backup, and after a refresh every pair signs for the same addresses', async () => {
    const stores = await memoryStores()
    const made = await makeWallet(stores)
    const [address = ''] = addressesOf(made.wallets)
    const { file, epoch } = await made.wallets.user.backup({
      unlock: { password },
      unlockCost: 'standard',
    })
    await made.close()

    const restored = await restoreUser(stores, file, { password })
    await using committee = await openWallet(restored)
    const { wallets } = committee

    expect([epoch, wallets.user.epoch]).toEqual([1n, 1n])
    expect(await codeOf(signerOf(wallets, ['user', 'recovery']))).toBe('REFRESH_NEEDED')
    expect(await codeOf(signerOf(wallets, ['agent', 'user']))).toBe('REFRESH_NEEDED')
    expect(await signerOf(wallets, ['agent', 'recovery'])).toBe(address)

    await refreshAll(wallets)

    expect(addressesOf(wallets)).toEqual([address, address, address])
    expect(await signersOfPairs(wallets)).toEqual([address, address, address])
  })

  it('comes back into a real store, which is opened again', async () => {
    await inDirectory(async (directory) => {
      const stores = await memoryStores()
      const made = await makeWallet(stores)
      const { file } = await made.wallets.user.backup({ unlock: storeUnlock })
      const { walletId } = made.wallets.user
      await made.close()

      const path = join(directory, 'store', 'wallet.db')
      const store = await SqliteStore.open({ path })
      const { identityKey } = await Party.restore({ file, unlock: storeUnlock, store, storeUnlock })
      await store.close()

      const again = await SqliteStore.open({ path })
      const party = await Party.open({ store: again, unlock: storeUnlock })
      expect(party).toMatchObject({ role: PartyRole.User, walletIds: [walletId], identityKey })
      await again.close()
    })
  })

  it('with a backup of before a refresh is told that it must be recovered, and so are the others', async () => {
    const stores = await memoryStores()
    const made = await makeWallet(stores)
    const { file } = await made.wallets.user.backup({ unlock: storeUnlock })
    await refreshAll(made.wallets)
    await made.close()

    await using committee = await openWallet(await restoreUser(stores, file, storeUnlock))
    const { agent, user } = committee.wallets
    const atUser: string[] = []
    user.on('envelopeDropped', ({ code }) => atUser.push(code))
    const abort = new AbortController()
    const joining = user.refresh({ signal: abort.signal })
    const others = committee.wallets.recovery.refresh({ signal: abort.signal })

    await expect(agent.refresh()).rejects.toMatchObject({
      code: 'SHARE_STALE',
      culprits: [PartyRole.User],
      retryable: false,
    })
    expect(atUser).toContain('SHARE_STALE')
    abort.abort()
    expect(await Promise.all([codeOf(joining), codeOf(others)])).toEqual(['ABORTED', 'ABORTED'])
    expect(await codeOf(signerOf(committee.wallets, ['agent', 'user']))).toBe('SHARE_STALE')
  })
})

describe('what a party says of its backups', () => {
  it('is that there is none, that it is current, and after a refresh that it is stale', async () => {
    await using committee = await makeWallet(await memoryStores())
    const { user } = committee.wallets
    const none = (await user.status()).backup
    const { epoch, exportedAtMs } = await user.backup({ unlock: storeUnlock })
    const current = (await user.status()).backup
    await refreshAll(committee.wallets)

    const last = { epoch, exportedAtMs }
    const common = { needsRefresh: false, limitsFull: false }
    expect(none).toEqual({ state: 'none', ...common })
    expect(current).toEqual({ state: 'current', last, ...common })
    expect((await user.status()).backup).toEqual({ state: 'stale', last, ...common })
  })

  it('is after a restore that limits are used up, and that it needs a refresh until there was one', async () => {
    const stores = await memoryStores()
    const made = await makeWallet(stores)
    const { file, exportedAtMs } = await made.wallets.user.backup({ unlock: storeUnlock })
    await made.close()
    await using committee = await openWallet(await restoreUser(stores, file, storeUnlock))
    const { user } = committee.wallets

    const restored = (await user.status()).backup
    expect(restored).toEqual({
      state: 'current',
      last: { epoch: 1n, exportedAtMs },
      restoredAtMs: expect.any(Number),
      needsRefresh: true,
      limitsFull: true,
    })
    await refreshAll(committee.wallets)
    expect((await user.status()).backup).toEqual({
      ...restored,
      state: 'stale',
      needsRefresh: false,
    })
  })

  it('is the same where records are in memory only', async () => {
    await using committee = await createTestCommittee()
    await committee.user.backup({ unlock: storeUnlock })

    expect((await committee.user.status()).backup).toMatchObject({ state: 'current' })
  })
})

describe('a backup', () => {
  let stores: Each<KeyShareStore>
  let committee: OpenCommittee
  let file: Uint8Array
  let onPaper: BackupWithWordsReturnType
  beforeAll(async () => {
    stores = await memoryStores()
    committee = await makeWallet(stores)
    file = (await committee.wallets.agent.backup({ unlock: storeUnlock })).file
    onPaper = await committee.wallets.agent.backupWithWords()
  })
  afterAll(async () => {
    await committee.close()
  })

  it('says what it is of', async () => {
    const { walletId, role } = committee.wallets.agent
    const before = Date.now()
    const { file, exportedAtMs } = await committee.wallets.agent.backup({
      unlock: { password },
      unlockCost: 'standard',
    })

    const verified = await verifyBackup({ file, unlock: { password } })

    expect(verified).toEqual({ walletId, role, epoch: 1n, exportedAtMs })
    expect(exportedAtMs).toBeGreaterThanOrEqual(before)
    const wrong = verifyBackup({ file, unlock: { password: `${password}!` } })
    await expect(wrong).rejects.toMatchObject({ code: 'WRONG_PASSWORD' })
    const otherwise = verifyBackup({ file, unlock: storeUnlock })
    await expect(otherwise).rejects.toMatchObject({ code: 'WRONG_PASSWORD' })
  })

  it('has no room for what a pair shares, and nothing to be read without its key', async () => {
    const { agent } = committee.wallets
    const [share] = [...(await contents(stores.agent))].filter(([id]) => id.includes('/share/'))

    expect(share?.[1].length).toBeGreaterThan(30_000)
    expect(file.length).toBeLessThan(3_000)
    const found = (bytes: Uint8Array): boolean => Buffer.from(file).includes(Buffer.from(bytes))
    for (const { identityKey } of agent.parties) expect(found(identityKey)).toBe(false)
    expect(found(Buffer.from(agent.walletId.slice(2), 'hex'))).toBe(false)
    expect(found(agent.deriveAccount({ path: 'm' }).publicKey.slice(1))).toBe(false)
    expect(found(Buffer.from('share'))).toBe(false)
  })

  it('that was changed, cut or made longer anywhere is refused, and nothing is written', async () => {
    const places = [...Array(8).keys(), 20, 60, 100, 140, 200, 300, 800, file.length - 1]
    const damaged = [
      ...places.map((place) => file.map((byte, at) => (at === place ? byte ^ 1 : byte))),
      ...places.map((place) => file.slice(0, Math.max(place, 1))),
      new Uint8Array([...file, 0]),
    ]
    const codes = new Set<unknown>()
    for (const bytes of damaged) {
      const store = new MemoryStore()
      const unlock = storeUnlock
      codes.add(await codeOf(Party.restore({ file: bytes, unlock, store, storeUnlock })))
      expect(await store.list()).toEqual([])
    }

    expect([...codes]).toEqual(['BACKUP_UNREADABLE'])
  })

  it('is opened by any two of its three lists of words', async () => {
    const { file, words } = onPaper
    const [first, second, third] = words
    expect(words.map((list) => list.split(' ').length)).toEqual([33, 33, 33])

    for (const two of [
      [first, second],
      [third, first],
      [second, third],
    ] as const) {
      const store = new MemoryStore()
      const party = await Party.restore({ file, unlock: { words: two }, store, storeUnlock })
      expect(party.walletIds).toEqual([committee.wallets.agent.walletId])
    }
  })

  it('is not opened by one list twice, a wrong word, or words of another file', async () => {
    const { file, words } = onPaper
    const [first, second] = words
    const other = await committee.wallets.agent.backupWithWords()
    const wrong = second.split(' ').with(20, second.includes('academic') ? 'acid' : 'academic')
    const open = (words: readonly [string, string]) =>
      codeOf(verifyBackup({ file, unlock: { words } }))

    expect(await open([first, first])).toBe('WORDS_INVALID')
    expect(await open([first, wrong.join(' ')])).toBe('WORDS_INVALID')
    expect(await open([first, 'no such words'])).toBe('WORDS_INVALID')
    expect(await open([first, other.words[1]])).toBe('WORDS_INVALID')
    expect(await open([other.words[0], other.words[1]])).toBe('WRONG_PASSWORD')
    const alone = { words: [first] } as unknown as BackupUnlock
    expect(await codeOf(verifyBackup({ file, unlock: alone }))).toBe('INVALID_INPUT')
  })

  it('is not restored over the wallet that a store holds, nor beside another party', async () => {
    const { file: ofUser } = await committee.wallets.user.backup({ unlock: storeUnlock })
    const other = new MemoryStore()
    await Party.open({ role: PartyRole.Agent, store: other, unlock: storeUnlock })
    const into = (store: KeyShareStore, file: Uint8Array) =>
      codeOf(Party.restore({ file, unlock: storeUnlock, store, storeUnlock }))

    expect(await into(stores.agent, file)).toBe('STORE_RECORD_EXISTS')
    expect(await into(other, ofUser)).toBe('INVALID_INPUT')
    expect(await other.list()).toEqual(['identity', 'vault'])
  })
})

describe('the backup that version 0.1.0 left', () => {
  const golden = join(root, '__test__', 'vectors', 'golden', '0.1.0', 'backup')
  const { words, ...expected } = JSON.parse(readFileSync(join(golden, 'backup.json'), 'utf8'))
  const read = (name: string) => new Uint8Array(readFileSync(join(golden, name)))

  it.each([
    ['by its password', 'password.backup', { password: 'golden' }],
    ['by its words', 'words.backup', { words: words.slice(1) }],
  ])('is verified and restored %s', async (_, name, unlock) => {
    const file = read(name)
    const store = new MemoryStore()

    expect(await verifyBackup({ file, unlock })).toMatchObject({
      walletId: expected.walletId,
      role: expected.role,
      epoch: BigInt(expected.epoch),
    })
    const party = await Party.restore({ file, unlock, store, storeUnlock })
    expect(party.walletIds).toEqual([expected.walletId])
  })
})
