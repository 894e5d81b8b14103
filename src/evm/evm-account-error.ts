import { BaseError } from 'viem'
import type { MpcWalletError, MpcWalletErrorCode } from '../errors.js'
import type { PartyRole } from '../party-role.js'

/**
 * An {@link MpcWalletError} on its way through viem, which keeps text and cause of its own errors
 * only. The fields are those of the cause; viem's `walk` finds it inside whatever viem wraps around
 * it.
 *
 * @example
 * try {
 *   await walletClient.sendTransaction({ to, value })
 * } catch (error) {
 *   const refusal = (error as BaseError).walk((cause) => cause instanceof EvmAccountError)
 *   if (refusal instanceof EvmAccountError) tell(refusal.code, refusal.culprits)
 * }
 */
export class EvmAccountError extends BaseError {
  override readonly cause: MpcWalletError
  readonly code: MpcWalletErrorCode
  readonly retryable: boolean
  /** Whether the other signer may hold a signature all the same; as at the cause. */
  readonly signatureMayExist: boolean
  declare readonly culprits?: readonly PartyRole[]

  constructor(cause: MpcWalletError) {
    super('The wallet gave no signature.', { cause, name: 'EvmAccountError' })
    this.cause = cause
    this.code = cause.code
    this.retryable = cause.retryable
    this.signatureMayExist = cause.signatureMayExist
    if (cause.culprits !== undefined) this.culprits = cause.culprits
  }
}
