import { describe, expect, it } from '@jest/globals'
import { Identity, Session } from '#native'
import {
  keygenOf,
  MINUTE,
  NOW,
  PERMISSIVE,
  type Strangers,
  strangers,
  untilWords,
} from '../helpers/native-committee.js'
import { flipped } from '../helpers/native-envelope.js'

const spent = expect.objectContaining({
  code: 'INVALID_INPUT',
  message: 'a pairing serves one key generation: make a new card',
})

describe('a pairing', () => {
  it('serves one key generation at the party that starts it', () => {
    const parties = strangers()

    create(parties)

    expect(() => create(parties)).toThrow(spent)
  })

  it('serves one key generation at a party that joins', () => {
    const parties = strangers()
    const invited = invitationTo(parties)

    join(parties, invited)

    expect(() => join(parties, invited)).toThrow(spent)
  })

  it('has a card of its own every time', () => {
    const identity = Identity.generate('agent')
    const [one, another] = [identity.createPairing().card, identity.createPairing().card]

    expect(one).not.toEqual(another)
  })
})

describe('a key generation', () => {
  const committees: Record<string, (cards: Uint8Array[]) => Uint8Array[]> = {
    'without one card': (cards) => cards.slice(0, 2),
    'with one card twice': ([agent = none, user = none]) => [agent, user, user],
    'with a fourth card': (cards) => [...cards, strangers().cards[2] ?? none],
    'without the own card': (cards) => [strangers().cards[0] ?? none, ...cards.slice(1)],
    'without cards': () => [],
  }

  it.each(Object.entries(committees))('is not started %s', (_, change) => {
    const parties = strangers()

    expect(() => create({ ...parties, cards: change(parties.cards) })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  it('is the same in whatever order the cards are', async () => {
    const parties = strangers()
    const agent = create(parties)
    const reversed = { ...parties, cards: parties.cards.toReversed() }
    const invited = { ...invitationOf(agent), now: NOW }

    const words = await untilWords({
      agent,
      user: join(reversed, invited),
      recovery: join(reversed, invited, 'recovery'),
    })

    expect(words.user).toEqual(words.agent)
    expect(words.recovery).toEqual(words.agent)
  })

  it.each([
    ['just under', 24 * 3_600_000 - 1, true],
    ['at', 24 * 3_600_000, true],
    ['just over', 24 * 3_600_000 + 1, false],
  ])('lives for a day at most: %s', (_, lifetime, starts) => {
    const start = (): Session => create(strangers(), lifetime)

    if (starts) expect(start().sessionId).toHaveLength(32)
    else expect(start).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  const invitations: Record<string, (invited: Invited) => Invited> = {
    'another descriptor': (invited) => ({ ...invited, descriptor: flipped(invited.descriptor) }),
    'a descriptor of other parties': (invited) => ({
      ...invited,
      ...invitationOf(keygenOf(strangers()).agent),
    }),
    'another signature': (invited) => ({ ...invited, signature: flipped(invited.signature) }),
    'no signature': (invited) => ({ ...invited, signature: new Uint8Array() }),
    'a descriptor that expired': (invited) => ({ ...invited, now: NOW + BigInt(MINUTE) }),
    'a descriptor from the future': (invited) => ({ ...invited, now: NOW - 120_001n }),
    junk: (invited) => ({ ...invited, descriptor: new Uint8Array(300).fill(7) }),
  }

  it.each(Object.entries(invitations))(
    'is not joined on %s, which leaves the pairing for the true one',
    (_, change) => {
      const parties = strangers()
      const invited = invitationTo(parties)

      expect(() => join(parties, change(invited))).toThrow(
        expect.objectContaining({ code: 'PROTOCOL_CONFIG', culprits: [] }),
      )
      expect(join(parties, invited).sessionId).toHaveLength(32)
    },
  )

  it('is not joined by the party that started it', () => {
    const { identities, cards } = strangers()
    const pairings = [identities.agent.createPairing(), identities.agent.createPairing()] as const
    const parties = (at: 0 | 1): Strangers => {
      const others = strangers()
      return {
        ...{ identities: { ...others.identities, agent: identities.agent } },
        pairings: { ...others.pairings, agent: pairings[at] },
        cards: [pairings[at].card, ...cards.slice(1)],
        stores: others.stores,
      }
    }
    const started = create(parties(0))

    expect(() => join(parties(1), { ...invitationOf(started), now: NOW }, 'agent')).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_CONFIG',
        message: 'this party is the initiator',
      }),
    )
  })
})

const none = new Uint8Array()

interface Invited {
  readonly descriptor: Uint8Array
  readonly signature: Uint8Array
  readonly now: bigint
}

function create({ identities, pairings, cards, stores }: Strangers, lifetime = MINUTE): Session {
  return Session.createWallet(
    ...([
      identities.agent,
      pairings.agent,
      cards,
      PERMISSIVE,
      stores.agent,
      NOW,
      lifetime,
    ] as const),
  )
}

function invitationTo(parties: Strangers): Invited {
  return { ...invitationOf(create(parties)), now: NOW }
}

function invitationOf({ descriptor, descriptorSignature: signature }: Session) {
  return { descriptor, signature }
}

function join(
  { identities, pairings, cards, stores }: Strangers,
  { descriptor, signature, now }: Invited,
  role: 'agent' | 'user' | 'recovery' = 'user',
): Session {
  return Session.joinWallet(
    ...([identities[role], pairings[role], cards, undefined, stores[role]] as const),
    ...([descriptor, signature, now] as const),
  )
}
