import { describe, expect, it } from '@jest/globals'
import {
  MAX_ENVELOPE_BYTES,
  readDescriptor,
  readEnvelopeHeader,
  sessionIdOf,
} from '../../src/transport/index.js'
import { descriptorBytes, envelopeBytes, member } from '../helpers/wire-bytes.js'

const FIXED_BYTES = 156 + 64

describe('a session descriptor', () => {
  it('is read field by field', () => {
    const members = [member(1), member(3)]
    const bytes = descriptorBytes({
      kind: 1,
      epoch: 2n ** 63n,
      initiator: 3,
      members,
      createdAtMs: 1_000n,
      expiresAtMs: 61_000n,
    })

    expect(readDescriptor(bytes)).toEqual({
      kind: 1,
      sessionId: sessionIdOf(bytes),
      walletId: new Uint8Array(32).fill(7),
      epoch: 2n ** 63n,
      initiator: 3,
      participants: members,
      createdAtMs: 1_000,
      expiresAtMs: 61_000,
    })
  })

  it('is read from a view into a larger buffer', () => {
    const bytes = descriptorBytes()
    const padded = new Uint8Array(bytes.length + 20)
    padded.set(bytes, 7)

    const read = readDescriptor(padded.subarray(7, 7 + bytes.length))

    expect(read).toEqual(readDescriptor(bytes))
  })

  it('does not change when its bytes do', () => {
    const bytes = Buffer.from(descriptorBytes())
    const read = readDescriptor(bytes)
    bytes.fill(0)

    expect(read.walletId).toEqual(new Uint8Array(32).fill(7))
  })

  it.each([2, 3])('has %i participants', (count) => {
    const members = [member(1), member(2), member(3)].slice(0, count)
    expect(readDescriptor(descriptorBytes({ members })).participants).toHaveLength(count)
  })

  const twins = [member(1), { ...member(2), identityKey: new Uint8Array(32) }]
  const sameKey = [{ ...member(1), identityKey: new Uint8Array(32) }, ...twins.slice(1)]
  it.each([
    ['is empty', new Uint8Array()],
    ['ends before the number of participants', descriptorBytes().subarray(0, 79)],
    ['misses a byte', descriptorBytes().subarray(0, -1)],
    ['has a byte too many', new Uint8Array([...descriptorBytes(), 0])],
    ['counts more participants than it lists', descriptorBytes({ count: 3 })],
    ['counts fewer participants than it lists', descriptorBytes({ count: 1 })],
    ['has one participant', descriptorBytes({ members: [member(1)] })],
    ['has four participants', descriptorBytes({ members: [1, 2, 3, 4].map(member) })],
    ['is something else', descriptorBytes({ magic: 'MPCE' })],
    ['is of version 0', descriptorBytes({ version: 0 })],
    ['is of version 2', descriptorBytes({ version: 2 })],
    ['is of a kind that is kept for later', descriptorBytes({ kind: 3 })],
    ['is of kind 0', descriptorBytes({ kind: 0 })],
    ['lists a participant twice', descriptorBytes({ members: [member(2), member(2)] })],
    ['lists participants backwards', descriptorBytes({ members: [member(2), member(1)] })],
    ['has a participant 0', descriptorBytes({ members: [member(0), member(1)] })],
    ['has a participant 255', descriptorBytes({ members: [member(1), member(255)] })],
    ['gives two participants one key', descriptorBytes({ members: sameKey })],
    ['was started by nobody it lists', descriptorBytes({ initiator: 3 })],
    ['expires when it is created', descriptorBytes({ createdAtMs: 5n, expiresAtMs: 5n })],
    ['expires beyond all clocks', descriptorBytes({ createdAtMs: 5n, expiresAtMs: 2n ** 53n })],
  ])('is refused when it %s', (_, bytes) => {
    expect(() => readDescriptor(bytes)).toThrow(
      expect.objectContaining({ code: 'RELAY_BAD_DESCRIPTOR' }),
    )
  })
})

describe("an envelope's header", () => {
  it('is read field by field', () => {
    const header = {
      kind: 4,
      round: 201,
      sessionId: new Uint8Array(32).fill(1),
      walletId: new Uint8Array(32).fill(2),
      epoch: 2n ** 64n - 1n,
      from: 3,
      to: 255,
      part: 15,
      parts: 16,
      senderSequence: 2 ** 32 - 1,
    }
    expect(readEnvelopeHeader(envelopeBytes(header))).toEqual(header)
  })

  it('is read when there is no body', () => {
    const bytes = envelopeBytes({ body: new Uint8Array() })
    expect(readEnvelopeHeader(bytes)).toMatchObject({ round: 1 })
  })

  it('is read when the envelope is as large as one may be', () => {
    const body = new Uint8Array(MAX_ENVELOPE_BYTES - FIXED_BYTES)
    expect(readEnvelopeHeader(envelopeBytes({ body }))).toMatchObject({ round: 1 })
  })

  it('is refused when the envelope is a byte larger', () => {
    const body = new Uint8Array(MAX_ENVELOPE_BYTES - FIXED_BYTES + 1)
    expect(() => readEnvelopeHeader(envelopeBytes({ body }))).toThrow(
      expect.objectContaining({ code: 'RELAY_TOO_LARGE' }),
    )
  })

  it.each([
    ['is empty', new Uint8Array()],
    ['ends within the header', envelopeBytes().subarray(0, 155)],
    ['ends before the signature', envelopeBytes({ body: new Uint8Array() }).subarray(0, -1)],
    ['misses a byte', envelopeBytes().subarray(0, -1)],
    ['has a byte too many', new Uint8Array([...envelopeBytes(), 0])],
    ['states a shorter body', envelopeBytes({ bodyLength: 9 })],
    ['states a longer body', envelopeBytes({ bodyLength: 11 })],
    ['states a body of 4 GiB', envelopeBytes({ bodyLength: 2 ** 32 - 1 })],
    ['is something else', envelopeBytes({ magic: 'MPCD' })],
    ['is of version 0', envelopeBytes({ version: 0 })],
    ['is of version 2', envelopeBytes({ version: 2 })],
    ['is of an unknown kind', envelopeBytes({ kind: 3 })],
    ['is from party 0', envelopeBytes({ from: 0 })],
    ['is from everybody', envelopeBytes({ from: 255 })],
    ['is to party 0', envelopeBytes({ to: 0 })],
    ['is to its sender', envelopeBytes({ from: 2, to: 2 })],
    ['is a part behind the last', envelopeBytes({ part: 1, parts: 1 })],
    ['is a part of nothing', envelopeBytes({ part: 0, parts: 0 })],
    ['has too many parts', envelopeBytes({ part: 0, parts: 17 })],
  ])('is refused when the envelope %s', (_, bytes) => {
    expect(() => readEnvelopeHeader(bytes)).toThrow(
      expect.objectContaining({ code: 'RELAY_BAD_ENVELOPE' }),
    )
  })
})
