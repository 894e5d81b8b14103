import { describe, expect, it } from '@jest/globals'
import { MemoryNetwork } from '../../src/index.js'
import type { Delivery, SessionInvitation } from '../../src/transport/index.js'
import { descriptorBytes, type EnvelopeFields, member, session } from '../helpers/wire-bytes.js'

const [agent, user, recovery] = [member(1), member(2), member(3)]

/** Agent and user, connected, with one session between them that the agent opened. */
async function connected() {
  const network = new MemoryNetwork()
  const one = session([agent, user])
  const from = network.connect(agent.identityKey)
  const to = network.connect(user.identityKey)
  await from.open(one.descriptor, one.signature)
  const send = (fields: EnvelopeFields): Promise<void> => from.send(one.envelope(fields))
  return { network, one, from, to, send }
}

async function next<Value>(iterator: AsyncIterator<Value, undefined>): Promise<Value | 'end'> {
  const result = await iterator.next()
  return result.done === true ? 'end' : result.value
}

async function take<Value>(iterator: AsyncIterator<Value, undefined>, count: number) {
  const values: Value[] = []
  while (values.length < count) {
    const value = await next(iterator)
    if (value === 'end') break
    values.push(value)
  }
  return values
}

describe('a session on a memory network', () => {
  it('is announced to every participant but the one that started it', async () => {
    const network = new MemoryNetwork()
    const one = session([agent, user, recovery], { kind: 1 })
    const [starter, joiner, other] = [agent, user, recovery].map(({ identityKey }) =>
      network.connect(identityKey),
    )
    const waiting = joiner?.invitations() as AsyncIterator<SessionInvitation, undefined>
    const announced = next(waiting)
    await starter?.open(one.descriptor, one.signature)

    const { descriptor, signature } = one
    expect(await announced).toEqual({ descriptor, signature })
    const late = other?.invitations() as AsyncIterator<SessionInvitation, undefined>
    expect(await next(late)).toEqual({ descriptor, signature })
    const own = starter?.invitations() as AsyncIterator<SessionInvitation, undefined>
    const nothing = next(own)
    await network.close()
    expect(await nothing).toBe('end')
  })

  it('is not announced to a stranger', async () => {
    const { network } = await connected()
    const stranger = network.connect(recovery.identityKey).invitations()
    const nothing = next(stranger)
    await network.close()

    expect(await nothing).toBe('end')
  })

  it('is announced once when it is opened twice', async () => {
    const { network, one, from, to } = await connected()
    await from.open(one.descriptor, one.signature)
    const invitations = to.invitations()

    expect(await next(invitations)).toMatchObject({ descriptor: one.descriptor })
    const nothing = next(invitations)
    await network.close()
    expect(await nothing).toBe('end')
  })

  it('can be opened by participants only', async () => {
    const { network, one } = await connected()
    const stranger = network.connect(recovery.identityKey)

    await expect(stranger.open(one.descriptor, one.signature)).rejects.toMatchObject({
      code: 'RELAY_NOT_A_MEMBER',
    })
  })

  it('is unknown once it has expired', async () => {
    let now = 1_000
    const network = new MemoryNetwork({ now: () => now })
    const one = session([agent, user], { createdAtMs: 1_000n, expiresAtMs: 2_000n })
    const transport = network.connect(agent.identityKey)
    await transport.open(one.descriptor, one.signature)
    now = 1_999
    await transport.send(one.envelope())
    now = 2_000

    await expect(transport.send(one.envelope({ senderSequence: 1 }))).rejects.toMatchObject({
      code: 'RELAY_SESSION_UNKNOWN',
    })
  })
})

