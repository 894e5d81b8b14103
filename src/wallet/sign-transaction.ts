import { MpcWalletError } from '../errors.js'
import { requireObject } from '../guards.js'
import type { WalletContext } from './context.js'
import { type SigningCeremony, signItems, type TransactionSignature } from './sign-items.js'
import {
  readOptions,
  readTransaction,
  type SigningOptions,
  type TransactionToSign,
} from './signing-request.js'

/** What to sign, and with whom. */
export interface SignTransactionParameters extends TransactionToSign, SigningOptions {}

/** The signature, and what it cost. */
export interface SignTransactionReturnType extends TransactionSignature, SigningCeremony {}

/** Signs one transaction together with one other party: a batch of one. @internal */
export async function signTransaction(
  context: WalletContext,
  parameters: SignTransactionParameters,
): Promise<SignTransactionReturnType> {
  const given = requireObject('parameters', parameters)
  const item = readTransaction(given)
  const options = readOptions(context.role, given)
  const { signatures, ...ceremony } = await signItems(context, [item], options)
  const [signature] = signatures
  if (signature === undefined)
    throw new MpcWalletError('INTERNAL', 'a batch of one without its signature')
  return { ...signature, ...ceremony }
}
