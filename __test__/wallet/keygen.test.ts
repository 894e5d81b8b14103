import { describe, expect, it } from '@jest/globals'
import {
  type CeremonyProgress,
  ChainType,
  type CreateWalletParameters,
  MemoryNetwork,
  MpcAgentWallet,
  Party,
  PartyRole,
  PolicyConfig,
  type Transport,
  type WalletProposal,
} from '../../src/index.js'
import { noSessionLeft } from '../helpers/live-sessions.js'
import { member, session } from '../helpers/wire-bytes.js'

const roles = [PartyRole.Agent, PartyRole.User, PartyRole.Recovery] as const
type Overrides = Partial<CreateWalletParameters>

/** Three parties that know each other's cards, and a way to start each of them. */
function committee() {
  const network = new MemoryNetwork()
  const parties = roles.map((role) => Party.create({ role }))
  const cards = parties.map(({ card }) => card)
  const start = (position: number, overrides: Overrides = {}): Promise<MpcAgentWallet> => {
    const party = parties[position] as Party
    const transport = network.connect(party.identityKey)
    const policy = PolicyConfig.permissive()
    const parameters = { party, cards, transport, policy, confirm: () => true, ...overrides }
    return position === 0 ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
  }
  const startAll = (...overrides: Overrides[]) =>
    Promise.allSettled([0, 1, 2].map((position) => start(position, overrides[position])))
  return { network, parties, cards, start, startAll }
}

function codeOf(result: PromiseSettledResult<unknown> | undefined): unknown {
  return result?.status === 'rejected' ? result.reason.code : result?.status
}

