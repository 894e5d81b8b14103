/** Bytes in every kind of memory that JavaScript may hand to the binding. */
import { createContext, runInContext } from 'node:vm'

/** The same bytes, lying in memory in every way that the language has. */
export const VIEWS: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  'a buffer of their own': (bytes) => bytes.slice(),
  'the middle of a larger buffer': (bytes) => {
    const larger = new Uint8Array(bytes.length + 64).fill(0xee)
    larger.set(bytes, 13)
    return larger.subarray(13, 13 + bytes.length)
  },
  'a Buffer of the pool': (bytes) => Buffer.from(bytes),
  'a SharedArrayBuffer': (bytes) => {
    const view = new Uint8Array(new SharedArrayBuffer(bytes.length + 8), 5, bytes.length)
    view.set(bytes)
    return view
  },
  'a resizable buffer': (bytes) => {
    const resizable = Reflect.construct(ArrayBuffer, [bytes.length, { maxByteLength: 100_000 }])
    const view = new Uint8Array(resizable)
    view.set(bytes)
    return view
  },
  'another realm': (bytes) =>
    runInContext('new Uint8Array(numbers)', createContext({ numbers: [...bytes] })),
}

/** Writes one payload and then the other over shared memory, for ever. */
export const REWRITE = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { shared, low, high } = workerData
  parentPort.postMessage('started')
  for (;;) { shared.set(high); shared.set(low) }
`

/** One byte with its lowest bit changed. */
export function changedAt(bytes: Uint8Array, position: number): Uint8Array {
  const changed = bytes.slice()
  changed[position] = (bytes[position] ?? 0) ^ 1
  return changed
}
