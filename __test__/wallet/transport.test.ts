import { describe, expect, it } from '@jest/globals'
import { PartyRole, type Transport } from '../../src/index.js'
import { createTestCommittee } from '../../src/testing/index.js'
import { ABORT_ROUND } from '../../src/transport/index.js'
import { collect, nextEvent } from '../helpers/events.js'
import { noSessionLeft } from '../helpers/live-sessions.js'
import { payment } from '../helpers/payment.js'
import { roundOf, sending } from '../helpers/transports.js'

/**
 * A transport written with generators, whose readers cannot be interrupted, as somebody else may
 * write one.
 */
function withGenerators(transport: Transport): Transport {
  async function* generate<Value>(source: AsyncIterable<Value>): AsyncGenerator<Value> {
    for await (const value of source) yield value
  }
  return {
    open: (descriptor, signature) => transport.open(descriptor, signature),
    invitations: () => generate(transport.invitations()),
    send: (envelope) => transport.send(envelope),
    subscribe: (sessionId, after) => generate(transport.subscribe(sessionId, after)),
    close: () => transport.close(),
  }
}

/** The same header with a signature that does not verify; another sequence, or a network notices. */
function unverifiable(envelope: Uint8Array, sequence: number): Uint8Array {
  const bytes = new Uint8Array(envelope)
  const last = bytes.length - 1
  bytes[last] = (bytes[last] ?? 0) ^ 1
  new DataView(bytes.buffer).setUint32(84, sequence)
  return bytes
}

