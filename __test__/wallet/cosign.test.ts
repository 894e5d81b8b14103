import { describe, expect, it, jest } from '@jest/globals'
import {
  type CosignParameters,
  type CosignRequest,
  type MpcAgentWallet,
  type MpcWalletError,
  PartyRole,
  type Transport,
} from '../../src/index.js'
import { createTestCommittee } from '../../src/testing/index.js'
import { AskedRequests } from '../../src/wallet/asked-requests.js'
import { toCeremonyId } from '../../src/wallet/ids.js'
import { sharedCommittee } from '../helpers/committee.js'
import { collect, nextEvent } from '../helpers/events.js'
import { noSessionLeft } from '../helpers/live-sessions.js'
import { payment } from '../helpers/payment.js'
import { announcing, roundOf, sending } from '../helpers/transports.js'
import { descriptorBytes } from '../helpers/wire-bytes.js'

const committee = sharedCommittee()

function ask(wallet: MpcAgentWallet, nonce = 0) {
  return wallet.signTransaction(payment({ nonce }))
}

describe('a co-signer', () => {
  it('refuses what it does not approve, and the asking party hears who refused', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => false })
    const [asked, answered] = [nextEvent(agent, 'refused'), nextEvent(user, 'refused')]

    await expect(ask(agent)).rejects.toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
      retryable: false,
    })
    expect(await asked).toMatchObject({ by: 'user' })
    expect(await answered).toMatchObject({ by: 'user' })
  })

  it.each<[string, Exclude<CosignParameters['approve'], undefined>]>([
    ['nothing', () => undefined as never],
    ['a word', () => 'yes' as never],
    ['a number', () => Promise.resolve(1) as never],
  ])('takes %s for a no', async (_, approve) => {
    const { agent, user } = committee()
    await using _cosigning = user.cosign({ approve })

    await expect(ask(agent)).rejects.toMatchObject({ code: 'CEREMONY_REFUSED' })
  })

  it('takes an error of approve for a no, and reports it', async () => {
    const { agent, user } = committee()
    const errors: MpcWalletError[] = []
    const cause = new Error('the rule engine is down')
    await using _ = user.cosign({
      approve: () => {
        throw cause
      },
      onError: (error) => errors.push(error),
    })

    await expect(ask(agent)).rejects.toMatchObject({ code: 'CEREMONY_REFUSED', culprits: ['user'] })
    expect(errors).toMatchObject([{ code: 'CEREMONY_REFUSED', cause }])
  })

  it('goes on when its error handler fails too', async () => {
    const { agent, user } = committee()
    const failures = collect(user, 'listenerFailed')
    const approve = jest.fn<() => boolean>().mockReturnValue(true)
    approve.mockImplementationOnce(() => {
      throw new Error('once')
    })
    await using _ = user.cosign({
      approve,
      onError: () => {
        throw new Error('and again')
      },
    })

    await expect(ask(agent)).rejects.toMatchObject({ code: 'CEREMONY_REFUSED' })
    await expect(ask(agent)).resolves.toBeDefined()
    expect(failures).toMatchObject([{ event: 'onError' }])
  })

  it('answers requests that were made before it came', async () => {
    const { agent, user } = committee()
    const signed = ask(agent)
    await new Promise(setImmediate)
    await using _ = user.cosign({ approve: () => true })

    await expect(signed).resolves.toMatchObject({ yParity: expect.any(Number) })
  })

  it('thinks about one request while it signs another', async () => {
    const { agent, user } = committee()
    let decide: (yes: boolean) => void = () => {}
    await using _ = user.cosign({
      approve: ({ items: [item] }) =>
        item?.transaction?.nonce === 0n
          ? new Promise((resolve) => {
              decide = resolve
            })
          : true,
    })
    const slow = ask(agent, 0)
    await nextEvent(user, 'request')
    await ask(agent, 1)
    decide(true)

    await expect(slow).resolves.toBeDefined()
  })

  it('asks about each request once, also when co-signing starts again', async () => {
    const { agent, user } = committee()
    const requests: CosignRequest[] = []
    const approve = (request: CosignRequest): boolean => requests.push(request) > 0
    for (const nonce of [10, 11, 12]) {
      await using _ = user.cosign({ approve })
      await ask(agent, nonce)
    }

    const nonces = requests.map(({ items }) => items.map(({ transaction }) => transaction?.nonce))
    expect(nonces).toEqual([[10n], [11n], [12n]])
  })

  it('does not hold more than 32 requests open at once, and answers the rest in turn', async () => {
    const { agent, user } = committee()
    let open = 0
    let most = 0
    await using _ = user.cosign({
      approve: async () => {
        open += 1
        most = Math.max(most, open)
        await new Promise(setImmediate)
        open -= 1
        return true
      },
    })
    const signed = await Promise.all(Array.from({ length: 50 }, (_, nonce) => ask(agent, nonce)))

    expect(signed).toHaveLength(50)
    expect(most).toBeLessThanOrEqual(32)
  })

  it('is one per wallet at a time', async () => {
    const { user } = committee()
    const first = user.cosign({ approve: () => true })
    expect(() => user.cosign({ approve: () => true })).toThrow(
      expect.objectContaining({ code: 'SESSION_BUSY' }),
    )
    await first.close()

    await user.cosign({ approve: () => true }).close()
  })

  it.each<[string, unknown, string]>([
    ['something else', 1, 'parameters'],
    ['an approve that is none', { approve: 1 }, 'approve'],
    ['an onError that is none', { approve: () => true, onError: 1 }, 'onError'],
  ])('cannot be made with %s', (_, parameters, field) => {
    const { user } = committee()
    expect(() => user.cosign(parameters as CosignParameters)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(new RegExp(`^${field}: `)),
      }),
    )
  })
})

