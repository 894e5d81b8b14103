import { MpcWalletError } from '../errors.js'
import type { Hex } from '../hex.js'

/** An entry of a transaction's access list (EIP-2930). */
export interface AccessListEntry {
  readonly address: Hex
  readonly storageKeys: readonly Hex[]
}

interface EvmTransactionFields {
  readonly chainId: bigint
  readonly nonce: bigint
  readonly gas: bigint
  /** Absent when a contract is created. */
  readonly to?: Hex
  readonly value: bigint
  readonly data: Hex
}

/**
 * A transaction as the native reader of this party found it in the unsigned bytes. Amounts are in
 * wei.
 */
export type EvmTransaction = EvmTransactionFields &
  (
    | { readonly type: 'legacy'; readonly gasPrice: bigint }
    | {
        readonly type: 'eip2930'
        readonly gasPrice: bigint
        readonly accessList: readonly AccessListEntry[]
      }
    | {
        readonly type: 'eip1559'
        readonly maxFeePerGas: bigint
        readonly maxPriorityFeePerGas: bigint
        readonly accessList: readonly AccessListEntry[]
      }
  )

/** One thing that a signature would allow. */
export interface Effect {
  /**
   * `unknown` is a call whose meaning is not established: it may move anything the account holds or
   * has approved.
   */
  readonly kind: 'transfer' | 'deploy' | 'feeOnly' | 'unknown'
  /** CAIP-19, where an amount of something is known to leave: always of a transfer and a fee. */
  readonly asset?: string
  /** Of `asset`; always there for `transfer` and `feeOnly`. */
  readonly amount?: { readonly exact: bigint } | { readonly upTo: bigint }
  /** CAIP-10 account that receives it or is called. */
  readonly to?: string
  /** The code that runs. */
  readonly call?: EffectCall
  readonly confidence: 'exact' | 'unknown'
}

/** Bytes that are given to code. */
export interface EffectCall {
  /** CAIP-10; absent when a contract is created. */
  readonly target?: string
  readonly selector?: Hex
  readonly value: bigint
  readonly dataHash: Hex
}

/** What the native reader found in a payload. @internal */
export interface DecodedPayload {
  readonly chain: string
  readonly digest: Hex
  readonly transaction: EvmTransaction
  readonly effects: readonly Effect[]
}

/**
 * Reads the native description of a payload, whose integers are decimal strings.
 *
 * Nothing is guessed: a description of another shape is a defect, because what a person approves
 * must be what was read.
 *
 * @throws {@link MpcWalletError} `INTERNAL`.
 * @internal
 */
export function readDecodedPayload(description: string): DecodedPayload {
  const { chain, digest, transaction, effects } = fieldsOf(JSON.parse(description))
  return Object.freeze({
    chain: textOf(chain),
    digest: hexOf(digest),
    transaction: readTransaction(fieldsOf(transaction)),
    effects: Object.freeze(listOf(effects).map((effect) => readEffect(fieldsOf(effect)))),
  })
}

type Fields = Readonly<Record<string, unknown>>

function readTransaction(fields: Fields): EvmTransaction {
  const to = optional(fields['to'], hexOf)
  const common = {
    chainId: integerOf(fields['chainId']),
    nonce: integerOf(fields['nonce']),
    gas: integerOf(fields['gas']),
    ...(to !== undefined && { to }),
    value: integerOf(fields['value']),
    data: hexOf(fields['data']),
  }
  const type = oneOf(fields['type'], ['legacy', 'eip2930', 'eip1559'])
  switch (type) {
    case 'legacy':
      return Object.freeze({ type, ...common, gasPrice: integerOf(fields['gasPrice']) })
    case 'eip2930':
      return Object.freeze({
        type,
        ...common,
        gasPrice: integerOf(fields['gasPrice']),
        accessList: readAccessList(fields['accessList']),
      })
    case 'eip1559':
      return Object.freeze({
        type,
        ...common,
        maxFeePerGas: integerOf(fields['maxFeePerGas']),
        maxPriorityFeePerGas: integerOf(fields['maxPriorityFeePerGas']),
        accessList: readAccessList(fields['accessList']),
      })
  }
}

function readAccessList(value: unknown): readonly AccessListEntry[] {
  const entries = listOf(value).map((entry) => {
    const { address, storageKeys } = fieldsOf(entry)
    return Object.freeze({
      address: hexOf(address),
      storageKeys: Object.freeze(listOf(storageKeys).map(hexOf)),
    })
  })
  return Object.freeze(entries)
}

function readEffect(fields: Fields): Effect {
  const kind = oneOf(fields['kind'], ['transfer', 'deploy', 'feeOnly', 'unknown'])
  const asset = optional(fields['asset'], textOf)
  const amount = optional(fields['amount'], readAmount)
  const to = optional(fields['to'], textOf)
  const call = optional(fields['call'], readCall)
  // whoever adds amounts up must not take a missing one for nothing
  if ((kind === 'transfer' || kind === 'feeOnly') && (asset === undefined || amount === undefined))
    throw unreadable()
  return Object.freeze({
    kind,
    ...(asset !== undefined && { asset }),
    ...(amount !== undefined && { amount }),
    ...(to !== undefined && { to }),
    ...(call !== undefined && { call }),
    confidence: oneOf(fields['confidence'], ['exact', 'unknown']),
  })
}

function readAmount(value: unknown): { exact: bigint } | { upTo: bigint } {
  const { exact, upTo } = fieldsOf(value)
  return Object.freeze(
    exact !== undefined ? { exact: integerOf(exact) } : { upTo: integerOf(upTo) },
  )
}

function readCall(value: unknown): EffectCall {
  const fields = fieldsOf(value)
  const target = optional(fields['target'], textOf)
  const selector = optional(fields['selector'], hexOf)
  return Object.freeze({
    ...(target !== undefined && { target }),
    ...(selector !== undefined && { selector }),
    value: integerOf(fields['value']),
    dataHash: hexOf(fields['dataHash']),
  })
}

function unreadable(): MpcWalletError {
  return new MpcWalletError('INTERNAL', 'a payload description of another shape')
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable()
  return value as Fields // an object that came out of JSON.parse
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable()
  return value
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw unreadable()
  return value
}

function hexOf(value: unknown): Hex {
  const text = textOf(value)
  if (!/^0x[0-9a-fA-F]*$/.test(text)) throw unreadable()
  return text as Hex // it matches
}

function integerOf(value: unknown): bigint {
  const text = textOf(value)
  if (!/^\d+$/.test(text)) throw unreadable()
  return BigInt(text)
}

function oneOf<Choice extends string>(value: unknown, choices: readonly Choice[]): Choice {
  const choice = choices.find((known) => known === value)
  if (choice === undefined) throw unreadable()
  return choice
}

function optional<Value>(value: unknown, read: (value: unknown) => Value): Value | undefined {
  return value === null || value === undefined ? undefined : read(value)
}
