import { invalid, requireObject } from '../guards.js'
import type { WalletContext } from './context.js'
import { type SignedBatch, signItems } from './sign-items.js'
import {
  type RequestedItem,
  readOptions,
  readTransaction,
  type SigningOptions,
  type TransactionToSign,
} from './signing-request.js'

const MAX_TRANSACTIONS = 64

/** What to sign together, and with whom. */
export interface SignTransactionsParameters extends SigningOptions {
  /**
   * 1 to 64 transactions, each of its own account and chain. About 175 kB of unsigned bytes travel
   * in one batch. One that is there twice is signed twice.
   */
  readonly transactions: readonly TransactionToSign[]
}

/** The signatures in the order of the transactions, and what all of them cost together. */
export type SignTransactionsReturnType = SignedBatch

/** Signs several transactions together with one other party, all or none. @internal */
export async function signTransactions(
  context: WalletContext,
  parameters: SignTransactionsParameters,
): Promise<SignTransactionsReturnType> {
  const given = requireObject('parameters', parameters)
  const items = readTransactions(given.transactions)
  return await signItems(context, items, readOptions(context.role, given))
}

function readTransactions(transactions: unknown): RequestedItem[] {
  if (
    !Array.isArray(transactions) ||
    transactions.length === 0 ||
    transactions.length > MAX_TRANSACTIONS
  )
    throw invalid(
      'transactions',
      `must be a list of 1 to ${MAX_TRANSACTIONS}: split what is longer`,
    )
  // unlike `map`, it does not pass over what is missing
  return Array.from(transactions, (transaction: TransactionToSign, position) => {
    const field = `transactions[${position}]`
    return readTransaction(requireObject(field, transaction), `${field}.`)
  })
}
