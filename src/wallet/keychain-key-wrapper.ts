import { randomUUID, timingSafeEqual } from 'node:crypto'
import type { AsyncEntry } from '@napi-rs/keyring'
import { MpcWalletError } from '../errors.js'
import { invalid, requireObject } from '../guards.js'
import type { KeyWrapper } from './unlock.js'

const DEFAULT_SERVICE = 'mpc-wallet'
const MAX_NAME_LENGTH = 128
/** What {@link randomUUID} gives. */
const ENTRY_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/**
 * Without it the library falls back to the kernel's keyring where no Secret Service answers, and that
 * one forgets with the next start of the machine.
 */
const OPTIONS = { linux: { store: 'secret-service' } } as const

/** Under which names the key is in the keychain. */
export interface KeychainKeyWrapperParameters {
  /** Which party of this user's: 1 to 128 characters. */
  readonly account: string
  /** 1 to 128 characters; `mpc-wallet` by default. */
  readonly service?: string
}

/**
 * Keeps the key of a party's records in the keychain of the operating system: the Keychain of macOS,
 * the Credential Manager of Windows, the Secret Service of a Linux desktop. It needs the optional
 * package `@napi-rs/keyring`.
 *
 * Every key that is wrapped gets an entry of its own, `<account>/<random id>`, and none is ever
 * overwritten or deleted: what is lost with an entry is the party. The header of the store names
 * the entry. A keychain protects from a copied disk, not from other programs of the same user.
 *
 * @example
 * const keyWrapper = keychainKeyWrapper({ account: 'agent' })
 * const party = await Party.open({ role: PartyRole.Agent, store, unlock: { keyWrapper } })
 * @throws {@link MpcWalletError} when the store is opened: `PEER_MISSING` without the package,
 * `UNLOCK_UNAVAILABLE` for a keychain that is not there, locked, or says no,
 * `UNLOCK_KEY_ABSENT` for an entry that is gone, `WRONG_PASSWORD` for one with another key.
 */
export function keychainKeyWrapper(parameters: KeychainKeyWrapperParameters): KeyWrapper {
  const { account, service = DEFAULT_SERVICE } = requireObject('parameters', parameters)
  requireName('account', account)
  requireName('service', service)
  const entryOf = (Entry: typeof AsyncEntry, id: string): AsyncEntry =>
    new Entry(service, `${account}/${id}`, OPTIONS)
  return {
    name: 'keychain',
    wrap: async (key) => {
      const Entry = await loadKeyring()
      const id = randomUUID()
      const entry = entryOf(Entry, id)
      await entry.setSecret(key)
      const kept = await readSecret(entry)
      try {
        if (kept?.length !== key.length || !timingSafeEqual(kept, key))
          throw new MpcWalletError('UNLOCK_UNAVAILABLE', 'the keychain did not keep the key')
      } finally {
        kept?.fill(0)
      }
      return new TextEncoder().encode(id)
    },
    unwrap: async (wrapped) => {
      const id = new TextDecoder().decode(wrapped)
      if (!ENTRY_ID.test(id))
        throw new MpcWalletError('SHARE_UNREADABLE', 'the header names no entry of a keychain')
      const Entry = await loadKeyring()
      const key = await readSecret(entryOf(Entry, id))
      if (key === undefined)
        throw new MpcWalletError(
          'UNLOCK_KEY_ABSENT',
          `the keychain has no entry ${id} of this service and account`,
        )
      return key
    },
  }
}

async function loadKeyring(): Promise<typeof AsyncEntry> {
  try {
    return (await import('@napi-rs/keyring')).AsyncEntry
  } catch (cause) {
    throw new MpcWalletError('PEER_MISSING', '@napi-rs/keyring does not load', { cause })
  }
}

async function readSecret(entry: AsyncEntry): Promise<Uint8Array | undefined> {
  const secret = await entry.getSecret()
  if (secret === null) return undefined
  const key = Uint8Array.from(secret)
  secret.fill(0)
  return key
}

function requireName(field: string, value: unknown): void {
  const fits = typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
  if (!fits || value.length === 0 || value.length > MAX_NAME_LENGTH)
    throw invalid(field, `must be 1 to ${MAX_NAME_LENGTH} characters without NUL`)
}