describe('a wallet that three parties made', () => {
  it('is the same for all of them, and certified', async () => {
    const { start } = committee()
    const wallets = await Promise.all([start(0), start(1), start(2)])

    expect(wallets.map(({ role }) => role)).toEqual(roles)
    for (const wallet of wallets) {
      expect(wallet).toMatchObject({
        walletId: wallets[0].walletId,
        epoch: 1n,
        parties: wallets[0].parties,
        policy: wallets[0].policy,
      })
      expect(wallet.address(ChainType.Evm)).toBe(wallets[0].address(ChainType.Evm))
    }
    expect(wallets[0].parties.map(({ index, role }) => [index, role])).toEqual([
      [1, 'agent'],
      [2, 'user'],
      [3, 'recovery'],
    ])
    expect(wallets[0].policy).toMatchObject({
      schema: 'mpc-wallet/policy@1',
      permissive: true,
      version: '1',
    })
  })

  it('shows the same six words to every operator, and other words to another committee', async () => {
    const proposals: WalletProposal[] = []
    const confirm = (proposal: WalletProposal): boolean => {
      proposals.push(proposal)
      return true
    }
    for (const one of [committee(), committee()])
      await one.startAll({ confirm }, { confirm }, { confirm })

    const [first, second, third, ...others] = proposals.map(({ words }) => words.join(' '))
    expect(first).toMatch(/^([a-z]+ ){5}[a-z]+$/)
    expect([second, third]).toEqual([first, first])
    expect(others).not.toContain(first)
    expect(proposals[0]?.parties.map(({ role }) => role)).toEqual(roles)
  })

  it('is made whoever starts first', async () => {
    const { start } = committee()
    const joining = [start(1), start(2)]
    await new Promise(setImmediate)
    const created = await start(0)

    for (const wallet of await Promise.all(joining)) expect(wallet.walletId).toBe(created.walletId)
  })

  it('is made while another committee is being made on the same network', async () => {
    const network = new MemoryNetwork()
    const both = [committee(), committee()].map(({ parties, start }) =>
      Promise.all(
        parties.map(({ identityKey }, position) =>
          start(position, { transport: network.connect(identityKey) }),
        ),
      ),
    )
    const [[one], [other]] = (await Promise.all(both)) as [MpcAgentWallet[], MpcAgentWallet[]]

    expect(one?.walletId).not.toBe(other?.walletId)
  })

  it('reports its seven rounds, and is not stopped by whoever listens to them', async () => {
    const { startAll } = committee()
    const rounds: CeremonyProgress[] = []
    const onProgress = (progress: CeremonyProgress): void => {
      rounds.push(progress)
      throw new Error('of the listener')
    }
    const results = await startAll({ onProgress })

    expect(results.map(codeOf)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    expect(rounds[0]).toMatchObject({ kind: 'keygen', round: 0, rounds: 7 })
    expect(rounds.at(-1)).toMatchObject({ kind: 'keygen', round: 7, rounds: 7, missing: [] })
    expect(new Set(rounds.map(({ ceremonyId }) => ceremonyId)).size).toBe(1)
  })
})

describe('a wallet is not made', () => {
  it.each([0, 1, 2])(
    'when the operator of party %i says no; the others hear who it was',
    async (position) => {
      const { startAll } = committee()
      const overrides = [{}, {}, {}] as Overrides[]
      overrides[position] = { confirm: () => false }
      const results = await startAll(...overrides)

      expect(results.map(codeOf)).toEqual(Array(3).fill('CEREMONY_REFUSED'))
      const others = results.filter((_, other) => other !== position)
      for (const result of others)
        expect(result).toMatchObject({ reason: { culprits: [roles[position]] } })
      await noSessionLeft()
    },
  )

  it('when confirming fails', async () => {
    const { startAll } = committee()
    const cause = new Error('the operator fell asleep')
    const results = await startAll({ confirm: () => Promise.reject(cause) })

    expect(results[0]).toMatchObject({ reason: { code: 'CEREMONY_REFUSED', cause } })
    expect(results.slice(1).map(codeOf)).toEqual(['CEREMONY_REFUSED', 'CEREMONY_REFUSED'])
  })

  it('when one operator says no while the others still think', async () => {
    const { startAll } = committee()
    const signals: AbortSignal[] = []
    const think: CreateWalletParameters['confirm'] = (_, { signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    const results = await startAll({ confirm: think }, { confirm: think }, { confirm: () => false })

    expect(results.map(codeOf)).toEqual(Array(3).fill('CEREMONY_REFUSED'))
  })

  it('when a party is missing; the error names it', async () => {
    const { start } = committee()
    const results = await Promise.allSettled([
      start(0, { timeoutMs: 300 }),
      start(1, { timeoutMs: 300 }),
    ])

    expect(results.map(codeOf)).toEqual(['PROTOCOL_TIMEOUT', 'PROTOCOL_TIMEOUT'])
    expect(results[0]).toMatchObject({ reason: { culprits: ['recovery'], retryable: true } })
  })

  it('when nobody starts', async () => {
    const { start } = committee()
    await expect(start(1, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'PROTOCOL_TIMEOUT' })
  })

  it('when the caller aborts: before it begins, while it waits for the others, and while the operator thinks', async () => {
    const reason = new Error('enough')
    await expect(committee().start(0, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject(
      { code: 'ABORTED', cause: reason },
    )

    const waiting = new AbortController()
    const joined = committee().start(1, { signal: waiting.signal })
    waiting.abort(reason)
    await expect(joined).rejects.toMatchObject({ code: 'ABORTED', cause: reason })

    const thinking = new AbortController()
    const [created, ...others] = await committee().startAll({
      signal: thinking.signal,
      confirm: () => {
        thinking.abort(reason)
        return new Promise(() => {})
      },
    })
    expect(codeOf(created)).toBe('ABORTED')
    // among three the one that says stop may have been stopped itself, so nobody is blamed
    for (const other of others)
      expect(other).toMatchObject({ reason: { code: 'PROTOCOL_TIMEOUT', culprits: [] } })
  })

  it('when the transport closes', async () => {
    const { network, start } = committee()
    const created = start(0)
    await new Promise(setImmediate)
    await network.close()

    await expect(created).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
  })

  it('when the parties were given different cards', async () => {
    const { cards, start } = committee()
    const stranger = Party.create({ role: PartyRole.Recovery }).card
    const results = await Promise.allSettled([
      start(0, { cards: [...cards.slice(0, 2), stranger], timeoutMs: 300 }),
      start(1, { timeoutMs: 300 }),
      start(2, { timeoutMs: 300 }),
    ])

    expect(results.map(codeOf)).toEqual(Array(3).fill('PROTOCOL_TIMEOUT'))
  })

  it('twice by one party', async () => {
    const { start, startAll } = committee()
    await startAll()

    await expect(start(0)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a party that joins', () => {
  it('leaves invitations aside that are not for its committee', async () => {
    const { network, parties, startAll } = committee()
    const others = parties.map(({ identityKey }, index) => ({ ...member(index + 1), identityKey }))
    for (const one of [
      session(others.slice(0, 2), { kind: 1 }), // not all three
      session(others, { kind: 2 }), // not a key generation
      session([...others.slice(0, 2), member(3)], { kind: 1 }), // a stranger among them
    ]) {
      const transport: Transport = network.connect((parties[0] as Party).identityKey)
      await transport.open(one.descriptor, one.signature)
    }

    expect((await startAll()).map(codeOf)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  })
})

it('a transport that is none does not cost the party its card', async () => {
  const { start } = committee()
  const refused = start(0, { transport: {} as Transport })
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT' })

  await expect(Promise.all([start(0), start(1), start(2)])).resolves.toHaveLength(3)
})

describe('making a wallet refuses', () => {
  const party = Party.create({ role: PartyRole.Agent })
  const cards = [
    party,
    ...[PartyRole.User, PartyRole.Recovery].map((role) => Party.create({ role })),
  ].map(({ card }) => card)
  const transport = new MemoryNetwork().connect(party.identityKey)
  const good: CreateWalletParameters = { party, cards, transport, confirm: () => true }
  const tampered = `${cards[2]?.slice(0, -2)}AA`

  it.each<[string, unknown, string]>([
    ['no parameters', undefined, 'parameters'],
    ['a party that is none', { ...good, party: { card: cards[0] } }, 'party'],
    ['two cards', { ...good, cards: cards.slice(0, 2) }, 'cards'],
    ['four cards', { ...good, cards: [...cards, cards[0]] }, 'cards'],
    ['two cards of one role', { ...good, cards: [cards[0], cards[1], cards[1]] }, 'cards'],
    [
      "cards without the party's own",
      { ...good, cards: [Party.create({ role: 'agent' }).card, ...cards.slice(1)] },
      'cards',
    ],
    ['a card that is no text', { ...good, cards: [...cards.slice(0, 2), 5] }, 'cards[2]'],
    [
      'a card with a broken signature',
      { ...good, cards: [...cards.slice(0, 2), tampered] },
      'cards[2]',
    ],
    ['no transport', { ...good, transport: undefined }, 'transport'],
    ['a transport without methods', { ...good, transport: {} }, 'transport.open'],
    [
      'a transport that cannot send',
      { ...good, transport: { open() {}, invitations() {}, subscribe() {}, close() {} } },
      'transport.send',
    ],
    ['no operator', { ...good, confirm: true }, 'confirm'],
    ['a timeout of nothing', { ...good, timeoutMs: 0 }, 'timeoutMs'],
    ['a timeout that is no number', { ...good, timeoutMs: Number.NaN }, 'timeoutMs'],
    ['a timeout of days', { ...good, timeoutMs: 86_400_001 }, 'timeoutMs'],
    ['a signal that is none', { ...good, signal: {} }, 'signal'],
  ])('%s, and names the field', async (_, parameters, field) => {
    const refused = MpcAgentWallet.create(parameters as CreateWalletParameters)
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(new RegExp(`^${field.replace(/[[\]]/g, '\\$&')}: `)),
    })
  })

  it('an unknown role', () => {
    expect(() => Party.create({ role: 'owner' as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringMatching(/^role: /) }),
    )
  })
})