describe('envelopes on a memory network', () => {
  it('reach the other participant in the order in which they were sent', async () => {
    const { to, one, send } = await connected()
    for (const senderSequence of [0, 1, 2]) await send({ senderSequence })

    const deliveries = await take(to.subscribe(one.sessionId), 3)

    expect(deliveries.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n])
    expect(deliveries.map(({ envelope }) => envelope)).toEqual(
      [0, 1, 2].map((senderSequence) => one.envelope({ senderSequence })),
    )
  })

  it('reach a reader that was waiting before they were sent', async () => {
    const { to, one, send } = await connected()
    const waiting = next(to.subscribe(one.sessionId))
    await send({ round: 5 })

    expect(await waiting).toEqual({ sequence: 1n, envelope: one.envelope({ round: 5 }) })
  })

  it('are delivered from behind a place in the order', async () => {
    const { to, one, send } = await connected()
    for (const senderSequence of [0, 1, 2]) await send({ senderSequence })

    const [delivery] = await take(to.subscribe(one.sessionId, 2n), 1)

    expect(delivery).toEqual({ sequence: 3n, envelope: one.envelope({ senderSequence: 2 }) })
  })

  it('answer several calls of next() at once', async () => {
    const { to, one, send } = await connected()
    const reader = to.subscribe(one.sessionId)
    const both = Promise.all([next(reader), next(reader)])
    await send({ senderSequence: 0 })
    await send({ senderSequence: 1 })

    expect((await both).map((delivery) => (delivery as Delivery).sequence)).toEqual([1n, 2n])
  })

  it('do not come back to their sender, nor to a participant they are not for', async () => {
    const network = new MemoryNetwork()
    const one = session([agent, user, recovery])
    const [from, , other] = [agent, user, recovery].map((party) =>
      network.connect(party.identityKey),
    )
    await from?.open(one.descriptor, one.signature)
    await from?.send(one.envelope({ to: 2 }))
    await from?.send(one.envelope({ to: 255, senderSequence: 1 }))

    const broadcast = await next(
      other?.subscribe(one.sessionId) as AsyncIterator<Delivery, undefined>,
    )
    expect(broadcast).toMatchObject({ sequence: 2n })
    const nothing = next(from?.subscribe(one.sessionId) as AsyncIterator<Delivery, undefined>)
    await network.close()
    expect(await nothing).toBe('end')
  })

  it('are copies: whoever changes bytes changes nobody else', async () => {
    const { to, one, from } = await connected()
    const sent = one.envelope({ round: 9 })
    await from.send(sent)
    sent.fill(0)
    const first = (await next(to.subscribe(one.sessionId))) as Delivery
    first.envelope.fill(0)

    const second = (await next(to.subscribe(one.sessionId))) as Delivery

    expect(second.envelope).toEqual(one.envelope({ round: 9 }))
  })

  it('are stored once when they are sent again', async () => {
    const { to, one, send } = await connected()
    await send({ round: 1 })
    await send({ round: 1 })
    await send({ round: 2, senderSequence: 1 })

    const deliveries = await take(to.subscribe(one.sessionId), 2)

    expect(deliveries.map(({ sequence }) => sequence)).toEqual([1n, 2n])
  })

  it('are refused when one sequence number is used for two of them', async () => {
    const { send } = await connected()
    await send({ round: 1 })

    await expect(send({ round: 2 })).rejects.toMatchObject({ code: 'RELAY_EQUIVOCATION' })
  })

  it.each<[string, EnvelopeFields]>([
    ['name another sender', { from: 2, to: 1 }],
    ['are for nobody in the session', { to: 3 }],
    ['are of another kind', { kind: 1 }],
    ['are of another wallet', { walletId: new Uint8Array(32) }],
    ['are of another epoch', { epoch: 2n }],
    ['have no valid layout', { version: 3 }],
  ])('are refused when they %s', async (_, fields) => {
    const { send } = await connected()
    await expect(send(fields)).rejects.toMatchObject({ code: 'RELAY_BAD_ENVELOPE' })
  })

  it('are refused in a session that nobody opened', async () => {
    const { send } = await connected()
    await expect(send({ sessionId: new Uint8Array(32) })).rejects.toMatchObject({
      code: 'RELAY_SESSION_UNKNOWN',
    })
  })

  it('cannot be read by a stranger', async () => {
    const { network, one } = await connected()
    const stranger = network.connect(recovery.identityKey)

    expect(() => stranger.subscribe(one.sessionId)).toThrow(
      expect.objectContaining({ code: 'RELAY_NOT_A_MEMBER' }),
    )
  })
})

