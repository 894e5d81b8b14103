import { beforeEach, describe, expect, it } from '@jest/globals'
import { type Decided, Session, type Wallet } from '#native'
import {
  accept,
  authorize,
  committee,
  decide,
  deliver,
  type Each,
  envelopesOf,
  MINUTE,
  NOW,
  ROLES,
  request,
  run,
  signatureIn,
} from '../helpers/native-committee.js'
import { ABORT_ROUND, flipped, roundOf } from '../helpers/native-envelope.js'
import { openSealed, type SealedWallet, sealedWallet, write } from '../helpers/native-sealed.js'

let wallets: Each<Wallet>

beforeEach(async () => {
  wallets = await committee()
})

const stopped = expect.objectContaining({
  kind: 'aborted',
  code: 'CEREMONY_REFUSED',
  message: 'the wallet is frozen',
  culprits: [],
})

/** Hands the word of the user's person, or of the guardian, to a party. */
function freeze(at: Wallet, by: 'user' | 'recovery' = 'user'): void {
  expect(at.takeStatement(wallets[by].signFreeze(true, NOW), NOW)).toMatchObject({ kind: 'frozen' })
}

/** One and the same word at every party. */
function freezeEverywhere(): Uint8Array {
  const word = wallets.user.signFreeze(true, NOW)
  for (const role of ROLES) wallets[role].takeStatement(word, NOW)
  return word
}

function rulingOf({ decision }: Decided): unknown {
  return JSON.parse(decision).ruling
}

describe('a frozen wallet', () => {
  const frozen = { type: 'rejected', ruleId: 'builtin/frozen' }

  it.each(['user', 'recovery'] as const)('is what one word of the %s makes it', (by) => {
    freeze(wallets.agent, by)

    const decided = decide({ wallets })
    expect(wallets.agent.isFrozen(NOW)).toBe(true)
    expect(rulingOf(decided)).toMatchObject(frozen)
    expect(decided.authorization).toBeUndefined()
  })

  it('is frozen at the parties that took the word, and not by others', async () => {
    freeze(wallets.user)
    const { invitation } = await request({ wallets })

    const decided = invitation.authorize(wallets.user, '[]', '[]', NOW)

    expect(ROLES.map((role) => wallets[role].isFrozen(NOW))).toEqual([false, true, false])
    expect(rulingOf(decided)).toMatchObject(frozen)
    expect(decided.authorization).toBeUndefined()
  })

  it('is not frozen by the agent, behind which no person stands', () => {
    expect(() => wallets.agent.signFreeze(true, NOW)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: 'no person stands behind this party',
      }),
    )
  })

  it('is not frozen by a word of another wallet, or one with any bit changed', async () => {
    const others = await committee()
    const own = wallets.user.signFreeze(true, NOW)

    for (const statement of [others.user.signFreeze(true, NOW), flipped(own)])
      expect(() => wallets.agent.takeStatement(statement, NOW)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^INVALID_INPUT|CEREMONY_REFUSED$/),
        }),
      )

    expect(wallets.agent.isFrozen(NOW)).toBe(false)
  })

  it('signs again when both persons say so, and not when one does', () => {
    freezeEverywhere()

    const first = wallets.user.signFreeze(false, NOW)
    for (const role of ROLES)
      for (let time = 0; time < 2; time += 1)
        expect(wallets[role].takeStatement(first, NOW)).toMatchObject({ kind: 'frozen' })
    expect(wallets.agent.isFrozen(NOW)).toBe(true)
    const second = wallets.recovery.signFreeze(false, NOW + 1n)
    expect(wallets.agent.takeStatement(second, NOW)).toMatchObject({ kind: 'released' })

    expect(wallets.agent.isFrozen(NOW)).toBe(false)
    expect(rulingOf(decide({ wallets }))).toEqual({ type: 'approved' })
  })

  it('is not frozen again by the word that was taken back', () => {
    const word = freezeEverywhere()
    for (const role of ['user', 'recovery'] as const)
      wallets.agent.takeStatement(wallets[role].signFreeze(false, NOW), NOW)

    expect(() => wallets.agent.takeStatement(word, NOW)).toThrow(
      expect.objectContaining({ code: 'CEREMONY_REFUSED' }),
    )

    expect(wallets.agent.isFrozen(NOW)).toBe(false)
  })
})