describe('a request that was taken back', () => {
  it('ends the thinking about it', async () => {
    const { agent, user } = committee()
    const errors: unknown[] = []
    const controller = new AbortController()
    let signal: AbortSignal | undefined
    await using _ = user.cosign({
      approve: (_request, options) => {
        signal = options.signal
        return new Promise(() => {})
      },
      onError: (error) => errors.push(error),
    })
    const refused = nextEvent(user, 'refused')
    const asked = agent.signTransaction({ ...payment(), signal: controller.signal })
    await nextEvent(user, 'request')
    controller.abort()

    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await refused).toMatchObject({ by: PartyRole.Agent })
    expect(signal?.aborted).toBe(true)
  })

  it('is not asked about by a co-signer that comes later', async () => {
    const { agent, user } = committee()
    const requests = collect(user, 'request')
    await expect(agent.signTransaction({ ...payment(), timeoutMs: 20 })).rejects.toMatchObject({
      code: 'COSIGNER_OFFLINE',
    })
    await using _ = user.cosign({ approve: () => true })
    await ask(agent, 1)

    expect(requests).toHaveLength(1)
  })
})

describe('closing', () => {
  it('the co-signer ends the thinking, refuses, and takes no more requests', async () => {
    const { agent, user } = committee()
    const errors: unknown[] = []
    const cosigning = user.cosign({
      approve: (_, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(true))),
      onError: (error) => errors.push(error),
    })
    const asked = ask(agent)
    await nextEvent(user, 'request')
    await cosigning.close()

    await expect(asked).rejects.toMatchObject({ code: 'CEREMONY_REFUSED', culprits: ['user'] })
    await expect(agent.signTransaction({ ...payment(), timeoutMs: 20 })).rejects.toMatchObject({
      code: 'COSIGNER_OFFLINE',
    })
    expect(errors).toEqual([])
  })

  it('a wallet ends its ceremonies on both sides, and everything else is refused', async () => {
    const { agent, user, recovery, close } = await createTestCommittee()
    const cosigning = user.cosign({ approve: () => new Promise(() => {}) })
    const outcomes = []
    for (const wallet of [agent, recovery]) {
      const requested = nextEvent(user, 'request')
      outcomes.push(ask(wallet).catch((error) => error))
      await requested
    }
    await Promise.all([agent.close(), agent.close()])
    await user.close()

    expect(await Promise.all(outcomes)).toMatchObject([
      { code: 'SESSION_CLOSED' },
      { code: 'CEREMONY_REFUSED', culprits: ['user'] },
    ])
    await expect(ask(agent)).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
    expect(() => user.cosign({ approve: () => true })).toThrow(
      expect.objectContaining({ code: 'SESSION_CLOSED' }),
    )
    expect(() => agent.deriveAccount({ path: 'm' })).toThrow(
      expect.objectContaining({ code: 'SESSION_CLOSED' }),
    )
    await cosigning.close()
    await close()
    await noSessionLeft()
  })
})

