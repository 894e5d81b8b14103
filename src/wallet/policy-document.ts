import type { Json } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'

/** The rules that every party of the wallet agreed on. */
export type PolicyDocument = { readonly [key: string]: Json }

/** Reads the canonical bytes that the native side vouches for. @internal */
export function readPolicy(bytes: Uint8Array): PolicyDocument {
  const policy: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'), (_, value) =>
    Object.freeze(value),
  )
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy))
    throw new MpcWalletError('INTERNAL', 'a policy that is not a document')
  return policy as PolicyDocument // JSON.parse makes nothing else of an object
}
