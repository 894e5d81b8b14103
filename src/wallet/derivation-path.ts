import { invalid } from '../guards.js'

const MAX_DEPTH = 255
const FIRST_HARDENED = 0x8000_0000

/**
 * Reads a BIP-32 path such as `m` or `m/60/0`. Hardened steps need the private key, which exists
 * nowhere.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT`.
 * @internal
 */
export function parseDerivationPath(field: string, path: unknown): number[] {
  if (typeof path !== 'string' || path.length > 11 * MAX_DEPTH + 1)
    throw invalid(field, 'must be a derivation path such as m/60/0')
  const [root, ...steps] = path.split('/')
  if (root !== 'm' || steps.length > MAX_DEPTH)
    throw invalid(field, 'must be a derivation path such as m/60/0')
  return steps.map((step) => {
    if (/^\d+['hH]$/.test(step))
      throw invalid(field, 'hardened steps need a private key, which nobody holds')
    const index = /^(?:0|[1-9]\d{0,9})$/.test(step) ? Number(step) : Number.NaN
    if (!(index < FIRST_HARDENED)) throw invalid(field, 'each step must be a number below 2^31')
    return index
  })
}

/** Writes a path as {@link parseDerivationPath} reads it. @internal */
export function formatDerivationPath(path: readonly number[]): string {
  return ['m', ...path].join('/')
}