describe('a session of a wallet that is frozen meanwhile', () => {
  it('is stopped that started from a decision before', async () => {
    const authorization = authorize({ wallets })
    freeze(wallets.agent)
    const session = Session.sign(wallets.agent, authorization, 'user', '', NOW, MINUTE)

    const outcome = await session.begin(NOW, [])

    expect(outcome).toEqual(stopped)
    expect(envelopesOf(outcome).filter((envelope) => roundOf(envelope) !== ABORT_ROUND)).toEqual([])
  })

  it('is stopped at the co-signer before anything of it leaves', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)
    freeze(wallets.user)

    const outcome = await user.begin(NOW, envelopesOf(requested.begun))

    expect(outcome).toEqual(stopped)
    expect(envelopesOf(outcome).map(roundOf)).toEqual([ABORT_ROUND])
    expect(await requested.session.receive(NOW, envelopesOf(outcome))).toMatchObject({
      kind: 'aborted',
    })
  })

  it.each(['agent', 'user'] as const)(
    'is stopped at the %s between the decision and the share, which does not leave',
    async (role) => {
      const { sessions, flight } = await beforeTheShare()
      freeze(wallets[role])

      const outcome = (await deliver(sessions, flight))[role]

      expect(outcome).toEqual(stopped)
      expect(outcome && envelopesOf(outcome).map(roundOf)).toEqual([ABORT_ROUND])
    },
  )

  it('is stopped in the middle of the round that would have let the share leave', async () => {
    const { sessions, flight } = await beforeTheShare()

    const round = deliver(sessions, flight)
    freeze(wallets.user)

    expect((await round).user).toEqual(stopped)
  })

  it('goes on where only another party took the word', async () => {
    const requested = await request({ wallets })
    const user = accept(wallets, requested)
    freeze(wallets.recovery)

    const outcomes = await run({ agent: requested.session, user }, { agent: requested.begun })

    expect(signatureIn(outcomes.agent)).toEqual(signatureIn(outcomes.user))
  })

  it.each(['agent', 'user'] as const)(
    'goes on at the %s whose share has left, which nothing calls back',
    async (role) => {
      const { sessions, flight } = await afterTheShare()
      freeze(wallets[role])

      const outcomes = await deliver(sessions, flight)

      expect(outcomes).toMatchObject({
        agent: { kind: 'done', signatures: { length: 1 } },
        user: { kind: 'done', signatures: { length: 1 } },
      })
    },
  )
})

/** Sessions of the agent and the user, and the envelopes on their way. */
interface UnderWay {
  readonly sessions: { readonly agent: Session; readonly user: Session }
  readonly flight: readonly Uint8Array[]
}

/** Both parties of a signature with nothing left to do but to let their shares leave with the next flight. */
async function beforeTheShare(): Promise<UnderWay> {
  const requested = await request({ wallets })
  const sessions = { agent: requested.session, user: accept(wallets, requested) }
  const begun = [requested.begun, await sessions.user.begin(NOW, [])]
  const second = await deliver(sessions, begun.flatMap(envelopesOf))
  return { sessions, flight: Object.values(second).flatMap(envelopesOf) }
}

/** The same when both shares are on their way. */
async function afterTheShare(): Promise<UnderWay> {
  const { sessions, flight } = await beforeTheShare()
  const third = Object.values(await deliver(sessions, flight))
  expect(third).toMatchObject([{ shareLeaves: true }, { shareLeaves: true }])
  return { sessions, flight: third.flatMap(envelopesOf) }
}

describe('a frozen party whose records are sealed', () => {
  let kept: SealedWallet
  beforeEach(async () => {
    kept = await sealedWallet()
  })

  it('is still frozen when it opens them again', () => {
    const user = openSealed(kept)
    write(kept.records, user.takeStatement(user.signFreeze(true, NOW), NOW).batch)

    expect(openSealed(kept).isFrozen(NOW)).toBe(true)
  })

  it('stops a session that waits for its store, and nothing of it leaves', async () => {
    const user = openSealed(kept)
    const own = { ...kept.wallets, user }
    const requested = await request({ wallets: own })
    const session = accept(own, requested)
    expect(await session.begin(NOW, envelopesOf(requested.begun))).toMatchObject({ kind: 'commit' })

    user.takeStatement(user.signFreeze(true, NOW), NOW)
    const outcome = await session.committed(NOW, write(kept.records, session.takeBatch()))

    expect(outcome).toEqual(stopped)
    expect(envelopesOf(outcome).map(roundOf)).toEqual([ABORT_ROUND])
  })
})
