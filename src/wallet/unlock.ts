import { MpcWalletError } from '../errors.js'
import { invalid, isBytes, requireFunction, requireObject } from '../guards.js'
import { native, type Vault } from '../native.js'
import type { KeyShareStore } from '../storage/index.js'

/** Where a store keeps how it is unlocked. @internal */
export const HEADER_ID = 'vault'
/** While its records move to another key: the header of that key, and each key under the other. @internal */
export const MOVE_IDS = {
  header: 'vault/next',
  forward: 'vault/forward',
  back: 'vault/back',
} as const
/** How the ids of sealed records begin. A ledger or an audit log in the same store has others. @internal */
export const SEALED_IDS = ['identity', 'session/', 'count/', 'wallet/'] as const
const MAX_PASSWORD_BYTES = 1_024
const MAX_WRAPPED_BYTES = 4_096
const WRAPPER_NAME = /^[a-z0-9][a-z0-9.:-]{0,63}$/

/**
 * Keeps the key of a party's records where this process cannot read it without being allowed to: the
 * keychain of the operating system ({@link keychainKeyWrapper}), a KMS
 * (`examples/kms-key-wrapper.mjs`), a hardware token.
 */
export interface KeyWrapper {
  /** Stored with the records, so that a wrapper of another kind is noticed. */
  readonly name: string
  /** Encrypts the 32-byte key when a store is made or rewrapped. The result is stored. */
  wrap(key: Uint8Array): Promise<Uint8Array>
  /** Gives back the key of {@link KeyWrapper.wrap}; called each time the store is opened. */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>
}

/** A password, or what asks for one. Text stays in the memory of JavaScript; bytes can be wiped. */
export type Password = string | Uint8Array

/** What opens a party's records. */
export type Unlock =
  | { readonly password: Password | (() => Password | Promise<Password>) }
  | { readonly keyWrapper: KeyWrapper }

/** How much work it costs to try a password. */
export type UnlockCost = 'standard' | 'high'

/** A store's vault, and which key opened it. @internal */
export interface UnlockedStore {
  readonly vault: Vault
  /** Of a move that was interrupted: whether it was the key that the records move to. */
  readonly openedBy: 'only' | 'previous' | 'next'
}

/**
 * Opens the records of a store; makes the key that seals them where there is none.
 *
 * @throws {@link MpcWalletError} `WRONG_PASSWORD`, `SHARE_UNREADABLE`, `UNLOCK_UNAVAILABLE`, or what
 * the store says.
 * @internal
 */
export async function unlockStore(
  store: KeyShareStore,
  unlock: Unlock,
  cost: UnlockCost,
): Promise<UnlockedStore> {
  const header = await store.load(HEADER_ID)
  if (header !== undefined) {
    const next = await store.load(MOVE_IDS.header)
    if (next === undefined) return { vault: await openVault(header, unlock), openedBy: 'only' }
    return await unlockMoving(store, header, next, await askOnce(unlock))
  }
  for (const prefix of SEALED_IDS)
    if ((await store.list(prefix)).length > 0)
      throw new MpcWalletError('STORE_CORRUPT', 'the store has records and no key that seals them')
  const vault = await createVault(unlock, cost)
  await store.commit({
    writes: [{ kind: 'create', id: HEADER_ID, value: vault.header }],
    readBack: [],
  })
  return { vault, openedBy: 'only' }
}

/** A store whose records were being moved when its process ended: either key opens all of them. */
async function unlockMoving(
  store: KeyShareStore,
  header: Uint8Array,
  next: Uint8Array,
  unlock: Unlock,
): Promise<UnlockedStore> {
  const { forward, back } = MOVE_IDS
  const linkIn = async (id: string): Promise<Uint8Array> => {
    const link = await store.load(id)
    if (link !== undefined) return link
    throw new MpcWalletError('SHARE_UNREADABLE', 'a key is missing that records are sealed under')
  }
  let refusal: MpcWalletError
  try {
    const vault = await openVault(next, unlock)
    vault.reachBack(header, await linkIn(back))
    return { vault, openedBy: 'next' }
  } catch (error) {
    refusal = MpcWalletError.wrap(error)
  }
  try {
    const vault = await openVault(header, unlock)
    vault.moveForward(next, await linkIn(forward))
    return { vault, openedBy: 'previous' }
  } catch (error) {
    const { code } = MpcWalletError.wrap(error)
    throw code === 'WRONG_PASSWORD' ? refusal : error
  }
}

