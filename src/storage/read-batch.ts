import { invalid, isBytes, requireObject } from '../guards.js'
import type { StoreBatch, StoreWrite } from './key-share-store.js'

const MAX_ID_BYTES = 255
/** Longest value of a record. @internal */
export const MAX_VALUE_BYTES = 1 << 20
const MAX_BATCH_WRITES = 4_096
const MAX_BATCH_BYTES = 64 << 20

/** @internal */
export function readId(field: string, id: unknown): string {
  const text = readPrefix(field, id)
  if (text === '') throw invalid(field, 'must not be empty')
  return text
}

/** As an id, but it may be empty. @internal */
export function readPrefix(field: string, id: unknown): string {
  if (
    typeof id !== 'string' ||
    id.length > MAX_ID_BYTES ||
    !id.isWellFormed() ||
    id.includes('\0') ||
    Buffer.byteLength(id) > MAX_ID_BYTES
  )
    throw invalid(field, `must be well-formed text of at most ${MAX_ID_BYTES} bytes, without NUL`)
  return id
}

/** Reads each field of a batch once, and checks all of it before anything is done. @internal */
export function readBatch(batch: StoreBatch): StoreBatch {
  const { writes, readBack } = requireObject('batch', batch)
  if (!Array.isArray(writes) || writes.length > MAX_BATCH_WRITES)
    throw invalid('batch.writes', `must be a list of at most ${MAX_BATCH_WRITES}`)
  if (!Array.isArray(readBack) || readBack.length > MAX_BATCH_WRITES)
    throw invalid('batch.readBack', `must be a list of at most ${MAX_BATCH_WRITES}`)
  const checked = Array.from(writes, (write, position) =>
    readWrite(`batch.writes[${position}]`, write),
  )
  const bytes = checked.reduce((sum, write) => sum + ('value' in write ? write.value.length : 0), 0)
  if (bytes > MAX_BATCH_BYTES)
    throw invalid('batch.writes', `must hold at most ${MAX_BATCH_BYTES} bytes`)
  return {
    writes: checked,
    readBack: Array.from(readBack, (id, position) => readId(`batch.readBack[${position}]`, id)),
  }
}

function readWrite(field: string, write: StoreWrite): StoreWrite {
  const { kind, id } = requireObject(field, write)
  const checkedId = readId(`${field}.id`, id)
  if (kind === 'delete') return { kind, id: checkedId }
  if (kind !== 'put' && kind !== 'create')
    throw invalid(`${field}.kind`, 'must be put, create or delete')
  // only these two kinds are left, and both have it
  const { value } = write as Extract<StoreWrite, { kind: 'put' | 'create' }>
  return { kind, id: checkedId, value: readValue(`${field}.value`, value) }
}

function readValue(field: string, value: unknown): Uint8Array {
  if (!isBytes(value) || value.length > MAX_VALUE_BYTES)
    throw invalid(field, `must be a Uint8Array of at most ${MAX_VALUE_BYTES} bytes`)
  return value
}
