/** Looks for bytes in all that a running process may write to. Linux, by its owner or a parent. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const CHUNK = 4 << 20

/** How often each piece is found. */
export function occurrences(pid: number, pieces: readonly Uint8Array[]): number[] {
  const longest = Math.max(...pieces.map(({ length }) => length))
  const counts = pieces.map(() => 0)
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const buffer = Buffer.alloc(CHUNK + longest)
  try {
    for (const [start, end] of writableRegions(pid))
      for (let at = start; at < end; at += CHUNK) {
        const length = Math.min(CHUNK + longest - 1, end - at)
        const chunk = buffer.subarray(0, readAt(memory, buffer, at, length))
        for (const [position, piece] of pieces.entries())
          for (
            let found = chunk.indexOf(piece);
            found >= 0;
            found = chunk.indexOf(piece, found + 1)
          )
            if (found < CHUNK) counts[position] = (counts[position] ?? 0) + 1
      }
  } finally {
    closeSync(memory)
  }
  return counts
}

function writableRegions(pid: number): [start: number, end: number][] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (start === undefined || end === undefined) return []
      return [[Number.parseInt(start, 16), Number.parseInt(end, 16)] satisfies [number, number]]
    })
}

/** A region that was given back meanwhile reads as nothing. */
function readAt(memory: number, buffer: Buffer, at: number, length: number): number {
  try {
    return readSync(memory, buffer, 0, length, at)
  } catch {
    return 0
  }
}
