import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Decided, PayloadInput, Wallet } from '#native'
import {
  authorizationIn,
  authorizeInvited,
  committee,
  decide,
  type Each,
  MINUTE,
  NO_RULES,
  NOW,
  ONE_A_DAY,
  PAIRS,
  PAYMENT,
  read,
  request,
  requestOf,
  sign,
  signatureIn,
  withNonce,
} from '../helpers/native-committee.js'
import { openSealed, type SealedWallet, sealedWallet, write } from '../helpers/native-sealed.js'

const DIRECTIONS = PAIRS.flatMap(([one, other]) => [
  { initiator: one, cosigner: other },
  { initiator: other, cosigner: one },
])

const APPROVED = { type: 'approved' }
const usedUp = { type: 'rejected', ruleId: 'daily', reason: expect.stringMatching(/^daily limit/) }
const unknownPast = { type: 'rejected', ruleId: 'daily', reason: expect.stringMatching(/used up/) }

/** What the rules came to. */
function rulingOf({ decision }: Pick<Decided, 'decision'>): unknown {
  return JSON.parse(decision).ruling
}

describe('what a wallet reads', () => {
  let wallets: Each<Wallet>
  let others: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee()
    others = await committee()
  })

  it('is decided about by the party that read it, and by no other', () => {
    const reading = read({ wallets })
    const refused = expect.objectContaining({
      code: 'INVALID_INPUT',
      message: 'another wallet read these payloads',
      culprits: [],
    })

    for (const wallet of [wallets.user, wallets.recovery, others.agent, others.user]) {
      const principal = new Uint8Array(32)
      const calls = [
        () => wallet.evaluate(reading, requestOf(), '[]', '[]', NOW),
        () => wallet.authorize(reading, requestOf(), '[]', '[]', NOW, MINUTE),
        () => wallet.principalHash(reading, 'agent', 'request', principal),
        () => wallet.signApproval(reading, requestOf(), 'approve', undefined, NOW),
      ]
      for (const call of calls) expect(call).toThrow(refused)
    }
    expect(
      rulingOf(wallets.agent.authorize(reading, requestOf(), '[]', '[]', NOW, MINUTE)),
    ).toEqual(APPROVED)
  })

  it('is refused with the position of what cannot be read', () => {
    const broken: PayloadInput = { ...PAYMENT, bytes: PAYMENT.bytes.slice(1) }

    expect(() => wallets.agent.read([PAYMENT, broken], [[], []], NOW)).toThrow(
      expect.objectContaining({
        code: 'PAYLOAD_REFUSED',
        message: expect.stringMatching(/^item 1: /),
        culprits: [],
      }),
    )
  })

  it('names the account of the path as the one that pays', () => {
    const at = (path: number[]) => JSON.parse(read({ wallets, path }).describe(0)).effects[0].from

    expect(at([])).toMatch(/^eip155:1:0x[0-9a-fA-F]{40}$/)
    expect(at([0])).not.toBe(at([]))
    expect(at([0])).toBe(
      JSON.parse(read({ wallets, initiator: 'user', path: [0] }).describe(0)).effects[0].from,
    )
  })

  it('is a message as well as a transaction', () => {
    const message = {
      kind: 'evm.message',
      chain: 'eip155:1',
      bytes: new TextEncoder().encode('hi'),
    }

    const reading = wallets.user.read([message, PAYMENT], [[], []], NOW)

    expect([0, 1].map((item) => JSON.parse(reading.describe(item)).kind)).toEqual([
      'evm.message',
      'evm.transaction',
    ])
  })

  it('is a copy: writing to its digests changes nothing', () => {
    const reading = read({ wallets })
    const [digest] = reading.digests

    for (const one of reading.digests) one.fill(0)

    expect(reading.digests).toEqual([digest])
  })
})

describe('a permissive wallet', () => {
  it.each(DIRECTIONS)(
    'signs what $initiator asks of $cosigner',
    async ({ initiator, cosigner }) => {
      const wallets = await committee()
      const asked = { wallets, initiator, cosigner }

      expect(rulingOf(decide(asked))).toEqual(APPROVED)
      const outcomes = await sign(asked)
      expect(signatureIn(outcomes[initiator])).toEqual(signatureIn(outcomes[cosigner]))
    },
  )
})

describe('a wallet whose config decided nothing', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee(NO_RULES)
  })

  it.each(DIRECTIONS)('authorises nothing that $initiator asks of $cosigner', (pair) => {
    const decided = decide({ wallets, ...pair })

    expect(decided.authorization).toBeUndefined()
    expect(rulingOf(decided)).toMatchObject({ type: 'rejected', ruleId: 'builtin/no-policy' })
  })

  it('says how to set a policy', () => {
    const { explain, ruling } = JSON.parse(decide({ wallets }).decision)

    for (const text of [ruling.reason, explain.join('\n')]) {
      expect(text).toContain('new PolicyConfig().withDailyLimit(')
      expect(text).toContain('PolicyConfig.permissive()')
    }
  })
})

