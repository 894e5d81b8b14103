import { MpcWalletError } from '../errors.js'
import { requireObject, requireRole } from '../guards.js'
import { type Identity, native, type Pairing, type Store } from '../native.js'
import type { PartyRole } from '../party-role.js'

/** Which party to be. */
export interface CreatePartyParameters {
  readonly role: PartyRole
}

/** What a key generation takes from a party, once. @internal */
export interface PartyKeys {
  readonly identity: Identity
  readonly pairing: Pairing
  readonly store: Store
}

let takeKeys: (party: Party) => PartyKeys

/**
 * One party before it has a wallet: its own long-lived keys and the card that introduces it to the
 * other two.
 *
 * Hand the card over on a way that the network between the parties does not control (a QR code, a
 * call, a message that is already trusted). A party makes one wallet; for another attempt, create
 * another party. Its keys live in this process only.
 *
 * @example
 * const party = Party.create({ role: PartyRole.User })
 * showAsQrCode(party.card)
 */
export class Party {
  /** Which of the three this is. */
  readonly role: PartyRole
  /**
   * Public: identity key, sealing key and a commitment to a fresh nonce, signed, as base64url text.
   */
  readonly card: string
  readonly #identityKey: Uint8Array
  readonly #identity: Identity
  readonly #store: Store
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
      return { identity: party.#identity, pairing, store: party.#store }
    }
  }

  private constructor(role: PartyRole) {
    this.role = role
    this.#identity = native.Identity.generate(role)
    this.#identityKey = this.#identity.identityKey
    this.#pairing = this.#identity.createPairing()
    this.#store = new native.Store()
    this.card = Buffer.from(this.#pairing.card).toString('base64url')
  }

  /**
   * Makes the keys of a party. @throws {@link MpcWalletError} `INVALID_INPUT` for an unknown role.
   */
  static create(parameters: CreatePartyParameters): Party {
    const { role } = requireObject('parameters', parameters)
    try {
      return new Party(requireRole('role', role))
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
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