describe('a transport that is not honest', () => {
  /** A committee whose envelopes are taken over while `tamper` is set. */
  async function tampered() {
    const line: { tamper?: (envelope: Uint8Array, from: PartyRole) => Uint8Array[] } = {}
    const wallets = await createTestCommittee({
      wrapTransport: (transport: Transport, role) =>
        sending(transport, async (envelope, pass) => {
          for (const passed of line.tamper?.(envelope, role) ?? [envelope]) await pass(passed)
        }),
    })
    return { ...wallets, line }
  }

  it('cannot stop a signature with junk of every round', async () => {
    const { agent, user, line, close } = await tampered()
    const dropped = collect(user, 'envelopeDropped')
    let sequence = 1_000
    line.tamper = (envelope) => [
      spoiled(envelope, ++sequence),
      envelope,
      spoiled(envelope, ++sequence),
    ]
    await using _ = user.cosign({ approve: () => true })

    await expect(ask(agent)).resolves.toBeDefined()
    expect(dropped.length).toBeGreaterThan(0)
    expect(dropped[0]).toMatchObject({ code: expect.any(String), ceremonyId: expect.any(String) })
    await close()
  })

  it('cannot make a person be asked about an invitation that does not verify', async () => {
    const { agent, user, line, close } = await tampered()
    const requests = collect(user, 'request')
    const droppedInvitations = collect(user, 'invitationDropped')
    let sequence = 1_000
    line.tamper = (envelope) =>
      roundOf(envelope) === 0
        ? Array.from({ length: 8 }, () => spoiled(envelope, ++sequence))
        : [envelope]
    await using _ = user.cosign({ approve: () => true })
    await expect(agent.signTransaction({ ...payment(), timeoutMs: 200 })).rejects.toMatchObject({
      code: 'COSIGNER_OFFLINE',
    })

    expect(requests).toEqual([])
    expect(droppedInvitations).toMatchObject([{ code: 'PROTOCOL_CONFIG' }])
    await close()
  })

  it('that loses the last message leaves the asking party with a warning, not with a retry', async () => {
    const { agent, user, line, close } = await tampered()
    const signed = nextEvent(user, 'signed')
    await using _ = user.cosign({ approve: () => true })
    line.tamper = (envelope, from) =>
      from === PartyRole.User && roundOf(envelope) === 3 ? [] : [envelope]
    const lost = agent.signTransaction({ ...payment(), timeoutMs: 300 })

    await expect(lost).rejects.toMatchObject({
      code: 'PROTOCOL_TIMEOUT',
      culprits: ['user'],
      retryable: false,
      message: expect.stringContaining('share had left'),
    })
    expect(await signed).toMatchObject({ with: 'agent' }) // the other side has the signature
    await close()
  })

  it('that announces bytes of no meaning is not listened to', async () => {
    const { agent, user, network, close } = await createTestCommittee()
    const bytes = descriptorBytes({
      walletId: Buffer.from(user.walletId.slice(2), 'hex'),
      members: user.parties
        .slice(0, 2)
        .map(({ index, identityKey }) => ({ index, role: index, identityKey })),
    })
    const stranger = network.connect(agent.parties[0]?.identityKey ?? new Uint8Array())
    await stranger.open(bytes, new Uint8Array(64))
    const requests = collect(user, 'request')
    await using _ = user.cosign({ approve: () => true })
    await ask(agent)

    expect(requests).toHaveLength(1)
    await close()
  })
})

describe('a refusal that cannot be delivered', () => {
  /** A committee where the user's envelopes go where `send` lets them. */
  async function cut(send: () => Promise<void>) {
    const line = { cut: false }
    const wallets = await createTestCommittee({
      wrapTransport: (transport, role) =>
        sending(transport, (envelope, pass) =>
          line.cut && role === PartyRole.User ? send() : pass(envelope),
        ),
    })
    line.cut = true
    return wallets
  }

  it('does not keep the co-signer from closing', async () => {
    const { agent, user, close } = await cut(() => new Promise(() => {}))
    const cosigning = user.cosign({ approve: () => new Promise(() => {}) })
    const asked = agent.signTransaction({ ...payment(), timeoutMs: 200 }).catch(() => {})
    await nextEvent(user, 'request')
    const began = performance.now()
    await cosigning.close()
    await user.close()

    expect(performance.now() - began).toBeLessThan(4_000)
    await asked
    await close()
  })

  it('does not take the place of the reason', async () => {
    const { agent, user, close } = await cut(() => Promise.reject(new Error('the line is cut')))
    const errors: MpcWalletError[] = []
    const cause = new Error('the rule engine is down')
    const approve = jest.fn<() => boolean>().mockReturnValue(false)
    approve.mockImplementationOnce(() => {
      throw cause
    })
    await using _ = user.cosign({ approve, onError: (error) => errors.push(error) })
    const failed = collect(user, 'failed')
    for (const _attempt of ['approve throws', 'approve says no']) {
      const refused = nextEvent(user, 'refused')
      await agent.signTransaction({ ...payment(), timeoutMs: 100 }).catch(() => {})
      expect(await refused).toMatchObject({ by: 'user' })
    }

    expect(errors).toMatchObject([{ code: 'CEREMONY_REFUSED', cause }])
    expect(failed).toEqual([])
    await close()
  })
})

