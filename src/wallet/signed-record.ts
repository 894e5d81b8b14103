import type { Json } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { isCount } from '../guards.js'
import { fromHex, isHash, toHex } from '../hex.js'
import type { CeremonyId } from './ids.js'
import type { SignedBatch, TransactionSignature } from './sign-items.js'

/** What the ledger keeps of a request that was signed. @internal */
export function encodeSigned({ signatures, ...ceremony }: SignedBatch): Json {
  const kept = signatures.map(({ r, s, yParity, recoveryId, digest }) => ({
    r: toHex(r),
    s: toHex(s),
    yParity,
    recoveryId,
    digest: toHex(digest),
  }))
  return { ...ceremony, signatures: kept }
}

/**
 * Reads {@link encodeSigned}.
 *
 * @throws {@link MpcWalletError} `LEDGER_CORRUPT` for anything else.
 * @internal
 */
export function decodeSigned(result: Json): SignedBatch {
  const corrupt = (): MpcWalletError =>
    new MpcWalletError('LEDGER_CORRUPT', 'the stored result of a request is damaged', {
      signatureMayExist: true,
    })
  const { ceremonyId, durationMs, bytesSent, bytesReceived, signatures } = fieldsOf(result)
  if (
    !isHash(ceremonyId) ||
    typeof durationMs !== 'number' ||
    !isCount(bytesSent) ||
    !isCount(bytesReceived) ||
    !Array.isArray(signatures)
  )
    throw corrupt()
  const read = signatures.map((kept: Json) => {
    const signature = decodeSignature(kept)
    if (signature === undefined) throw corrupt()
    return signature
  })
  const cost = { durationMs, bytesSent, bytesReceived }
  return { ceremonyId: ceremonyId as CeremonyId, signatures: read, ...cost } // checked above
}

function decodeSignature(kept: Json): TransactionSignature | undefined {
  const { r, s, yParity, recoveryId, digest } = fieldsOf(kept)
  if (![r, s, digest].every(isHash) || (yParity !== 0 && yParity !== 1) || !isCount(recoveryId))
    return undefined
  const [rBytes, sBytes, digestBytes] = [r, s, digest].map((hex) => fromHex(String(hex)))
  if (rBytes === undefined || sBytes === undefined || digestBytes === undefined) return undefined
  return { r: rBytes, s: sBytes, yParity, recoveryId, digest: digestBytes }
}

function fieldsOf(value: Json): { readonly [name: string]: Json | undefined } {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as { readonly [name: string]: Json }) : {} // narrowed just above
}
