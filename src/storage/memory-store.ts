import type { StoreWrite } from './key-share-store.js'
import { RecordStore, type Records } from './record-store.js'
import { recordExists } from './store-error.js'
import { ascending } from './utf8-order.js'

/**
 * Keeps sealed records in memory, for tests and for parties that may forget. What it holds ends with
 * the process: a party whose only store this is has then lost its share.
 */
export class MemoryStore extends RecordStore {
  constructor() {
    super(memoryRecords())
  }
}

function memoryRecords(): Records {
  let values = new Map<string, Uint8Array>()
  return {
    has: (id) => values.has(id),
    ids: (prefix) => ascending([...values.keys()].filter((id) => id.startsWith(prefix))),
    read: (id) => {
      const value = values.get(id)
      return value && new Uint8Array(value)
    },
    write: (writes) => {
      values = written(values, writes)
    },
    close: () => values.clear(),
  }
}

function written(
  values: ReadonlyMap<string, Uint8Array>,
  writes: readonly StoreWrite[],
): Map<string, Uint8Array> {
  const next = new Map(values)
  for (const write of writes) {
    if (write.kind === 'create' && next.has(write.id)) throw recordExists()
    if (write.kind === 'delete') next.delete(write.id)
    else next.set(write.id, new Uint8Array(write.value))
  }
  return next
}
