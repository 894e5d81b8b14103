import {
  getTransactionType,
  type LocalAccount,
  type SerializeTransactionFn,
  serializeTransaction,
  type TransactionSerializable,
} from 'viem'
import { toAccount } from 'viem/accounts'
import { MpcWalletError } from '../errors.js'
import { invalid, requireObject } from '../guards.js'
import { type Hex, toHex } from '../hex.js'
import type { PartyRole } from '../party-role.js'
import { uncompressedKey } from '../uncompressed-key.js'
import type { CeremonyProgress, MpcAgentWallet } from '../wallet/index.js'
import { EvmAccountError } from './evm-account-error.js'

/** Transactions that both signers can read. Blobs (4844) and authorizations (7702) are refused. */
const READABLE_TYPES: readonly unknown[] = ['legacy', 'eip2930', 'eip1559']

/** Which account of the wallet, and how its requests are made. */
export interface ToViemAccountParameters {
  /** `m` (the default), or non-hardened steps below it such as `m/60/0`. */
  readonly path?: string
  /** Who co-signs. By default the user, and for the user the agent. */
  readonly cosigner?: PartyRole
  /** A note that the co-signer sees beside every transaction of this account. */
  readonly memo?: string
  /** Stops every request of this account, those under way and those to come. */
  readonly signal?: AbortSignal
  /** How long each request waits for the co-signer and its operator; two minutes by default. */
  readonly timeoutMs?: number
  /** Hears about the rounds of every request of this account. */
  readonly onProgress?: (progress: CeremonyProgress) => void
}

/** A viem account whose key exists nowhere. */
export type ToViemAccountReturnType = LocalAccount<'mpc'>

/**
 * Makes a wallet's account usable wherever viem takes one. Each transaction is serialised here,
 * read again natively by both signers, and signed by two parties; the rest of viem does not notice.
 *
 * Legacy (EIP-155), EIP-2930 and EIP-1559 transactions are signed. Messages, typed data,
 * authorizations and bare hashes are refused with `PAYLOAD_REFUSED`: this version cannot read what
 * they mean.
 *
 * @example
 * const account = toViemAccount(wallet, { cosigner: PartyRole.User })
 * const client = createWalletClient({ account, chain: mainnet, transport: http() })
 * const hash = await client.sendTransaction({ to, value: parseEther('0.1') })
 * @throws {@link EvmAccountError} from its methods, with the code of the {@link MpcWalletError}
 * that is its cause.
 */
export function toViemAccount(
  wallet: MpcAgentWallet,
  parameters: ToViemAccountParameters = {},
): ToViemAccountReturnType {
  requireWallet(wallet)
  const {
    path = 'm',
    cosigner,
    memo,
    signal,
    timeoutMs,
    onProgress,
  } = requireObject('parameters', parameters)
  const options = {
    ...(cosigner !== undefined && { cosigner }),
    ...(memo !== undefined && { memo }),
    ...(signal !== undefined && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onProgress !== undefined && { onProgress }),
  }
  const { address, publicKey } = wallet.deriveAccount({ path })

  async function signTransaction(
    transaction: TransactionSerializable,
    serializer: SerializeTransactionFn,
  ): Promise<Hex> {
    // the caller may change its objects while people decide; the access list is the only one that
    // goes into the bytes of a readable type, and what else viem puts there cannot be cloned
    const { accessList } = transaction
    const content = {
      ...transaction,
      ...(accessList !== undefined && { accessList: structuredClone(accessList) }),
    } as TransactionSerializable // the same fields
    const type = getTransactionType(content)
    if (!READABLE_TYPES.includes(type)) throw refusal(`${type} transactions`)
    if (content.chainId === undefined)
      throw new MpcWalletError('INVALID_INPUT', 'chainId: a transaction must name its chain')
    const { r, s, yParity } = await wallet.signTransaction({
      transaction: await serializer(content),
      chain: `eip155:${content.chainId}`,
      path,
      ...options,
    })
    // without `v` the serialisation of a legacy transaction fails
    const signature = { r: toHex(r), s: toHex(s), yParity, v: 27n + BigInt(yParity) }
    return await serializer(content, signature)
  }

  const account = toAccount({
    address,
    signTransaction: (transaction, options) =>
      // viem's own chains bring serializers of wider types; what they make of the bytes is read
      // natively
      throughViem(signTransaction(transaction, options?.serializer ?? serializeTransaction)),
    signMessage: () => throughViem(refuse('messages')),
    signTypedData: () => throughViem(refuse('typed data')),
    signAuthorization: () => throughViem(refuse('authorizations')),
    sign: () => throughViem(refuse('bare hashes')),
  })
  return { ...account, publicKey: toHex(uncompressedKey(publicKey)), source: 'mpc' }
}

/** By shape, not by class: it may come from the other copy of the package. */
function requireWallet(wallet: MpcAgentWallet): void {
  const { deriveAccount, signTransaction } = requireObject('wallet', wallet)
  if (typeof deriveAccount !== 'function' || typeof signTransaction !== 'function')
    throw invalid('wallet', 'must be an MpcAgentWallet')
}

async function throughViem<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    // an error of viem's own, such as a fee that makes no sense, is one that its callers know
    if (!(error instanceof MpcWalletError)) throw error
    throw new EvmAccountError(error)
  }
}

async function refuse(what: string): Promise<never> {
  throw refusal(what)
}

function refusal(what: string): MpcWalletError {
  return new MpcWalletError('PAYLOAD_REFUSED', `${what} are not signed by this version`)
}
