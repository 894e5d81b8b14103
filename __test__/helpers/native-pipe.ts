/** Messages over a byte stream: a length of four bytes, then what V8 makes of the value. */
import type { Readable, Writable } from 'node:stream'
import { deserialize, serialize } from 'node:v8'

export function writeMessage(stream: Writable, message: unknown): void {
  const body = serialize(message)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  stream.write(Buffer.concat([length, body]))
}

/** Every message until the stream ends. */
export async function* readMessages(stream: Readable): AsyncGenerator<unknown> {
  let pending = Buffer.alloc(0)
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const end = 4 + pending.readUInt32BE(0)
      yield deserialize(pending.subarray(4, end))
      pending = pending.subarray(end)
    }
  }
}
