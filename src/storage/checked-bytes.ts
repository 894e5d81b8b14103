import { createHash } from 'node:crypto'
import { storeError } from './store-error.js'

const CHECKSUM_BYTES = 32

type Kind = 'record' | 'journal' | 'store' | 'counter'

/** Bytes of a file with a first line that names their kind, and a checksum of both. @internal */
export function encodeChecked(kind: Kind, payload: Uint8Array): Buffer {
  const header = headerOf(kind)
  return Buffer.concat([header, checksum(header, payload), payload])
}

/**
 * The payload, if kind and checksum are right.
 *
 * @throws {@link MpcWalletError} `STORE_CORRUPT`.
 * @internal
 */
export function decodeChecked(kind: Kind, bytes: Buffer): Buffer {
  const header = headerOf(kind)
  const payload = payloadOf(kind, bytes)
  const found = bytes.subarray(header.length, header.length + CHECKSUM_BYTES)
  if (!checksum(header, payload).equals(found))
    throw storeError(
      'STORE_CORRUPT',
      `a ${kind} file has another checksum than it was written with`,
    )
  return payload
}

/** The payload, or as much of it as is given, with its kind checked alone. @internal */
export function payloadOf(kind: Kind, bytes: Buffer): Buffer {
  const header = headerOf(kind)
  const start = header.length + CHECKSUM_BYTES
  if (bytes.length < start || !bytes.subarray(0, header.length).equals(header))
    throw storeError('STORE_CORRUPT', `a ${kind} file does not begin as one`)
  return bytes.subarray(start)
}

/** How many bytes stand before the payload. @internal */
export function overheadOf(kind: Kind): number {
  return headerOf(kind).length + CHECKSUM_BYTES
}

/** A checksum against accidents; against people there is the seal of the record. @internal */
export function recordChecksum(id: string, value: Uint8Array): Buffer {
  return checksum(encodeId(id), value)
}

/** One byte of length, then the id: at most 256 bytes. @internal */
export function encodeId(id: string): Buffer {
  const bytes = Buffer.from(id)
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}

function headerOf(kind: Kind): Buffer {
  return Buffer.from(`mpc-wallet ${kind} 1\n`)
}

function checksum(header: Uint8Array, payload: Uint8Array): Buffer {
  return createHash('sha256').update(header).update(payload).digest()
}
