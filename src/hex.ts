/** Bytes as text: `0x`, then two lower-case digits per byte. */
export type Hex = `0x${string}`

/** Writes bytes as {@link Hex}. @internal */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

/** Reads {@link Hex} in either case; `undefined` for anything else. @internal */
export function fromHex(text: string): Uint8Array | undefined {
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(text)) return undefined
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'))
}

/** Whether text is so many bytes as {@link toHex} writes them. @internal */
export function isHexOf(length: number, value: unknown): value is Hex {
  if (typeof value !== 'string' || value.length !== 2 + 2 * length) return false
  return /^0x[0-9a-f]*$/.test(value)
}

/** Whether text is a hash, an id or a key of 32 bytes. @internal */
export function isHash(value: unknown): value is Hex {
  return isHexOf(32, value)
}
