import { describe, expect, it } from '@jest/globals'
import { diagnostics } from '#native'
import { PartyRole, type Transport } from '../../src/index.js'
import { createTestCommittee } from '../../src/testing/index.js'
import { collect, nextEvent } from '../helpers/events.js'
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

    expect(diagnostics().liveSessions).toBe(0)
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
      code: 'INTERNAL',
      cause: line.broken,
    })
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
    const lost = agent.signTransaction({ ...payment(), timeoutMs: 300 })

    await expect(lost).rejects.toMatchObject({ code: 'PROTOCOL_TIMEOUT', retryable: false })
    const { ceremonyId } = await signed
    expect(undelivered).toEqual([{ ceremonyId, code: 'INTERNAL' }])
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

    await expect(making).rejects.toMatchObject({ cause: { message: 'the line is cut' } })
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
