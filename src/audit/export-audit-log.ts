import { canonicalJson, decodeUtf8 } from '../canonical-json.js'
import type { KeyShareStore } from '../storage/index.js'
import { ENTRY_PREFIX, HEAD_PREFIX } from './audit-records.js'

/** The first line of every export. @internal */
export const EXPORT_HEADER = canonicalJson('header', { schema: 'audit-log', version: 1 })

/**
 * The log as JSON Lines: a first line that names the format, then each entry as it is stored, and
 * each head behind its entry. {@link verifyAuditExport} verifies it without the store.
 *
 * Leaves nothing out: a record that is no text any more becomes a line with its id and its bytes,
 * which does not verify.
 */
export async function* exportAuditLog(store: KeyShareStore): AsyncGenerator<string, void, void> {
  yield EXPORT_HEADER
  for (const id of await recordIds(store)) {
    const bytes = await store.load(id)
    if (bytes !== undefined) yield lineOf(id, bytes)
  }
}

/** In the order of their numbers, a head behind its entry. */
async function recordIds(store: KeyShareStore): Promise<string[]> {
  const entries = await store.list(ENTRY_PREFIX)
  const heads = await store.list(HEAD_PREFIX)
  const key = (id: string): string => id.slice(id.indexOf('/') + 1)
  return [...entries, ...heads].sort((left, right) =>
    // the sort is stable: of two with one number the entry stays before the head
    key(left) < key(right) ? -1 : Number(key(left) > key(right)),
  )
}

function lineOf(id: string, bytes: Uint8Array): string {
  const text = decodeUtf8(bytes)
  if (text !== undefined && !/[\r\n]/.test(text)) return text
  return canonicalJson('line', { damaged: id, bytes: Buffer.from(bytes).toString('base64url') })
}