describe('a decision', () => {
  let wallets: Each<Wallet>
  beforeAll(async () => {
    wallets = await committee(ONE_A_DAY)
  })

  it('reserves what it gives away, so that the next one is rejected and authorises nothing', async () => {
    const wallets = await committee(ONE_A_DAY)

    expect(rulingOf(decide({ wallets }))).toEqual(APPROVED)

    const next = decide({ wallets })
    expect(rulingOf(next)).toEqual(usedUp)
    expect(next.authorization).toBeUndefined()
  })

  it('that is only looked at reserves nothing', async () => {
    const wallets = await committee(ONE_A_DAY)
    const look = () => wallets.agent.evaluate(read({ wallets }), requestOf(), '[]', '[]', NOW)

    for (let time = 0; time < 3; time += 1) expect(rulingOf({ decision: look() })).toEqual(APPROVED)

    expect(rulingOf(decide({ wallets }))).toEqual(APPROVED)
    expect(rulingOf({ decision: look() })).toEqual(usedUp)
  })

  it('about a request that is decided again reserves what it did before', async () => {
    const wallets = await committee(ONE_A_DAY.replace('1500000000000000000', '2500000000000000000'))
    const [reading, asked] = [read({ wallets }), requestOf()]
    const again = () => wallets.agent.authorize(reading, asked, '[]', '[]', NOW, MINUTE)

    const [first, second] = [again(), again()]

    expect([first, second].map(rulingOf)).toEqual([APPROVED, APPROVED])
    expect(second.requestId).toEqual(first.requestId)
    expect(rulingOf(decide({ wallets }))).toEqual(APPROVED)
    expect(rulingOf(decide({ wallets }))).toEqual(usedUp)
  })

  it('whose request was released before a share left counts no more', async () => {
    const wallets = await committee(ONE_A_DAY)
    wallets.agent.releaseRequest(authorizationIn(decide({ wallets })), NOW)

    expect(rulingOf(decide({ wallets }))).toEqual(APPROVED)
  })

  it('whose signatures are known counts for good', async () => {
    const wallets = await committee(ONE_A_DAY)
    const decided = decide({ wallets })

    wallets.agent.requestSigned(decided.requestId, NOW)
    expect(() => wallets.agent.releaseRequest(authorizationIn(decided), NOW)).not.toThrow()

    expect(rulingOf(decide({ wallets }))).toEqual(usedUp)
  })

  it("is each party's own: what the agent allows the co-signer may reject", async () => {
    wallets.user.begin(true, NOW) // the user does not know what was signed before
    const { invitation } = await request({ wallets })

    const decided = invitation.authorize(wallets.user, '[]', '[]', NOW)

    expect(rulingOf(decided)).toEqual(unknownPast)
    expect(decided.authorization).toBeUndefined()
    expect(() => authorizeInvited(wallets, { cosigner: 'user', invitation })).toThrow(
      'no authorization',
    )
  })

  it('names the request by who asks and how, and takes no other payment under the name', async () => {
    const wallets = await committee()
    const [one, another] = [requestOf(), requestOf()]
    const idOf = (payload: PayloadInput, asked = one) =>
      wallets.agent.authorize(read({ wallets, payload }), asked, '[]', '[]', NOW, MINUTE).requestId

    expect(idOf(PAYMENT)).toHaveLength(32)
    expect(idOf(PAYMENT)).toEqual(idOf(PAYMENT))
    expect(idOf(PAYMENT, another)).not.toEqual(idOf(PAYMENT))
    expect(() => idOf(withNonce(8))).toThrow('the approval is of another content')
  })
})

describe('a request that persons decide about', () => {
  /** The guardian has no share of a limit, so that persons decide whatever it is asked for. */
  const asked = { initiator: 'agent', cosigner: 'recovery' } as const
  let wallets: Each<Wallet>
  beforeEach(async () => {
    wallets = await committee(ONE_A_DAY)
  })

  /** What the agent decides, over and over. */
  function asking() {
    const named = requestOf(asked)
    const again = (payload: PayloadInput = PAYMENT): Decided =>
      wallets.agent.authorize(
        ...([read({ wallets, ...asked, payload }), named, '[]', '[]', NOW, MINUTE] as const),
      )
    const approve = (role: 'user' | 'recovery', word: 'approve' | 'reject' | 'withdraw'): void => {
      const own = read({ wallets, initiator: role })
      const signed = wallets[role].signApproval(own, named, word, undefined, NOW)
      expect(wallets.agent.takeStatement(signed, NOW)).toMatchObject({
        kind: 'approval',
        requestId: again().requestId,
      })
    }
    return { again, approve }
  }

  it('gets no authorization before every one of them said yes', () => {
    const { again, approve } = asking()
    const waiting = { type: 'requiresAdditionalApproval', ruleId: 'builtin/allotment' }

    for (const role of [undefined, 'user'] as const) {
      if (role) approve(role, 'approve')
      const decided = again()
      expect(rulingOf(decided)).toMatchObject(waiting)
      expect(decided.authorization).toBeUndefined()
    }
    approve('recovery', 'approve')

    expect(rulingOf(again())).toEqual(APPROVED)
  })

  it.each(['reject', 'withdraw'] as const)('gets none after one of them said %s', (word) => {
    const { again, approve } = asking()
    const over = expect.objectContaining({ code: 'CEREMONY_REFUSED', culprits: [] })

    approve('user', 'approve')
    approve('user', word)

    if (word === 'reject') expect(() => approve('recovery', 'approve')).toThrow(over)
    else approve('recovery', 'approve')
    expect(again().authorization).toBeUndefined()
  })

  it('gets none for a second payment by the yes that served the first', () => {
    const { again, approve } = asking()
    approve('user', 'approve')
    approve('recovery', 'approve')
    expect(rulingOf(again())).toEqual(APPROVED)

    expect(() => again(withNonce(8))).toThrow(
      expect.objectContaining({ code: 'APPROVAL_MISSING', culprits: [] }),
    )
  })

  it('gets none by a yes to another request', () => {
    const [one, other] = [asking(), asking()]

    one.approve('user', 'approve')
    one.approve('recovery', 'approve')

    expect(other.again().authorization).toBeUndefined()
  })

  it('gets none by a yes of nobody whom the policy names', async () => {
    const others = await committee(ONE_A_DAY)
    const foreign = others.user.signApproval(
      read({ wallets: others, initiator: 'user' }),
      ...([requestOf(asked), 'approve', undefined, NOW] as const),
    )

    expect(() => wallets.agent.takeStatement(foreign, NOW)).toThrow(
      expect.objectContaining({ code: 'CEREMONY_REFUSED', culprits: [] }),
    )
  })
})

