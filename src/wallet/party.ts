import { MpcWalletError } from '../errors.js'
import { invalid, requireObject, requireRole } from '../guards.js'
import { type Identity, native, type Pairing, type Store, type Vault } from '../native.js'
import type { PartyRole } from '../party-role.js'
import type { KeyShareStore, OutsideCounter } from '../storage/index.js'
import { EpochTimes } from './epoch-times.js'
import { Generation } from './generation.js'
import { toWalletId, type WalletId } from './ids.js'
import { PartyRecords, readRecords } from './party-records.js'
import { finishMove, type RewrapParameters, rewrap } from './rewrap.js'
import { StoreLease } from './store-lease.js'
import { requireUnlock, type Unlock, type UnlockCost, unlockStore } from './unlock.js'
import { type BackupUnlock, openBackup } from './verify-backup.js'

const IDENTITY_ID = 'identity'
const WALLET_PREFIX = 'wallet/'
const WALLET_ID = /^wallet\/([0-9a-f]{64})\//

/** Which party to be. */
export interface CreatePartyParameters {
  readonly role: PartyRole
}

/** Which party to be, and where it is kept. */
export interface OpenPartyParameters {
  /** Needed when the store is new. If the store has a party already, it must be the same. */
  readonly role?: PartyRole
  /** Stays the caller's to close, after every wallet of this party is closed. */
  readonly store: KeyShareStore
  readonly unlock: Unlock
  /**
   * For a new store that is opened by a password: how much work each try costs. `standard` takes
   * 64 MiB and a fraction of a second, `high` 256 MiB (Argon2id).
   */
  readonly unlockCost?: UnlockCost
  /**
   * Where it is noticed that an older copy of the store was put in its place; the store's own by
   * default, a file beside it.
   */
  readonly counter?: OutsideCounter
}

/** Which backup, and where the party goes. */
export interface RestorePartyParameters {
  readonly file: Uint8Array
  /** What opens the file. */
  readonly unlock: BackupUnlock
  /** A new store, or that of the same party without this wallet. Stays the caller's to close. */
  readonly store: KeyShareStore
  /** What opens the store from now on. */
  readonly storeUnlock: Unlock
  /** As in {@link OpenPartyParameters}. */
  readonly unlockCost?: UnlockCost
  /** As in {@link OpenPartyParameters}. */
  readonly counter?: OutsideCounter
}

/** What a key generation takes from a party, once. @internal */
export interface PartyKeys extends PartyOrigin {
  readonly pairing: Pairing
}

/** A party's identity and records. @internal */
export interface PartyOrigin {
  readonly identity: Identity
  readonly store: Store
  readonly records: PartyRecords | undefined
  /** Whoever writes to the store enters it. */
  readonly lease: StoreLease
}

let takeKeys: (party: Party) => PartyKeys
let readOrigin: (party: Party) => PartyOrigin

/**
 * One party: its own long-lived keys, and the card that introduces it to the other two.
 *
 * Hand the card over on a way that the network between the parties does not control (a QR code, a
 * call, a message that is already trusted). A card serves once; for another attempt, open or create
 * the party again.
 *
 * @example
 * const store = await SqliteStore.open({ path: '/var/lib/agent/wallet/wallet.db' })
 * const party = await Party.open({ role: PartyRole.Agent, store, unlock: { password } })
 * showAsQrCode(party.card)
 */
export class Party {
  /** Which of the three this is. */
  readonly role: PartyRole
  /**
   * Public: identity key, sealing key and a commitment to a fresh nonce, signed, as base64url text.
   */
  readonly card: string
  /** The wallets of which this party holds a share, or was about to when its process ended. */
  readonly walletIds: readonly WalletId[]
  readonly #identityKey: Uint8Array
  readonly #origin: PartyOrigin
  /** Of a party with a store. */
  readonly #vault: Vault | undefined
  #pairing: Pairing | undefined

