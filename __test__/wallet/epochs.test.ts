import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { ChainType, MemoryNetwork, type MpcAgentWallet, PartyRole } from '../../src/index.js'
import {
  type Each,
  keptByKeygen,
  type Member,
  openMember,
  type Records,
  ROLES,
} from '../helpers/durable-committee.js'
import { collect } from '../helpers/events.js'
import { payment } from '../helpers/payment.js'
import { contents } from '../helpers/stores.js'
import { roundOf, sending } from '../helpers/transports.js'

/** The rounds in which everybody proves its shares, and acknowledges them. */
const PROOFS = 6
const ACKNOWLEDGEMENTS = 7
/** Where an envelope names its recipient. */
const RECIPIENT = 81

/** What a refresh left that did not end for everybody. */
interface Left {
  readonly records: Each<Records>
  /** How it ended, by role. */
  readonly results: readonly string[]
}

let unheard: Each<Left>
let unproved: Each<Left>
let address: string
let network: MemoryNetwork
let opened: Member[] = []

beforeAll(async () => {
  const kept = await keptByKeygen()
  const without = async (round: number): Promise<Each<Left>> => ({
    agent: await refreshWithout(kept, PartyRole.Agent, round),
    user: await refreshWithout(kept, PartyRole.User, round),
    recovery: await refreshWithout(kept, PartyRole.Recovery, round),
  })
  unheard = await without(ACKNOWLEDGEMENTS)
  unproved = await without(PROOFS)
})

beforeEach(() => {
  network = new MemoryNetwork()
})

afterEach(close)

async function close(): Promise<void> {
  for (const { wallet } of opened) await wallet.close()
  opened = []
  await network.close()
}

const cases = [
  [PartyRole.Agent, [PartyRole.User, PartyRole.Recovery]],
  [PartyRole.User, [PartyRole.Agent, PartyRole.Recovery]],
  [PartyRole.Recovery, [PartyRole.Agent, PartyRole.User]],
] as const

describe.each(cases)('a refresh whose acknowledgements do not reach the %s', (late, others) => {
  it('is complete at the other two', () => {
    const expected = ROLES.map((role) => (role === late ? 'ABORTED' : 'epoch 2'))
    expect(unheard[late].results).toEqual(expected)
  })

  it.each(others)('does not keep it from signing with the %s, whoever asks', async (other) => {
    const one = await restarted(unheard[late], late)
    const two = await restarted(unheard[late], other)

    await signs(one, two)
    await signs(two, one)

    expect([one.epoch, two.epoch]).toEqual([2n, 2n])
    expect(one.address(ChainType.Evm)).toBe(address)
  })

  it('is made up for by the next one', async () => {
    await refreshesAll(unheard[late])
  })
})

describe.each(cases)('a refresh that the %s could not acknowledge', (late, others) => {
  it('is complete nowhere', () => {
    expect(unproved[late].results).toEqual(['ABORTED', 'ABORTED', 'ABORTED'])
  })

  it.each(others)(
    'leaves it signing with the %s under the shares that both hold',
    async (other) => {
      const one = await restarted(unproved[late], late)
      const two = await restarted(unproved[late], other)
      expect([one.epoch, two.epoch]).toEqual([1n, 2n])
      const failed = collect(two, 'failed')

      await signs(one, two)
      await signs(two, one)
      await signs(two, one)

      // told once that the other is behind, it asks under the older shares at once from then on
      expect(failed.map(({ code }) => code)).toEqual(['EPOCH_BEHIND'])
    },
  )

  it('does not keep the other two from signing', async () => {
    const [one, two] = [
      await restarted(unproved[late], others[0]),
      await restarted(unproved[late], others[1]),
    ]

    await signs(one, two)
    await signs(two, one)
  })

  it('is made up for by the next one', async () => {
    await refreshesAll(unproved[late])
  })
})

/** A party that begins anew with what its store holds. */
async function restarted({ records }: Left, role: PartyRole): Promise<MpcAgentWallet> {
  const member = await openMember({ network, role, records: records[role] })
  opened.push(member)
  return member.wallet
}

async function refreshesAll(left: Left): Promise<void> {
  const wallets = await Promise.all(ROLES.map((role) => restarted(left, role)))

  const results = await Promise.all(wallets.map((wallet) => wallet.refresh()))

  expect(new Set(results.map(({ epoch }) => epoch)).size).toBe(1)
  for (const wallet of wallets) expect(wallet.address(ChainType.Evm)).toBe(address)
}

async function signs(initiator: MpcAgentWallet, cosigner: MpcAgentWallet): Promise<void> {
  const signed = collect(initiator, 'signed')
  await using _ = cosigner.cosign({ approve: () => true })
  await initiator.signTransaction({ ...payment(), cosigner: cosigner.role, timeoutMs: 5_000 })
  expect(signed).toHaveLength(1)
}

/**
 * A refresh of which one party hears nothing from a round on; everybody stops waiting when the other
 * two have sent it the round after.
 */
async function refreshWithout(kept: Each<Records>, deaf: PartyRole, last: number): Promise<Left> {
  network = new MemoryNetwork()
  const ended = new AbortController()
  const unheardBy = ROLES.indexOf(deaf) + 1
  let lost = 0
  for (const role of ROLES)
    opened.push(
      await openMember({
        ...{ network, role, records: kept[role] },
        wrapTransport: (transport) =>
          sending(transport, async (envelope, pass) => {
            const round = roundOf(envelope)
            if (round < last || envelope[RECIPIENT] !== unheardBy) return await pass(envelope)
            if (round === last + 1) lost += 1
            if (lost === 2) setTimeout(() => ended.abort(), 50)
          }),
      }),
    )
  address = opened[0]?.wallet.address(ChainType.Evm) ?? ''
  const results = await Promise.all(
    opened.map(({ wallet }) =>
      wallet.refresh({ signal: ended.signal }).then(
        ({ epoch }) => `epoch ${epoch}`,
        ({ code }): string => code,
      ),
    ),
  )
  const stores = opened.map(({ store }) => store)
  await close()
  const [agent, user, recovery] = await Promise.all(stores.map(contents))
  if (agent === undefined || user === undefined || recovery === undefined)
    throw new Error('a committee of three')
  return { records: { agent, user, recovery }, results }
}
