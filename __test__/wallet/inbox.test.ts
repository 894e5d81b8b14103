import { describe, expect, it } from '@jest/globals'
import { MAX_ENVELOPE_BYTES, type Transport } from '../../src/transport/index.js'
import { Inbox } from '../../src/wallet/inbox.js'

/** An inbox over a transport that has delivered all of this, and its reading so far. */
async function inboxOf(envelopes: readonly Uint8Array[]): Promise<Inbox> {
  async function* subscribe() {
    for (const [index, envelope] of envelopes.entries())
      yield { sequence: BigInt(index + 1), envelope }
    await new Promise(() => {})
  }
  const inbox = new Inbox({
    transport: { subscribe } as unknown as Transport, // it uses nothing else
    sessionId: new Uint8Array(32),
  })
  await new Promise(setImmediate)
  return inbox
}

/** Whether there is something to take. */
async function hasArrived(inbox: Inbox): Promise<boolean> {
  const nothing = new Promise<boolean>((resolve) => setImmediate(resolve, false))
  return await Promise.race([inbox.arrival().then(() => true), nothing])
}

async function takeAll(inbox: Inbox): Promise<Uint8Array[][]> {
  const batches: Uint8Array[][] = []
  while (await hasArrived(inbox)) batches.push(inbox.take())
  return batches
}

function numbered(count: number, bytes = 2): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const envelope = new Uint8Array(bytes)
    new DataView(envelope.buffer).setUint16(0, index)
    return envelope
  })
}

describe('an inbox', () => {
  it('gives all that came, in order, and no more at once than one native call takes', async () => {
    const envelopes = numbered(200)
    const batches = await takeAll(await inboxOf(envelopes))

    expect(batches.flat()).toEqual(envelopes)
    expect(Math.max(...batches.map(({ length }) => length))).toBe(64)
  })

  it('gives no more bytes at once than one native call takes', async () => {
    const envelopes = numbered(40, MAX_ENVELOPE_BYTES)
    const batches = await takeAll(await inboxOf(envelopes))

    expect(batches.flat()).toHaveLength(40)
    expect(Math.max(...batches.map(({ length }) => length))).toBe(16)
  })

  it('gives what was put back first, in pieces too', async () => {
    const envelopes = numbered(150)
    const inbox = await inboxOf(envelopes)
    const held: Uint8Array[] = []
    while (held.length < 100) {
      await inbox.arrival()
      held.push(...inbox.take())
    }
    inbox.putBack(held)
    const batches = await takeAll(inbox)

    expect(batches.flat()).toEqual(envelopes)
    expect(batches[0]).toHaveLength(64)
  })

  it('does not read on while a batch waits', async () => {
    let read = 0
    async function* subscribe() {
      for (const envelope of numbered(200)) {
        read += 1
        yield { sequence: BigInt(read), envelope }
      }
    }
    const inbox = new Inbox({
      transport: { subscribe } as unknown as Transport, // it uses nothing else
      sessionId: new Uint8Array(32),
    })
    await new Promise(setImmediate)

    expect(read).toBe(65) // one is in the reader's hand
    inbox.close()
  })
})
