import { MpcWalletError } from '../errors.js'
import { invalid, requireObject, requireRole } from '../guards.js'
import { type Identity, native, type Pairing, type Store } from '../native.js'
import type { PartyRole } from '../party-role.js'
import type { KeyShareStore } from '../storage/index.js'
import { toWalletId, type WalletId } from './ids.js'
import { PartyRecords, readRecords, SEEN_PREFIX } from './party-records.js'
import { requireUnlock, type Unlock, type UnlockCost, unlockStore } from './unlock.js'

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

  private constructor(origin: PartyOrigin, walletIds: readonly WalletId[]) {
    const { identity } = origin
    this.role = identity.role
    this.walletIds = Object.freeze([...walletIds])
    this.#origin = origin
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
      return new Party({ identity, store: new native.Store(), records: undefined }, [])
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  /**
   * Opens the party of a store, or makes one in a store that is new.
   *
   * @throws {@link MpcWalletError} `WRONG_PASSWORD`, `SHARE_UNREADABLE` for records that were
   * changed, `INVALID_INPUT` for another role than the store's, and what the store says.
   */
  static async open(parameters: OpenPartyParameters): Promise<Party> {
    const { role, store, unlock, unlockCost = 'standard' } = requireObject('parameters', parameters)
    if (unlockCost !== 'standard' && unlockCost !== 'high')
      throw invalid('unlockCost', 'must be standard or high')
    const wanted = role === undefined ? undefined : requireRole('role', role)
    try {
      const vault = await unlockStore(store, requireUnlock('unlock', unlock), unlockCost)
      const sealed = await store.load(IDENTITY_ID)
      if (sealed === undefined) {
        if (wanted === undefined) throw invalid('role', 'is needed: the store holds no party yet')
        return await Party.#make(wanted, vault.store([]), store)
      }
      const identity = vault.openIdentity(sealed)
      if (wanted !== undefined && wanted !== identity.role)
        throw invalid('role', `must be ${identity.role}, which this store holds`)
      const seen = await readRecords(store, SEEN_PREFIX)
      const opened = vault.store([...seen, ...(await readRecords(store, 'count/'))])
      const records = new PartyRecords({ native: opened, store, identity })
      return new Party({ identity, store: opened, records }, await walletsIn(store))
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  static async #make(role: PartyRole, opened: Store, store: KeyShareStore): Promise<Party> {
    const identity = native.Identity.generate(role)
    const records = new PartyRecords({ native: opened, store, identity })
    await records.commit(opened.sealIdentity(identity))
    return new Party({ identity, store: opened, records }, [])
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

async function walletsIn(store: KeyShareStore): Promise<WalletId[]> {
  const ids = await store.list(WALLET_PREFIX)
  const hex = new Set(ids.flatMap((id) => WALLET_ID.exec(id)?.[1] ?? []))
  return [...hex].map((id) => toWalletId(Buffer.from(id, 'hex')))
}
