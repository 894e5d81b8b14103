import { describe, expect, it } from '@jest/globals'
import { ChainType, PartyRole } from '../../src/index.js'
import { createTestCommittee, startAnvil } from '../../src/testing/index.js'
import { noSessionLeft } from '../helpers/live-sessions.js'
import { payment } from '../helpers/payment.js'
import { sending } from '../helpers/transports.js'

describe('createTestCommittee', () => {
  it('records what every party sends, if asked to', async () => {
    await using committee = await createTestCommittee({ record: true })
    const duringKeygen = committee.recorded.length
    await using _ = committee.user.cosign({ approve: () => true })
    await committee.agent.signTransaction(payment())

    expect(new Set(committee.recorded.map(({ from }) => from))).toEqual(
      new Set(Object.values(PartyRole)),
    )
    expect(committee.recorded.length).toBeGreaterThan(duringKeygen)
  })

  it('records nothing otherwise', async () => {
    await using committee = await createTestCommittee()
    expect(committee.recorded).toEqual([])
  })

  it('makes another wallet each time', async () => {
    await using one = await createTestCommittee()
    await using other = await createTestCommittee()

    expect(one.agent.address(ChainType.Evm)).not.toBe(other.agent.address(ChainType.Evm))
  })

  it('ends all parties when one fails', async () => {
    const failing = createTestCommittee({
      wrapTransport: (transport, role) =>
        role === PartyRole.User
          ? {
              ...sending(transport, (envelope, pass) => pass(envelope)),
              subscribe: () => {
                throw new Error('deaf')
              },
            }
          : transport,
    })

    await expect(failing).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
      cause: { message: 'deaf' },
    })
    await new Promise(setImmediate)
    await noSessionLeft()
  })

  it('stops when its signal is aborted', async () => {
    const reason = new Error('enough')
    const stopped = createTestCommittee({ signal: AbortSignal.abort(reason) })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
  })
})

describe('startAnvil', () => {
  it('starts a chain on loopback, funds accounts, and leaves no process behind', async () => {
    const listeners = process.listenerCount('exit')
    const anvil = await startAnvil()
    await anvil.fund('0x00000000000000000000000000000000DeaDBeef', 10n ** 20n)
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_getBalance',
      params: ['0x00000000000000000000000000000000DeaDBeef', 'latest'],
    })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(anvil.url, { method: 'POST', headers, body })
    const balance = await answer.json()
    await anvil.close()

    expect(anvil.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(balance).toMatchObject({ result: '0x56bc75e2d63100000' })
    await expect(fetch(anvil.url, { method: 'POST', headers, body })).rejects.toThrow()
    expect(process.listenerCount('exit')).toBe(listeners)
  })

  it('runs beside another one', async () => {
    await using one = await startAnvil()
    await using other = await startAnvil()

    expect(one.url).not.toBe(other.url)
  })
})
