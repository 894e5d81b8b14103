import {
  invalid,
  requireBytes,
  requireFunction,
  requireInteger,
  requireObject,
  requireRole,
  requireSignal,
} from '../guards.js'
import type { Hex } from '../hex.js'
import { isName } from '../ledger/index.js'
import { PartyRole } from '../party-role.js'
import { parseDerivationPath } from './derivation-path.js'
import type { CeremonyProgress } from './events.js'

const DEFAULT_TIMEOUT_MS = 2 * 60_000
const MAX_TIMEOUT_MS = 55 * 60_000
const MAX_PAYLOAD_BYTES = 128 * 1024
const MAX_MEMO_BYTES = 512
const PRINCIPAL_BYTES = 32
// what could flood or control a terminal, or reorder the text around it
const UNPRINTABLE =
  /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u
const EIP155_CHAIN = /^eip155:[1-9]\d{0,19}$/

/** An unsigned transaction, and the account that is to sign it. */
export interface TransactionToSign {
  /**
   * The unsigned transaction: EIP-2718 bytes, or the nine-item list of EIP-155. Read natively, at
   * both signers.
   */
  readonly transaction: Uint8Array | Hex
  /** CAIP-2 chain, such as `eip155:1`. Must be the one in the bytes. */
  readonly chain: string
  /**
   * The account: `m` (the default) is the wallet's own address, `m/60/0` and so on are further
   * ones.
   */
  readonly path?: string
}

/** With whom to sign, and how long to wait. */
export interface SigningOptions {
  /**
   * Names what is asked for, in 1 to 128 characters: the number of an invoice, say. However often it
   * is asked for under one key, also after a restart, it is signed once, and the same signatures come
   * back. Without it each call is a request of its own.
   *
   * Calls at the same time wait for the first of them and share how it ends. Of use only to a party
   * with a store.
   */
  readonly idempotencyKey?: string
  /** Who co-signs. By default the user, and for the user the agent. */
  readonly cosigner?: PartyRole
  /**
   * A note to the co-signer, shown beside what it decoded; at most 512 bytes of printable text.
   */
  readonly memo?: string
  /**
   * On whose behalf: a key that the policy lists. Its signature over the request is verified by both
   * signers, so that what the policy says of this principal holds at both.
   */
  readonly principal?: RequestPrincipal
  readonly signal?: AbortSignal
  /** How long to wait for the co-signer and its operator; two minutes by default. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: CeremonyProgress) => void
}

/** Somebody on whose behalf requests are made. */
export interface RequestPrincipal {
  /** Ed25519, 32 bytes. */
  readonly key: Uint8Array
  /** The key's Ed25519 signature, 64 bytes, over these 32 bytes. */
  readonly sign: (hash: Uint8Array) => Uint8Array | Promise<Uint8Array>
}

/** A {@link TransactionToSign} that was looked at. @internal */
export interface RequestedItem {
  /** Such as `evm.transaction`. */
  readonly kind: string
  readonly transaction: Uint8Array
  readonly chain: string
  readonly path: number[]
  /** What the caller calls the transaction. */
  readonly field: string
}

/** {@link SigningOptions} that were looked at. @internal */
export interface RequestOptions {
  readonly idempotencyKey: string | undefined
  readonly principal: RequestPrincipal | undefined
  readonly cosigner: PartyRole
  readonly memo: string
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  readonly onProgress: ((progress: CeremonyProgress) => void) | undefined
}

/**
 * Reads one transaction; `prefix` is where its fields stand in the caller's parameters.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT`.
 * @internal
 */
export function readTransaction(
  { transaction, chain, path }: TransactionToSign,
  prefix = '',
): RequestedItem {
  const field = `${prefix}transaction`
  if (typeof chain !== 'string' || !EIP155_CHAIN.test(chain))
    throw invalid(`${prefix}chain`, 'must be a CAIP-2 chain such as eip155:1')
  return {
    kind: 'evm.transaction',
    transaction: requireBytes(field, transaction, { max: MAX_PAYLOAD_BYTES }),
    chain,
    path: parseDerivationPath(`${prefix}path`, path ?? 'm'),
    field,
  }
}

/**
 * Reads what a request is made with, at the party with the role `own`.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT`.
 * @internal
 */
export function readOptions(
  own: PartyRole,
  { idempotencyKey, cosigner, memo, principal, signal, timeoutMs, onProgress }: SigningOptions,
): RequestOptions {
  return {
    idempotencyKey: readKey(idempotencyKey),
    principal: readPrincipal(principal),
    cosigner: readCosigner(own, cosigner),
    memo: readMemo(memo ?? ''),
    signal: requireSignal('signal', signal),
    timeoutMs: requireInteger('timeoutMs', timeoutMs ?? DEFAULT_TIMEOUT_MS, {
      min: 1,
      max: MAX_TIMEOUT_MS,
    }),
    onProgress: onProgress && requireFunction('onProgress', onProgress),
  }
}

function readPrincipal(principal: RequestPrincipal | undefined): RequestPrincipal | undefined {
  if (principal === undefined) return undefined
  const { key, sign } = requireObject('principal', principal)
  return {
    key: requireBytes('principal.key', key, { max: PRINCIPAL_BYTES }),
    sign: requireFunction('principal.sign', sign),
  }
}

function readKey(key: unknown): string | undefined {
  if (key === undefined) return undefined
  if (!isName(key)) throw invalid('idempotencyKey', 'must be 1 to 128 characters')
  return key
}

function readCosigner(own: PartyRole, cosigner: unknown): PartyRole {
  if (cosigner === undefined) return own === PartyRole.User ? PartyRole.Agent : PartyRole.User
  const role = requireRole('cosigner', cosigner)
  if (role === own) throw invalid('cosigner', 'must be another party')
  return role
}

function readMemo(memo: unknown): string {
  if (typeof memo !== 'string' || !memo.isWellFormed() || UNPRINTABLE.test(memo))
    throw invalid('memo', 'must be printable text')
  if (Buffer.byteLength(memo) > MAX_MEMO_BYTES)
    throw invalid('memo', `must have at most ${MAX_MEMO_BYTES} bytes`)
  return memo
}