describe('one party that asks too much', () => {
  it('does not keep the co-signer from the other', async () => {
    const { agent, user, recovery, close } = await createTestCommittee()
    const controller = new AbortController()
    const open: PartyRole[] = []
    await using _ = user.cosign({
      approve: ({ from }) => {
        open.push(from)
        return from === PartyRole.Agent ? true : new Promise(() => {})
      },
    })
    const many = Array.from({ length: 40 }, (_, nonce) =>
      recovery
        .signTransaction({ ...payment({ nonce }), signal: controller.signal })
        .catch(() => {}),
    )
    while (open.length < 16) await nextEvent(user, 'request')

    await expect(ask(agent)).resolves.toBeDefined()
    expect(open.filter((from) => from === PartyRole.Recovery)).toHaveLength(16)
    controller.abort()
    await Promise.all(many)
    await close()
  })

  it('is refused when the co-signer was asked too often, and the other is not', async () => {
    const { agent, user, recovery, close } = await createTestCommittee()
    const requests = collect(user, 'request')
    const dropped = collect(user, 'invitationDropped')
    const { add } = AskedRequests.prototype
    const spy = jest.spyOn(AskedRequests.prototype, 'add')
    spy.mockImplementationOnce(function (this: AskedRequests, ceremonyId, asked) {
      for (let number = 0; number < 2_048; number += 1) {
        const bytes = new Uint8Array(32)
        new DataView(bytes.buffer).setUint32(0, number)
        add.call(this, toCeremonyId(bytes), asked)
      }
      add.call(this, ceremonyId, asked)
    })
    await using _ = user.cosign({ approve: () => true })

    await expect(ask(recovery)).rejects.toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
    })
    spy.mockRestore()
    expect(dropped).toMatchObject([{ code: 'RELAY_QUOTA_EXHAUSTED' }])
    await expect(ask(agent)).resolves.toBeDefined()
    expect(requests).toMatchObject([{ from: 'agent' }])
    await close()
  })
})

describe('announcements that nobody signed', () => {
  /** A committee, what the user subscribed to, and descriptors in the name of a party. */
  async function announced() {
    const subscribed: string[] = []
    const wallets = await createTestCommittee({
      wrapTransport: (transport, role) =>
        role !== PartyRole.User
          ? transport
          : announcing(transport, {
              subscribe: (sessionId) => {
                subscribed.push(toCeremonyId(sessionId))
              },
            }),
    })
    const { user } = wallets
    const walletId = Buffer.from(user.walletId.slice(2), 'hex')
    const members = user.parties.map(({ index, identityKey }) => ({
      index,
      role: index,
      identityKey,
    }))
    subscribed.length = 0
    return { ...wallets, walletId, members, subscribed }
  }

  it('hold back neither the other party nor, for long, the one that they name', async () => {
    const { agent, user, recovery, network, walletId, members, close } = await announced()
    const [first] = members
    const stranger = network.connect(first?.identityKey ?? new Uint8Array())
    for (let count = 0; count < 20; count += 1)
      await stranger.open(
        descriptorBytes({ walletId, members: members.slice(0, 2) }),
        new Uint8Array(64),
      )
    await using _ = user.cosign({ approve: () => true })

    const began = performance.now()
    const named = ask(agent)
    await expect(ask(recovery)).resolves.toBeDefined()
    expect(performance.now() - began).toBeLessThan(1_500)
    await expect(named).resolves.toBeDefined()
    await close()
  }, 15_000)

  it('with a key that is not the party’s, or with three parties, are not listened to', async () => {
    const { agent, user, network, walletId, members, subscribed, close } = await announced()
    const [first, second] = members
    if (first === undefined || second === undefined) throw new Error('a committee has three')
    const identityKey = first.identityKey.map((byte) => byte ^ 1)
    await network
      .connect(identityKey)
      .open(
        descriptorBytes({ walletId, members: [{ ...first, identityKey }, second] }),
        new Uint8Array(64),
      )
    await network
      .connect(first.identityKey)
      .open(descriptorBytes({ walletId, members }), new Uint8Array(64)) // three are no quorum
    await using _cosigning = user.cosign({ approve: () => true })
    const { ceremonyId } = await agent.signTransaction(payment())

    expect(subscribed).toEqual([ceremonyId])
    await close()
  })

  it('are not opened a second time after they failed', async () => {
    const line: { spoil?: boolean } = {}
    const subscribed: string[] = []
    const wallets = await createTestCommittee({
      wrapTransport: (transport, role) =>
        role === PartyRole.User
          ? announcing(transport, {
              subscribe: (sessionId) => {
                subscribed.push(toCeremonyId(sessionId))
              },
              again: true,
            })
          : sending(transport, async (envelope, pass) => {
              if (line.spoil !== true || roundOf(envelope) !== 0) return await pass(envelope)
              for (let sequence = 1_000; sequence < 1_008; sequence += 1)
                await pass(spoiled(envelope, sequence))
            }),
    })
    const { agent, user, close } = wallets
    subscribed.length = 0
    line.spoil = true
    const dropped = collect(user, 'invitationDropped')
    await using _ = user.cosign({ approve: () => true })
    await agent.signTransaction({ ...payment(), timeoutMs: 400 }).catch(() => {})

    expect(dropped).toMatchObject([{ code: 'PROTOCOL_CONFIG' }])
    expect(subscribed).toHaveLength(1)
    await close()
  })
})

