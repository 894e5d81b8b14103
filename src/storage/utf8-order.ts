/** Sorts ids by their UTF-8 bytes, as SQLite does; UTF-16 order is another one. @internal */
export function ascending(ids: readonly string[]): string[] {
  return ids
    .map((id) => Buffer.from(id))
    .sort(Buffer.compare)
    .map((bytes) => bytes.toString())
}
