import type { Json } from '../canonical-json.js'
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
    | {
        readonly type: 'eip7702'
        readonly maxFeePerGas: bigint
        readonly maxPriorityFeePerGas: bigint
        readonly accessList: readonly AccessListEntry[]
        /** As the reader describes them: integers are decimal text. */
        readonly authorizationList: readonly Json[]
      }
  )

/** One thing that a signature would allow. */
export interface Effect {
  /**
   * `unknown` is a call whose meaning is not established: it may move anything the account holds or
   * has approved.
   */
  readonly kind: EffectKind
  /** CAIP-19, where an amount of something is known to leave: always of a transfer and a fee. */
  readonly asset?: string
  /** Of `asset`; always there for `transfer` and `feeOnly`. */
  readonly amount?: EffectAmount
  /** What a swap brings back at least. */
  readonly receive?: { readonly asset: string; readonly minimum: bigint }
  /** CAIP-10 account whose asset it is, or who acts. */
  readonly from?: string
  /** CAIP-10 account that may take it. */
  readonly spender?: string
  /** When it ends by itself, in unix seconds. */
  readonly expiry?: bigint
  /** Whether it happens only if somebody submits the signature later. */
  readonly deferred: boolean
  /** CAIP-10 account that receives it or is called. */
  readonly to?: string
  /** The code that runs. */
  readonly call?: EffectCall
  /** How the reader knows: a fact of the protocol, or a decode of a contract that the policy lists. */
  readonly confidence: 'exact' | 'decoded' | 'unknown'
}

/** What happens. */
export type EffectKind = (typeof EFFECT_KINDS)[number]

/** How much. */
export type EffectAmount =
  | { readonly exact: bigint }
  | { readonly upTo: bigint }
  | { readonly unlimited: true }

const EFFECT_KINDS = [
  'transfer',
  'approve',
  'revoke',
  'permit',
  'delegate',
  'swap',
  'deploy',
  'call',
  'message',
  'ownerChange',
  'feeOnly',
  'unknown',
] as const

/** Bytes that are given to code. */
export interface EffectCall {
  /** CAIP-10; absent when a contract is created. */
  readonly target?: string
  readonly selector?: Hex
  readonly value: bigint
  readonly dataHash: Hex
  /** The function's signature, where the policy lists the target. */
  readonly function?: string
  /** What it is given, as decoded: integers are decimal text. */
  readonly arguments: readonly Json[]
}

/** What the native reader of this party found in a payload. */
export interface DecodedPayload {
  /** Such as `evm.transaction`. */
  readonly kind: string
  readonly chain: string
  readonly digest: Hex
  /** Of `evm.transaction`. */
  readonly transaction?: EvmTransaction
  /** Of every other kind, as the reader describes it: a message, typed data, a user operation. */
  readonly content?: Json
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
  const fields = fieldsOf(JSON.parse(description))
  const { kind, chain, digest, transaction, effects } = fields
  const content = CONTENTS.map((name) => fields[name]).find((value) => value !== undefined)
  return Object.freeze({
    kind: textOf(kind),
    chain: textOf(chain),
    digest: hexOf(digest),
    ...(transaction !== undefined && { transaction: readTransaction(fieldsOf(transaction)) }),
    ...(content !== undefined && { content: jsonOf(content) }),
    effects: Object.freeze(listOf(effects).map((effect) => readEffect(fieldsOf(effect)))),
  })
}

/** Where the reader puts what is no transaction. */
const CONTENTS = ['authorization', 'userOperation', 'message', 'typedData'] as const

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
  const type = oneOf(fields['type'], ['legacy', 'eip2930', 'eip1559', 'eip7702'])
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
    case 'eip7702':
      return Object.freeze({
        type,
        ...common,
        maxFeePerGas: integerOf(fields['maxFeePerGas']),
        maxPriorityFeePerGas: integerOf(fields['maxPriorityFeePerGas']),
        accessList: readAccessList(fields['accessList']),
        authorizationList: Object.freeze(listOf(fields['authorizationList']).map(jsonOf)),
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
  const kind = oneOf(fields['kind'], EFFECT_KINDS)
  const asset = optional(fields['asset'], textOf)
  const amount = optional(fields['amount'], readAmount)
  const to = optional(fields['to'], textOf)
  const call = optional(fields['call'], readCall)
  const receive = optional(fields['receive'], readReceived)
  const from = optional(fields['from'], textOf)
  const spender = optional(fields['spender'], textOf)
  const expiry = optional(fields['expiry'], integerOf)
  // whoever adds amounts up must not take a missing one for nothing
  if ((kind === 'transfer' || kind === 'feeOnly') && (asset === undefined || amount === undefined))
    throw unreadable()
  return Object.freeze({
    kind,
    ...(asset !== undefined && { asset }),
    ...(amount !== undefined && { amount }),
    ...(to !== undefined && { to }),
    ...(call !== undefined && { call }),
    ...(receive !== undefined && { receive }),
    ...(from !== undefined && { from }),
    ...(spender !== undefined && { spender }),
    ...(expiry !== undefined && { expiry }),
    deferred: booleanOf(fields['deferred']),
    confidence: oneOf(fields['confidence'], ['exact', 'decoded', 'unknown']),
  })
}

function readAmount(value: unknown): EffectAmount {
  const { exact, upTo, unlimited } = fieldsOf(value)
  if (unlimited === true) return Object.freeze({ unlimited })
  return Object.freeze(
    exact !== undefined ? { exact: integerOf(exact) } : { upTo: integerOf(upTo) },
  )
}

function readCall(value: unknown): EffectCall {
  const fields = fieldsOf(value)
  const target = optional(fields['target'], textOf)
  const selector = optional(fields['selector'], hexOf)
  const name = optional(fields['function'], textOf)
  return Object.freeze({
    ...(target !== undefined && { target }),
    ...(selector !== undefined && { selector }),
    value: integerOf(fields['value']),
    dataHash: hexOf(fields['dataHash']),
    ...(name !== undefined && { function: name }),
    arguments: Object.freeze(listOf(fields['arguments']).map(jsonOf)),
  })
}

function readReceived(value: unknown): { readonly asset: string; readonly minimum: bigint } {
  const { asset, minimum } = fieldsOf(value)
  return Object.freeze({ asset: textOf(asset), minimum: integerOf(minimum) })
}

function unreadable(): MpcWalletError {
  return new MpcWalletError('INTERNAL', 'a payload description of another shape')
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable()
  return value as Fields // an object that came out of JSON.parse
}

function booleanOf(value: unknown): boolean {
  if (typeof value !== 'boolean') throw unreadable()
  return value
}

/** What came out of JSON.parse, so that nobody changes what was read. */
function jsonOf(value: unknown): Json {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(jsonOf)
  return Object.freeze(value) as Json
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

function oneOf<const Choice extends string>(value: unknown, choices: readonly Choice[]): Choice {
  const choice = choices.find((known) => known === value)
  if (choice === undefined) throw unreadable()
  return choice
}

function optional<Value>(value: unknown, read: (value: unknown) => Value): Value | undefined {
  return value === null || value === undefined ? undefined : read(value)
}