/** The same, with what asks for the password asked already. @internal */
export async function askOnce(unlock: Unlock): Promise<Unlock> {
  if (!('password' in unlock) || typeof unlock.password !== 'function') return unlock
  return { password: await ask(unlock.password) }
}

/** What a header's password or key wrapper opens. @internal */
export async function openVault(header: Uint8Array, unlock: Unlock): Promise<Vault> {
  const { wrapper, wrapped } = native.readVaultHeader(header)
  if ('password' in unlock) {
    if (wrapper !== undefined)
      throw new MpcWalletError('WRONG_PASSWORD', `what opens it is ${wrapper}, not a password`)
    return await withPassword(unlock.password, (bytes) =>
      native.Vault.unlockWithPassword(header, bytes),
    )
  }
  const { keyWrapper } = unlock
  if (wrapper !== keyWrapper.name || wrapped === undefined)
    throw new MpcWalletError(
      'WRONG_PASSWORD',
      `what opens it is ${wrapper ?? 'a password'}, not ${keyWrapper.name}`,
    )
  return await withKey(await ask(() => keyWrapper.unwrap(wrapped)), (key) =>
    native.Vault.unlockWithKey(header, key),
  )
}

/** A new vault with a header of its own. @internal */
export async function createVault(unlock: Unlock, cost: UnlockCost): Promise<Vault> {
  if ('password' in unlock)
    return await withPassword(unlock.password, (bytes) =>
      native.Vault.createWithPassword(bytes, cost === 'high'),
    )
  const { keyWrapper } = unlock
  const fresh = new native.FreshKey(keyWrapper.name)
  const wrapped = await withKey(fresh.expose(), (key) => ask(() => keyWrapper.wrap(key)))
  if (!isBytes(wrapped) || wrapped.length === 0 || wrapped.length > MAX_WRAPPED_BYTES)
    throw invalid('unlock.keyWrapper.wrap', `must give up to ${MAX_WRAPPED_BYTES} bytes`)
  return fresh.createVault(new Uint8Array(wrapped))
}

async function withPassword<Value>(
  password: Password | (() => Password | Promise<Password>),
  use: (bytes: Uint8Array) => Promise<Value>,
): Promise<Value> {
  const given = typeof password === 'function' ? await ask(password) : password
  const bytes = typeof given === 'string' ? new TextEncoder().encode(given) : given
  if (!isBytes(bytes) || bytes.length === 0 || bytes.length > MAX_PASSWORD_BYTES)
    throw invalid('unlock.password', `must have 1 to ${MAX_PASSWORD_BYTES} bytes`)
  return await use(bytes)
}

/** What the application answers; an error of its own is no defect of ours. */
async function ask<Value>(question: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await question()
  } catch (error) {
    if (error instanceof MpcWalletError) throw error
    throw new MpcWalletError('UNLOCK_UNAVAILABLE', 'what opens the store failed', { cause: error })
  }
}

/** Wipes the key afterwards: it was in the hands of JavaScript as short as possible. */
async function withKey<Value>(
  key: Uint8Array,
  use: (key: Uint8Array) => Value | Promise<Value>,
): Promise<Value> {
  if (!isBytes(key)) throw invalid('unlock.keyWrapper.unwrap', 'must give the key as bytes')
  try {
    return await use(key)
  } finally {
    key.fill(0)
  }
}

/** @internal */
export function requireUnlock(field: string, value: unknown): Unlock {
  const unlock = requireObject(field, value as Partial<Record<'password' | 'keyWrapper', unknown>>)
  const { password, keyWrapper } = unlock
  if ((password === undefined) === (keyWrapper === undefined))
    throw invalid(field, 'must have either a password or a keyWrapper')
  if (password !== undefined) return { password: readPassword(`${field}.password`, password) }
  const wrapper = requireObject(`${field}.keyWrapper`, keyWrapper as KeyWrapper)
  requireFunction(`${field}.keyWrapper.wrap`, wrapper.wrap)
  requireFunction(`${field}.keyWrapper.unwrap`, wrapper.unwrap)
  if (typeof wrapper.name !== 'string' || !WRAPPER_NAME.test(wrapper.name))
    throw invalid(`${field}.keyWrapper.name`, 'must be lower-case letters, digits and .:-')
  return {
    keyWrapper: {
      name: wrapper.name,
      wrap: (key) => wrapper.wrap(key),
      unwrap: (wrapped) => wrapper.unwrap(wrapped),
    },
  }
}

function readPassword(
  field: string,
  value: unknown,
): Password | (() => Password | Promise<Password>) {
  if (typeof value === 'string' || isBytes(value)) return value
  return requireFunction(field, value as () => Password | Promise<Password>)
}
