import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import {
  headVerifier,
  openAuditLog,
  type SignHead,
  type VerifyHead,
} from '../../src/audit/index.js'
import type { KeyShareStore } from '../../src/storage/index.js'
import { taggedHash } from '../../src/tagged-hash.js'

export const walletId = `0x${'a1'.repeat(32)}` as const

export interface Auditor {
  readonly identityKey: Uint8Array
  readonly signHead: SignHead
  readonly verifyHead: VerifyHead
}

/** A party as its log knows it: an Ed25519 key of OpenSSL, the same for the same seed byte. */
export function auditor(seed = 1): Auditor {
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${hexByte(seed).repeat(32)}`, 'hex')
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const identityKey = new Uint8Array(spki.subarray(-32))
  return {
    identityKey,
    signHead: (bytes) => new Uint8Array(sign(null, taggedHash('audit-head', bytes), key)),
    verifyHead: headVerifier(identityKey),
  }
}

/** Writes a log with so many entries, one a second. */
export async function writeLog(
  store: KeyShareStore,
  entries: number,
  { signHead } = auditor(),
): Promise<void> {
  let now = 1_800_000_000_000
  const log = await openAuditLog({ store, signHead, now: () => (now += 1_000) })
  for (let count = 1; count <= entries; count++)
    await log.append({ kind: 'test.counted', walletId, facts: { count } })
}

/** All lines of something. */
export async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = []
  for await (const line of lines) collected.push(line)
  return collected
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0')
}