describe('a party that does not know what was signed before', () => {
  it('rejects whatever a limit is about until its operator confirms', async () => {
    const wallets = await committee(ONE_A_DAY)

    wallets.agent.begin(true, NOW)

    expect(wallets.agent.limitsFull(NOW)).toBe(true)
    const decided = decide({ wallets })
    expect(rulingOf(decided)).toEqual(unknownPast)
    expect(decided.authorization).toBeUndefined()
    wallets.agent.confirmLimits(NOW)
    expect(wallets.agent.limitsFull(NOW)).toBe(false)
    expect(rulingOf(decide({ wallets }))).toEqual(APPROVED)
  })

  it('is none that has just made the wallet', async () => {
    const wallets = await committee(ONE_A_DAY)

    wallets.agent.begin(false, NOW)

    expect(wallets.agent.limitsFull(NOW)).toBe(false)
    expect(rulingOf(decide({ wallets }))).toEqual(APPROVED)
  })

  it('signs all the same where nothing is limited', async () => {
    const wallets = await committee()

    wallets.agent.begin(true, NOW)

    expect(rulingOf(decide({ wallets }))).toEqual(APPROVED)
  })
})

describe('a party that opens its records again', () => {
  const asked = { initiator: 'user', cosigner: 'agent' } as const
  let kept: SealedWallet

  beforeAll(async () => {
    kept = await sealedWallet(ONE_A_DAY)
  })

  function open(records = kept.records): Wallet {
    return openSealed({ ...kept, records })
  }

  function decideBy(user: Wallet): Decided {
    const reading = user.read([PAYMENT], [[]], NOW)
    return user.authorize(reading, requestOf(asked), '[]', '[]', NOW, MINUTE)
  }

  /** What the user has written before it is asked for anything. */
  function begun(): Map<string, Uint8Array> {
    const records = new Map(kept.records)
    write(records, kept.wallets.user.begin(false, NOW))
    return records
  }

  it('counts what it had reserved', () => {
    const records = begun()
    const decided = decideBy(open(records))
    write(records, decided.batch)

    const again = open(records)

    expect(rulingOf(decided)).toEqual(APPROVED)
    expect(again.limitsFull(NOW)).toBe(false)
    expect(rulingOf(decideBy(again))).toEqual(usedUp)
  })

  it('is not opened without its state, and counts every limit as used up where a request or all is gone', () => {
    const records = begun()
    const reserved = decideBy(open(records)).batch
    write(records, reserved)
    const lost = reserved.writes.map(({ id }) => id)
    const without = (ids: readonly string[]) =>
      new Map([...records].filter(([id]) => !ids.includes(id)))

    expect(lost).toHaveLength(2)
    const request = lost.filter((id) => id.includes('/spending/request/'))
    const state = lost.filter((id) => id.includes('/spending/state/'))
    expect(() => open(without(state))).toThrow(
      expect.objectContaining({ code: 'SHARE_UNREADABLE' }),
    )
    expect(open(without(request)).limitsFull(NOW)).toBe(true)
    expect(open(without(lost)).limitsFull(NOW)).toBe(true)
  })

  it('counts every limit as used up where it never began, until its operator confirms', () => {
    const records = new Map(kept.records)

    const user = open(records)

    expect(user.limitsFull(NOW)).toBe(true)
    expect(rulingOf(decideBy(user))).toEqual(unknownPast)
    write(records, user.confirmLimits(NOW))
    const again = open(records)
    expect(again.limitsFull(NOW)).toBe(false)
    expect(rulingOf(decideBy(again))).toEqual(APPROVED)
  })
})
