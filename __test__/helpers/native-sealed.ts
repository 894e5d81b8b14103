/** A party's records as an SDK keeps them: sealed by the binding, held by JavaScript. */
import {
  FreshKey,
  type Identity,
  type RoundOutcome,
  type Session,
  type StoreBatch,
  type Vault,
  Wallet,
} from '#native'
import { type Each, keygenOf, NOW, run, strangers, walletsIn } from './native-committee.js'

/** What a session is driven by. */
export type Steps = Pick<Session, 'begin' | 'receive' | 'confirm'>

export interface SealedRecords {
  readonly vault: Vault
  readonly records: Map<string, Uint8Array>
}

/** A vault of its own, without the cost of a password. */
export function freshVault(): Vault {
  const key = new FreshKey('test')
  return key.createVault(key.expose())
}

export function sealedRecords(): SealedRecords {
  return { vault: freshVault(), records: new Map() }
}

/** Those whose id begins so, as a store lists them. */
export function recordsUnder(
  records: ReadonlyMap<string, Uint8Array>,
  prefix: string,
): { id: string; value: Uint8Array }[] {
  return [...records].filter(([id]) => id.startsWith(prefix)).map(([id, value]) => ({ id, value }))
}

/** Writes a batch, and reads what is to be read back. */
export function write(
  records: Map<string, Uint8Array>,
  { writes, readBack }: StoreBatch,
): (Uint8Array | undefined)[] {
  for (const { kind, id, value } of writes) {
    if (kind === 'create' && records.has(id)) throw new Error(`${id} exists`)
    if (kind === 'delete') records.delete(id)
    else if (value === undefined) throw new Error(`${id} without a value`)
    else records.set(id, value)
  }
  return readBack.map((id) => records.get(id))
}

/** A session that commits by itself whenever it has to. */
export function keeping(session: Session, records: Map<string, Uint8Array>): Steps {
  const settle = async (outcome: RoundOutcome): Promise<RoundOutcome> =>
    outcome.kind === 'commit'
      ? await settle(await session.committed(NOW, write(records, session.takeBatch())))
      : outcome
  return {
    begin: async (now, envelopes) => await settle(await session.begin(now, envelopes)),
    receive: async (now, envelopes) => await settle(await session.receive(now, envelopes)),
    confirm: async (now, words) => await settle(await session.confirm(now, words)),
  }
}

/** A key generation at a user whose records are sealed, where it waits for the store. */
export interface Committing {
  readonly session: Session
  readonly batch: StoreBatch
  readonly records: Map<string, Uint8Array>
}

/** Its batch was taken, and not answered. */
export async function untilCommit(): Promise<Committing> {
  const { session, records } = await beforeCommit()
  return { session, batch: session.takeBatch(), records }
}

/** Its batch was not taken. */
export async function beforeCommit(): Promise<Omit<Committing, 'batch'>> {
  const { vault, records } = sealedRecords()
  const made = strangers()
  const session = keygenOf({ ...made, stores: { ...made.stores, user: vault.store([]) } }).user
  const { kind } = await session.begin(NOW, [])
  if (kind !== 'commit') throw new Error(`nothing to commit but ${kind}`)
  return { session, records }
}

/** A wallet that the user has in sealed records. */
export interface SealedWallet extends SealedRecords {
  readonly identity: Identity
  readonly sealedIdentity: Uint8Array
  readonly walletId: Uint8Array
  /** As the key generation gave them: nothing is written yet about what is signed. */
  readonly wallets: Each<Wallet>
}

export async function sealedWallet(policy?: string): Promise<SealedWallet> {
  const { vault, records } = sealedRecords()
  const made = strangers()
  const identity = made.identities.user
  const store = vault.store([])
  write(records, store.sealIdentity(identity))
  const sealedIdentity = records.get('identity')
  const sessions = keygenOf({ ...made, stores: { ...made.stores, user: store } }, policy)
  const outcomes = await run({ ...sessions, user: keeping(sessions.user, records) })
  if (sealedIdentity === undefined) throw new Error('the identity was not written')
  const wallets = walletsIn(outcomes)
  return { vault, records, identity, sealedIdentity, walletId: wallets.user.walletId, wallets }
}

/** The wallet from its records, as after a restart. */
export function openSealed({ identity, walletId, vault, records }: SealedWallet): Wallet {
  const store = vault.store(recordsUnder(records, 'session/'))
  return Wallet.openSealed(identity, walletId, store, recordsUnder(records, 'wallet/'), NOW)
}
