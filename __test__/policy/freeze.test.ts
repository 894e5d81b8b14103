import { beforeAll, describe, expect, it } from '@jest/globals'
import { PolicyConfig } from '../../src/index.js'
import {
  CHAIN,
  type Committee,
  cosignAll,
  ETHER,
  failureOf,
  heard,
  type Kept,
  keptBy,
  makeUnder,
  paying,
  reopen,
} from '../helpers/policy-committee.js'

let kept: Kept

beforeAll(async () => {
  kept = await makeUnder(
    new PolicyConfig().withDailyLimit(CHAIN, ETHER).withAllotments({ user: 50, recovery: 50 }),
  )
})

/** Frozen by the user, and the other two know. */
async function freezeAll({ agent, user, recovery }: Committee): Promise<void> {
  const known = [agent, recovery].map((wallet) => heard(wallet, 'statement'))
  await user.freeze()
  await Promise.all(known)
}

function frozen({ agent, user, recovery }: Committee): boolean[] {
  return [agent, user, recovery].map(({ isFrozen }) => isFrozen)
}

describe('a freeze by the user', () => {
  it('stops all three once it arrived', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { agent, user, recovery } = committee

    await freezeAll(committee)

    expect(frozen(committee)).toEqual([true, true, true])
    for (const wallet of [agent, user, recovery])
      expect(await failureOf(wallet.signTransactions(paying(1n)))).toMatchObject({
        code: 'POLICY_REJECTED',
        message: expect.stringMatching(/fr(eeze|ozen)/),
      })
  })

  it('stops it at the user where the agent has not heard of it', async () => {
    await using committee = await reopen(kept)
    const { agent, user } = committee
    await user.freeze()
    await using _ = user.cosign()

    expect(agent.isFrozen).toBe(false)
    expect(await failureOf(agent.signTransactions(paying(1n)))).toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
      signatureMayExist: false,
    })
  })

  it('keeps a request that was decided already from being signed', async () => {
    await using committee = await reopen(kept)
    const { agent, user } = committee
    const signed: unknown[] = []
    user.on('signed', (event) => signed.push(event))
    let answer: (yes: boolean) => void = () => {}
    let asked: () => void = () => {}
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    await using _ = user.cosign({
      approve: () =>
        new Promise((resolve) => {
          answer = resolve
          asked()
        }),
    })
    const sending = failureOf(agent.signTransactions({ ...paying(1n), timeoutMs: 5_000 }))
    await isAsked

    await user.freeze()
    answer(true)

    expect(await sending).toMatchObject({
      code: 'CEREMONY_REFUSED',
      culprits: ['user'],
      signatureMayExist: false,
    })
    expect(signed).toEqual([])
  })

  it('does not keep what was reserved', async () => {
    await using committee = await reopen(kept)
    const { agent, user, recovery } = committee
    await using _ = cosignAll(committee)
    await freezeAll(committee)
    await failureOf(agent.signTransactions(paying(ETHER / 2n)))
    await user.unfreeze()
    const released = heard(agent, 'statement')
    await recovery.unfreeze()
    await released

    expect((await agent.signTransactions(paying(ETHER / 2n))).signatures).toHaveLength(1)
  })

  it('is still there after a restart', async () => {
    const later = await (async () => {
      await using committee = await reopen(kept)
      await using _ = cosignAll(committee)
      await freezeAll(committee)
      await committee.close()
      return await keptBy(committee)
    })()
    await using committee = await reopen(later)
    await using _ = cosignAll(committee)

    expect(frozen(committee)).toEqual([true, true, true])
    expect(await failureOf(committee.agent.signTransactions(paying(1n)))).toMatchObject({
      code: 'POLICY_REJECTED',
    })
  })

  it('is what the agent cannot say, and cannot end', async () => {
    await using committee = await reopen(kept)

    expect(await failureOf(committee.agent.freeze())).toMatchObject({ code: 'INVALID_INPUT' })
    expect(await failureOf(committee.agent.unfreeze())).toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('the guardian', () => {
  it('can freeze too', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const known = [committee.agent, committee.user].map((wallet) => heard(wallet, 'statement'))

    await committee.recovery.freeze()
    await Promise.all(known)

    expect(frozen(committee)).toEqual([true, true, true])
  })
})

describe('ending a freeze', () => {
  it('takes both persons, in whatever order', async () => {
    for (const order of [
      ['user', 'recovery'],
      ['recovery', 'user'],
    ] as const) {
      await using committee = await reopen(kept)
      await using _ = cosignAll(committee)
      await freezeAll(committee)
      const [first, second] = order

      const heardOfFirst = heard(committee[second], 'statement')
      await committee[first].unfreeze()
      await heardOfFirst
      expect(frozen(committee)).toEqual([true, true, true])
      const known = [committee.agent, committee[first]].map((wallet) => heard(wallet, 'statement'))
      await committee[second].unfreeze()
      await Promise.all(known)

      expect(frozen(committee)).toEqual([false, false, false])
      expect((await committee.agent.signTransactions(paying(1n))).signatures).toHaveLength(1)
    }
  })

  it('takes two persons: one who says it twice is one', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    await freezeAll(committee)

    await committee.user.unfreeze()
    await committee.user.unfreeze()

    expect(frozen(committee)).toEqual([true, true, true])
  })

  it('is not done by what was said of an earlier freeze', async () => {
    await using committee = await reopen(kept)
    await using _ = cosignAll(committee)
    const { agent, user, recovery } = committee
    await freezeAll(committee)
    await user.unfreeze()
    const released = heard(agent, 'statement')
    await recovery.unfreeze()
    await released
    await freezeAll(committee)

    const said = heard(agent, 'statement')
    await user.unfreeze()
    await said

    expect(frozen(committee)).toEqual([true, true, true])
  })
})