describe('junk', () => {
  it('that piles up while somebody thinks does not make an approved request fail', async () => {
    const line: { round0?: Uint8Array; send?: (envelope: Uint8Array) => Promise<void> } = {}
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport, role) =>
        sending(transport, async (envelope, pass) => {
          if (role === PartyRole.Agent && roundOf(envelope) === 0) {
            line.round0 = envelope
            line.send = pass
          }
          await pass(envelope)
        }),
    })
    const dropped = collect(user, 'envelopeDropped')
    await using _ = user.cosign({
      approve: async () => {
        for (let sequence = 1_000; sequence < 1_200; sequence += 1) {
          if (line.round0 !== undefined) await line.send?.(spoiled(line.round0, sequence))
          if (sequence % 50 === 0) await new Promise(setImmediate)
        }
        return true
      },
    })

    await expect(ask(agent)).resolves.toBeDefined()
    expect(dropped.length).toBeGreaterThan(64)
    await close()
  })
})

describe('a transport that announces nothing more', () => {
  it.each<[string, () => void, string]>([
    ['ends', () => {}, 'SESSION_CLOSED'],
    [
      'fails',
      () => {
        throw Object.assign(new Error('gone'), { code: 'RELAY_SESSION_UNKNOWN' })
      },
      'RELAY_SESSION_UNKNOWN',
    ],
  ])('is noticed when it %s', async (_, end, code) => {
    const line: { end?: () => void } = {}
    const { agent, user, close } = await createTestCommittee({
      wrapTransport: (transport, role) =>
        role !== PartyRole.User
          ? transport
          : announcing(transport, {
              async until() {
                await new Promise<void>((resolve) => {
                  line.end = resolve
                })
                end()
              },
            }),
    })
    const errors: MpcWalletError[] = []
    const cosigning = user.cosign({ approve: () => true, onError: (error) => errors.push(error) })
    const ended = collect(user, 'cosigningEnded')
    await ask(agent)
    line.end?.()
    await cosigning.finished

    expect(errors).toMatchObject([{ code }])
    expect(ended).toEqual([{ code }])
    await using _again = user.cosign({ approve: () => true })
    await expect(ask(agent, 1)).resolves.toBeDefined()
    await close()
  })

  it('is not the reason when the co-signer was closed', async () => {
    const { user } = committee()
    const errors: MpcWalletError[] = []
    const ended = collect(user, 'cosigningEnded')
    const cosigning = user.cosign({ approve: () => true, onError: (error) => errors.push(error) })
    await cosigning.close()
    await cosigning.finished

    expect(ended).toEqual([{}])
    expect(errors).toEqual([])
  })
})

/** An envelope with another sequence number and a signature that does not fit. */
function spoiled(envelope: Uint8Array, sequence: number): Uint8Array {
  const bytes = new Uint8Array(envelope)
  const last = bytes.length - 1
  bytes[last] = (bytes[last] ?? 0) ^ 1 // the signature
  new DataView(bytes.buffer).setUint32(84, sequence) // or the network would notice
  return bytes
}