describe("a wallet on somebody else's transport", () => {
  it('signs, refuses, aborts and closes', async () => {
    const { agent, user, close } = await createTestCommittee({ wrapTransport: withGenerators })
    let answer = true
    const cosigning = user.cosign({ approve: () => answer })
    await expect(agent.signTransaction(payment())).resolves.toBeDefined()
    answer = false
    await expect(agent.signTransaction(payment())).rejects.toMatchObject({
      code: 'CEREMONY_REFUSED',
    })
    await cosigning.close()
    const signal = AbortSignal.timeout(20)
    await expect(agent.signTransaction({ ...payment(), signal })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    await close()

    await noSessionLeft()
  })

  it('hears why the transport failed', async () => {
    const line: { broken?: Error } = {}
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport) =>
        sending(transport, (envelope, pass) =>
          line.broken === undefined ? pass(envelope) : Promise.reject(line.broken),
        ),
    })
    await using _ = user.cosign({ approve: () => true })
    line.broken = Object.assign(new Error('no room'), { code: 'RELAY_QUOTA_EXHAUSTED' })
    await expect(agent.signTransaction(payment())).rejects.toMatchObject({
      code: 'RELAY_QUOTA_EXHAUSTED',
      message: 'no room',
    })
    line.broken = new Error('of another kind')
    await expect(agent.signTransaction(payment())).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
      cause: line.broken,
      retryable: true,
    })
    await close()
  })

  it('hears of a failure that is thrown, not rejected, in every method that a ceremony calls', async () => {
    for (const method of ['open', 'send', 'subscribe', 'invitations'] as const) {
      const line: { broken?: Error } = {}
      const { agent, close } = await createTestCommittee({
        wrapTransport: (transport) =>
          new Proxy(withGenerators(transport), {
            get: (target, name) => {
              if (name !== method || line.broken === undefined) return Reflect.get(target, name)
              return () => {
                throw line.broken
              }
            },
          }),
      })
      line.broken = new Error('unplugged')
      const call = async (): Promise<unknown> =>
        method === 'invitations'
          ? agent.cosign({ approve: () => true })
          : await agent.signTransaction(payment())
      await expect(call()).rejects.toMatchObject({
        code: 'TRANSPORT_UNAVAILABLE',
        cause: line.broken,
        signatureMayExist: false,
      })
      await close()
    }
  })

  it('signs over one whose methods return nothing', async () => {
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport) => ({
        ...withGenerators(transport),
        open: (...announced) => void transport.open(...announced) as never,
        send: (envelope) => void transport.send(envelope) as never,
      }),
    })
    await using _ = user.cosign({ approve: () => true })

    await expect(agent.signTransaction(payment())).resolves.toBeDefined()
    await close()
  })

  it('hears the verdict of a ceremony, though somebody stops it in the same moment', async () => {
    let sequence = 1_000
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport, role) =>
        sending(transport, async (envelope, pass) => {
          if (role === PartyRole.User && roundOf(envelope) === ABORT_ROUND)
            await pass(unverifiable(envelope, ++sequence))
          await pass(envelope)
        }),
    })
    await using _ = user.cosign({ approve: () => false })
    const controller = new AbortController()
    // what is dropped is reported between the session's verdict and the end of the ceremony
    const dropped = nextEvent(agent, 'envelopeDropped').then(() => {})
    agent.on('envelopeDropped', () => controller.abort())
    const refused = agent.signTransaction({ ...payment(), signal: controller.signal })

    await expect(refused).rejects.toMatchObject({ code: 'CEREMONY_REFUSED', culprits: ['user'] })
    await dropped
    expect(controller.signal.aborted).toBe(true)
    await close()
  })

  it('sends the last message of a signature though the wallet is closing', async () => {
    const { agent, user, close } = await createTestCommittee()
    const undelivered = collect(user, 'undelivered')
    user.cosign({ approve: () => true })
    let closed: Promise<void> | undefined
    user.on('ceremony', ({ round, missing }) => {
      if (round === 3 && missing.length === 0) closed = user.close()
    })

    await expect(agent.signTransaction({ ...payment(), timeoutMs: 2_000 })).resolves.toBeDefined()
    await closed
    expect(closed).toBeDefined()
    expect(undelivered).toEqual([])
    await close()
  })

  it('closes although the transport never takes the last message of a signature', async () => {
    const line: { stuck?: boolean } = {}
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport, role) =>
        sending(transport, (envelope, pass) =>
          line.stuck === true && role === PartyRole.User && roundOf(envelope) === 3
            ? new Promise(() => {})
            : pass(envelope),
        ),
    })
    line.stuck = true
    const [signed, undelivered] = [nextEvent(user, 'signed'), nextEvent(user, 'undelivered')]
    user.cosign({ approve: () => true })
    const lost = agent.signTransaction({ ...payment(), timeoutMs: 300 })

    await expect(lost).rejects.toMatchObject({ signatureMayExist: true })
    expect(await undelivered).toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' })
    expect(await signed).toMatchObject({ with: 'agent' })
    await close()
  })

  it('keeps a signature though its last message cannot be sent', async () => {
    const line: { broken?: boolean } = {}
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport, role) =>
        sending(transport, async (envelope, pass) => {
          if (line.broken === true && role === PartyRole.User && roundOf(envelope) === 3)
            throw new Error('the line is cut')
          await pass(envelope)
        }),
    })
    const signed = nextEvent(user, 'signed')
    const undelivered = collect(user, 'undelivered')
    await using _ = user.cosign({ approve: () => true })
    line.broken = true
    const failed = nextEvent(agent, 'failed')
    const lost = agent.signTransaction({ ...payment(), timeoutMs: 300 })

    const warning = { code: 'PROTOCOL_TIMEOUT', signatureMayExist: true }
    await expect(lost).rejects.toMatchObject({ ...warning, retryable: false })
    expect(await failed).toMatchObject(warning)
    const { ceremonyId } = await signed
    expect(undelivered).toEqual([{ ceremonyId, code: 'TRANSPORT_UNAVAILABLE' }])
    await close()
  })

  it('is not made when a party cannot acknowledge it', async () => {
    const making = createTestCommittee({
      wrapTransport: (transport, role) =>
        sending(transport, async (envelope, pass) => {
          if (role === PartyRole.User && roundOf(envelope) === 7) throw new Error('the line is cut')
          await pass(envelope)
        }),
    })

    await expect(making).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
      cause: { message: 'the line is cut' },
    })
  })

  it('is not held up by goodbyes that the transport does not take', async () => {
    const line: { stuck?: boolean } = {}
    const { agent, close } = await createTestCommittee({
      wrapTransport: (transport) =>
        sending(transport, (envelope, pass) =>
          line.stuck === true ? new Promise(() => {}) : pass(envelope),
        ),
    })
    line.stuck = true
    const began = performance.now()
    await expect(agent.signTransaction({ ...payment(), timeoutMs: 20 })).rejects.toMatchObject({
      code: 'COSIGNER_OFFLINE',
    })

    expect(performance.now() - began).toBeLessThan(5_000)
    await close()
  })
})
