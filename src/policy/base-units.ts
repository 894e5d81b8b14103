import { invalid } from '../guards.js'

/** Amounts are at most 256 bits, as on every chain that we know. */
const LIMIT = 1n << 256n

/**
 * An amount of base units (wei, lamports, satoshi) as documents write it.
 *
 * Only a bigint is taken: a number loses digits, and a text with a point is a guess about decimals.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT`
 * @internal
 */
export function writeBaseUnits(field: string, amount: unknown): string {
  if (typeof amount !== 'bigint')
    throw invalid(
      field,
      "must be a bigint of base units, such as 10n ** 18n for one ether; convert decimals first, with viem's parseUnits or the like",
    )
  if (amount < 0n || amount >= LIMIT) throw invalid(field, 'must be 0 to 2^256 - 1')
  return amount.toString()
}

/** {@link writeBaseUnits} of a member that may be left out. @internal */
export function writeOptionalBaseUnits(field: string, amount: unknown): string | undefined {
  return amount === undefined ? undefined : writeBaseUnits(field, amount)
}