  static {
    takeKeys = (party) => {
      const pairing = party.#pairing
      if (pairing === undefined)
        throw new MpcWalletError(
          'INVALID_INPUT',
          'party: its card was already used, create another',
        )
      party.#pairing = undefined
      return { ...party.#origin, pairing }
    }
    readOrigin = (party) => party.#origin
  }

  private constructor(origin: PartyOrigin, walletIds: readonly WalletId[], vault?: Vault) {
    const { identity } = origin
    this.role = identity.role
    this.walletIds = Object.freeze([...walletIds])
    this.#origin = origin
    this.#vault = vault
    this.#identityKey = identity.identityKey
    this.#pairing = identity.createPairing()
    this.card = Buffer.from(this.#pairing.card).toString('base64url')
  }

  /**
   * Makes a party whose keys live in this process only: for tests and trials.
   *
   * @throws {@link MpcWalletError} `INVALID_INPUT` for an unknown role.
   */
  static create(parameters: CreatePartyParameters): Party {
    const { role } = requireObject('parameters', parameters)
    try {
      const identity = native.Identity.generate(requireRole('role', role))
      const [store, lease] = [new native.Store(), new StoreLease()]
      return new Party({ identity, store, lease, records: undefined }, [])
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  /**
   * Opens the party of a store, or makes one in a store that is new. One party has a store at a time:
   * an earlier one that has no wallet open is over, and one that has keeps the store.
   *
   * @throws {@link MpcWalletError} `WRONG_PASSWORD`, `UNLOCK_UNAVAILABLE`, `SHARE_UNREADABLE` for
   * records that were changed, `ROLLBACK` for a store that is an older copy, `SESSION_BUSY` while a
   * wallet of this store is open or a ceremony runs, `INVALID_INPUT` for another role than the
   * store's, and what the store says.
   */
  static async open(parameters: OpenPartyParameters): Promise<Party> {
    const { role, store, unlock } = requireObject('parameters', parameters)
    const wanted = role === undefined ? undefined : requireRole('role', role)
    try {
      const checked = requireUnlock('unlock', unlock)
      return await StoreLease.take(store, async (lease) => {
        const opened = await openStore(parameters, checked, lease)
        if (opened.identity === undefined) {
          if (wanted === undefined) throw invalid('role', 'is needed: the store holds no party yet')
          return await Party.#make(wanted, opened)
        }
        if (wanted !== undefined && wanted !== opened.identity.role)
          throw invalid('role', `must be ${opened.identity.role}, which this store holds`)
        return Party.#of(opened, opened.identity, await walletsIn(store))
      })
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  /**
   * Brings a party back from a backup, into a store that has nothing of the wallet. Nothing is
   * written unless the whole backup was opened and checked.
   *
   * The party signs nothing before a {@link MpcAgentWallet.refresh} with the other two: what pairs
   * need for signing is never in a backup. The device that was lost must not come back beside it.
   *
   * @example
   * const party = await Party.restore({ file, unlock: { words }, store, storeUnlock: { password } })
   * const wallet = await MpcAgentWallet.open({ party, transport })
   * await wallet.refresh()
   * @throws {@link MpcWalletError} `BACKUP_UNREADABLE`, `WRONG_PASSWORD`, `WORDS_INVALID`,
   * `STORE_RECORD_EXISTS` if the store holds the wallet already, `INVALID_INPUT` if it is of another
   * party, and what the store says.
   */
  static async restore(parameters: RestorePartyParameters): Promise<Party> {
    const { file, unlock, store, storeUnlock } = requireObject('parameters', parameters)
    const checked = requireUnlock('storeUnlock', storeUnlock)
    const backup = await openBackup({ file, unlock })
    try {
      const walletPrefix = `${WALLET_PREFIX}${Buffer.from(backup.walletId).toString('hex')}/`
      if ((await store.list(walletPrefix)).length > 0)
        throw new MpcWalletError('STORE_RECORD_EXISTS', 'the store holds this wallet already')
      return await StoreLease.take(store, async (lease) => {
        const opened = await openStore(parameters, checked, lease)
        const batch = backup.restore(opened.store, BigInt(Date.now()))
        const exportedAtMs = Number(backup.exportedAtMs)
        if (opened.identity === undefined) await opened.records.commit(batch, exportedAtMs)
        else {
          if (Buffer.compare(opened.identity.identityKey, backup.identityKey) !== 0)
            throw invalid('store', 'must not be that of another party')
          const writes = batch.writes.filter(({ id }) => id !== IDENTITY_ID)
          await opened.records.commit({ ...batch, writes }, exportedAtMs)
        }
        const sealed = await store.load(IDENTITY_ID)
        if (sealed === undefined)
          throw new MpcWalletError('STORE_CORRUPT', 'the store did not keep what was restored')
        return Party.#of(opened, opened.vault.openIdentity(sealed), await walletsIn(store))
      })
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  /**
   * Changes what opens the store: another password, or another key wrapper. All records are moved
   * under another key, one part after another; whenever the process ends within it, the old and the
   * new one both open the store, and opening it with the new one, or calling this again, goes on.
   * When this resolves, only the new one opens it.
   *
   * It protects from now on. A copy that was made before opens as it did, and so does one that was
   * made in the middle, for whoever has the old password.
   *
   * @example
   * await wallet.close()
   * await party.rewrap({ unlock: { password: next } })
   * @throws {@link MpcWalletError} `SESSION_BUSY` while a wallet of this party is open or a ceremony
   * runs, `UNLOCK_UNAVAILABLE`, `INVALID_INPUT` for a party without a store, and what the store says.
   */
  async rewrap(parameters: RewrapParameters): Promise<void> {
    const { unlock, unlockCost } = requireObject('parameters', parameters)
    const checked = requireUnlock('unlock', unlock)
    const cost = requireCost(unlockCost)
    const { records, lease } = this.#origin
    const vault = this.#vault
    if (vault === undefined || records === undefined)
      throw invalid('party', 'is of no store, so nothing of it is sealed')
    try {
      await lease.alone(() => rewrap({ vault, records }, checked, cost))
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  /**
   * Ends every ceremony and closes every wallet of this party, with `SESSION_CLOSED` for whoever
   * waits, lets nothing more begin, and wipes the key that opens its records. The store stays open;
   * to go on, {@link Party.open} it again with what unlocks it. {@link MpcAgentWallet.close} does the
   * same for one wallet, and leaves the key for the next one.
   */
  async lock(): Promise<void> {
    await this.#origin.lease.end('the party was locked')
    this.#vault?.lock()
  }

  static async #make(role: PartyRole, opened: OpenedStore): Promise<Party> {
    const identity = native.Identity.generate(role)
    await opened.records.commit(opened.store.sealIdentity(identity))
    return Party.#of(opened, identity, [])
  }

  static #of(
    { store, records, lease, vault }: OpenedStore,
    identity: Identity,
    walletIds: readonly WalletId[],
  ): Party {
    return new Party({ identity, store, records, lease }, walletIds, vault)
  }

  /** The public key that names this party on a transport. */
  get identityKey(): Uint8Array {
    return new Uint8Array(this.#identityKey)
  }

  /** Whether a value is a party, made by this copy of the package. @internal */
  static is(value: unknown): value is Party {
    return typeof value === 'object' && value !== null && #pairing in value
  }
}

/** The party's keys, for its one key generation. @internal */
export function takePartyKeys(party: Party): PartyKeys {
  return takeKeys(party)
}

/** The party's identity and records. @internal */
export function originOf(party: Party): PartyOrigin {
  return readOrigin(party)
}

/** A store that was unlocked and is no older than its counter. */
interface OpenedStore {
  readonly vault: Vault
  readonly store: Store
  readonly records: PartyRecords
  readonly lease: StoreLease
  /** Of the party in it, if there is one. */
  readonly identity: Identity | undefined
}

async function openStore(
  parameters: Pick<OpenPartyParameters, 'store' | 'unlockCost' | 'counter'>,
  unlock: Unlock,
  lease: StoreLease,
): Promise<OpenedStore> {
  const { store, unlockCost, counter = store.counter } = parameters
  const cost = requireCost(unlockCost)
  const generation = await Generation.open(store, counter)
  const { vault, openedBy } = await unlockStore(store, unlock, cost)
  const sealed = await store.load(IDENTITY_ID)
  if (sealed === undefined) await requireNoWallet(store)
  const identity = sealed && vault.openIdentity(sealed)
  const seen = await readRecords(store, 'session/')
  const opened = vault.store([...seen, ...(await readRecords(store, 'count/'))])
  const epochTimes = await EpochTimes.open(store)
  const records = new PartyRecords({ native: opened, store, generation, epochTimes })
  if (openedBy === 'next') await finishMove({ vault, records })
  return {
    vault,
    store: opened,
    records,
    lease,
    identity,
  }
}

function requireCost(cost: unknown = 'standard'): UnlockCost {
  if (cost !== 'standard' && cost !== 'high')
    throw invalid('unlockCost', 'must be standard or high')
  return cost
}

/** A new party beside shares of another one would make a store that nobody can tell from a sound one. */
async function requireNoWallet(store: KeyShareStore): Promise<void> {
  if ((await store.list(WALLET_PREFIX)).length > 0)
    throw new MpcWalletError('STORE_CORRUPT', 'the store has shares and no party that they are of')
}

async function walletsIn(store: KeyShareStore): Promise<WalletId[]> {
  const ids = await store.list(WALLET_PREFIX)
  const hex = new Set(ids.flatMap((id) => WALLET_ID.exec(id)?.[1] ?? []))
  return [...hex].map((id) => toWalletId(Buffer.from(id, 'hex')))
}
