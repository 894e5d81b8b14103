import { beforeEach, describe, expect, it } from '@jest/globals'
import { Invitation, Session, type TakenStatement, type Wallet } from '#native'
import {
  authorize,
  authorizeInvited,
  committee,
  decide,
  type Each,
  MINUTE,
  NO_RULES,
  NOW,
  ONE_A_DAY,
  PERMISSIVE,
  ROLES,
  read,
  request,
  requestOf,
} from '../helpers/native-committee.js'
import { flipped } from '../helpers/native-envelope.js'

const EXPIRES = NOW + BigInt(MINUTE)
const DELAY = 24n * 3_600_000n

const limitOf = (wei: bigint): string =>
  JSON.stringify({
    rules: [{ asset: 'eip155:1/slip44:60', daily: `${wei}`, id: 'daily', type: 'spendingLimits' }],
    schema: 'mpc-wallet/policy-config@1',
  })

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function rulingOf(wallets: Each<Wallet>): { readonly type: string; readonly ruleId?: string } {
  return JSON.parse(decide({ wallets }).decision).ruling
}

describe('a policy that tightens', () => {
  let wallets: Each<Wallet>
  let proposal: Uint8Array

  beforeEach(async () => {
    wallets = await committee(PERMISSIVE)
    const { user } = wallets
    proposal = user.signPolicy(user.draftPolicy(NO_RULES, NOW).policy, EXPIRES, NOW)
  })

  it('says what it changes before anybody signs it', () => {
    const { policy, changes } = wallets.user.draftPolicy(NO_RULES, NOW)

    expect(JSON.parse(text(policy))).toMatchObject({ permissive: false, version: '2' })
    expect(JSON.parse(changes)).toEqual([
      { path: 'permissive', description: 'is switched off', loosens: false },
    ])
  })

  it('is in force at once at every party that takes it, by the word of the user alone', () => {
    for (const role of ROLES)
      expect(wallets[role].takeStatement(proposal, NOW)).toMatchObject({ kind: 'policy-in-force' })

    for (const role of ROLES) {
      expect(JSON.parse(text(wallets[role].policy))).toMatchObject({ version: '2' })
      expect(wallets[role].policyHash).toEqual(wallets.user.policyHash)
    }
    expect(rulingOf(wallets)).toMatchObject({ type: 'rejected', ruleId: 'builtin/no-policy' })
  })

  it('starts no session by what was decided under the one before', () => {
    const authorization = authorize({ wallets })

    wallets.agent.takeStatement(proposal, NOW)

    expect(() => Session.sign(wallets.agent, authorization, 'user', '', NOW, MINUTE)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/a new policy stopped it/),
        culprits: [],
      }),
    )
  })

  it('does not join a session by what was decided under the one before', async () => {
    const requested = await request({ wallets })
    const yes = authorizeInvited(wallets, requested)

    wallets.user.takeStatement(proposal, NOW)

    expect(() => Session.join(wallets.user, requested.invitation, yes, NOW)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', culprits: [] }),
    )
  })

  it('opens no invitation of a party that has another one in force', async () => {
    const { user } = wallets
    const stricter = user.draftPolicy(ONE_A_DAY, NOW).policy
    const invited = await request({ wallets })
    wallets.user.takeStatement(user.signPolicy(stricter, EXPIRES, NOW), NOW)

    const { descriptor, descriptorSignature } = invited.session
    const opening = Invitation.open(
      ...([wallets.user, descriptor, descriptorSignature, invited.round0, NOW] as const),
    )

    await expect(opening).rejects.toMatchObject({ code: 'POLICY_STALE', culprits: [] })
  })

  it('is decided by the policy that it was read under, or read again', () => {
    const reading = read({ wallets })
    const before = decide({ wallets }).decision
    wallets.agent.takeStatement(proposal, NOW)

    expect(JSON.parse(before).ruling).toMatchObject({ type: 'approved' })
    expect(() => wallets.agent.authorize(reading, requestOf(), '[]', '[]', NOW, MINUTE)).toThrow(
      expect.objectContaining({ code: 'POLICY_STALE' }),
    )
  })

  it('is handed on by whoever has it in force, and by nobody before', () => {
    expect(wallets.user.policyProposal(NOW)).toBeNull()

    wallets.user.takeStatement(proposal, NOW)
    const handed = wallets.user.policyProposal(NOW)

    expect(handed && wallets.agent.takeStatement(handed, NOW)).toMatchObject({
      kind: 'policy-in-force',
    })
    expect(wallets.agent.policyHash).toEqual(wallets.user.policyHash)
  })

  it('is not taken with any bit of it changed, or of another wallet', async () => {
    const others = await committee(PERMISSIVE)

    for (const [wallet, statement] of [
      [wallets.agent, flipped(proposal)],
      [others.agent, proposal],
    ] as const) {
      const before = wallet.policyHash
      expect(() => wallet.takeStatement(statement, NOW)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^(INVALID_INPUT|CEREMONY_REFUSED|POLICY_INVALID)$/),
        }),
      )
      expect(wallet.policyHash).toEqual(before)
    }
  })

  it('is not signed by the agent, behind which no person stands', () => {
    const { policy } = wallets.agent.draftPolicy(NO_RULES, NOW)

    expect(() => wallets.agent.signPolicy(policy, EXPIRES, NOW)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringMatching(/person/) }),
    )
  })
})

describe('a policy that loosens', () => {
  let wallets: Each<Wallet>
  let byUser: Uint8Array
  let byBoth: Uint8Array

  beforeEach(async () => {
    wallets = await committee(NO_RULES)
    const { user, recovery } = wallets
    byUser = user.signPolicy(user.draftPolicy(PERMISSIVE, NOW).policy, EXPIRES, NOW)
    byBoth = recovery.signPolicy(byUser, EXPIRES, NOW)
  })

  function expectOld({ kind }: TakenStatement, expected: string): void {
    expect(kind).toBe(expected)
    expect(rulingOf(wallets)).toMatchObject({ type: 'rejected', ruleId: 'builtin/no-policy' })
  }

  it('needs the words of both persons', () => {
    expectOld(wallets.agent.takeStatement(byUser, NOW), 'policy-needs-signatures')
    expectOld(wallets.agent.takeStatement(byUser, NOW), 'policy-needs-signatures')
  })

  it('finds room, however much another person proposes', () => {
    const { agent, user, recovery } = wallets
    for (let lifetime = 1n; lifetime <= 9n; lifetime++) {
      const draft = user.draftPolicy(limitOf(lifetime), NOW).policy
      agent.takeStatement(user.signPolicy(draft, EXPIRES, NOW), NOW)
    }
    const byGuardian = recovery.signPolicy(
      recovery.draftPolicy(PERMISSIVE, NOW).policy,
      EXPIRES,
      NOW,
    )

    expectOld(agent.takeStatement(byGuardian, NOW), 'policy-needs-signatures')
  })

  it('waits when both said yes, and the old one is in force until then', () => {
    const taken = wallets.agent.takeStatement(byBoth, NOW)

    expectOld(taken, 'policy-waiting')
    expect(taken.untilMs).toBe(NOW + DELAY)
    expectOld(wallets.agent.advancePolicy(NOW + 1n), 'policy-waiting')
  })

  it('does not come sooner by a clock that was set forward', () => {
    wallets.agent.takeStatement(byBoth, NOW)

    expect(() => wallets.agent.advancePolicy(NOW + DELAY)).toThrow(
      expect.objectContaining({ code: 'CLOCK_JUMPED', culprits: [] }),
    )
    expect(JSON.parse(text(wallets.agent.policy))).toMatchObject({ version: '1' })
  })
})