describe('the bounds of a memory network', () => {
  it('are 256 envelopes a session', async () => {
    const { send } = await connected()
    for (let senderSequence = 0; senderSequence < 256; senderSequence += 1)
      await send({ senderSequence })

    await expect(send({ senderSequence: 256 })).rejects.toMatchObject({
      code: 'RELAY_QUOTA_EXHAUSTED',
      retryable: true,
    })
  })

  it('are 8 MiB a session', async () => {
    const { send } = await connected()
    const body = new Uint8Array(256 * 1024 - 220)
    for (let senderSequence = 0; senderSequence < 32; senderSequence += 1)
      await send({ senderSequence, body })

    await expect(send({ senderSequence: 32, body: new Uint8Array() })).rejects.toMatchObject({
      code: 'RELAY_QUOTA_EXHAUSTED',
    })
  })

  it('are 256 sessions that somebody may still read, and no bound on those that everybody left', async () => {
    const network = new MemoryNetwork()
    const from = network.connect(agent.identityKey)
    const to = network.connect(user.identityKey)
    const open = async () => {
      const one = session([agent, user])
      await from.open(one.descriptor, one.signature)
      return one
    }
    const first = await open()
    for (let count = 1; count < 256; count += 1) await open()
    await expect(open()).rejects.toMatchObject({ code: 'RELAY_QUOTA_EXHAUSTED' })

    const readers = [from.subscribe(first.sessionId), to.subscribe(first.sessionId)]
    for (const reader of readers) await reader.return?.()

    await expect(open()).resolves.toBeDefined()
    await expect(open()).rejects.toMatchObject({ code: 'RELAY_QUOTA_EXHAUSTED' })
  })

  it('make room for sessions when others expire', async () => {
    let now = 1_000
    const network = new MemoryNetwork({ now: () => now })
    const from = network.connect(agent.identityKey)
    const open = (): Promise<void> => {
      const expiresAtMs = BigInt(now + 1_000)
      const members = [agent, user]
      return from.open(
        descriptorBytes({ members, createdAtMs: 1n, expiresAtMs }),
        new Uint8Array(64),
      )
    }
    for (let count = 0; count < 256; count += 1) await open()
    await expect(open()).rejects.toMatchObject({ code: 'RELAY_QUOTA_EXHAUSTED' })
    now += 1_000

    await expect(open()).resolves.toBeUndefined()
  })
})

it.each([undefined, null, 'agent', new Uint8Array(31), new Uint8Array(33)])(
  'connects nobody whose identity key is %p',
  (identityKey) => {
    expect(() => new MemoryNetwork().connect(identityKey as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^identityKey: /),
      }),
    )
  },
)

describe('closing', () => {
  it('ends a reader that waits, at once', async () => {
    const { to, one } = await connected()
    const reader = to.subscribe(one.sessionId)
    const waiting = next(reader)
    await reader.return?.()

    expect(await waiting).toBe('end')
    expect(await next(reader)).toBe('end')
  })

  it('ends every reader of a transport, and its calls are refused', async () => {
    const { to, one } = await connected()
    const waiting = [next(to.subscribe(one.sessionId))]
    const invitations = to.invitations()
    await next(invitations)
    waiting.push(next(invitations) as Promise<never>)
    await to.close()

    expect(await Promise.all(waiting)).toEqual(['end', 'end'])
    await expect(to.send(one.envelope())).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
    expect(() => to.subscribe(one.sessionId)).toThrow(
      expect.objectContaining({ code: 'SESSION_CLOSED' }),
    )
  })

  it('of one party does not disturb the other', async () => {
    const { from, to, one } = await connected()
    await from.send(one.envelope())
    await from.close()

    expect(await next(to.subscribe(one.sessionId))).toMatchObject({ sequence: 1n })
  })
})
