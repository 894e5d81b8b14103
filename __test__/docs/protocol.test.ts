import { describe, expect, it } from '@jest/globals'
import { MemoryNetwork, MpcAgentWallet, Party, PartyRole, PolicyConfig } from '../../src/index.js'
import { type RecordedEnvelope, recordEnvelopes } from '../../src/testing/index.js'
import {
  ABORT_ROUND,
  INVITATION_ROUND,
  readEnvelopeHeader,
  SessionKind,
} from '../../src/transport/index.js'
import { payment } from '../helpers/payment.js'
import { readText, section } from './documents.js'

const CEREMONIES: Readonly<Record<number, string>> = {
  [SessionKind.Keygen]: 'key generation',
  [SessionKind.Sign]: 'signing',
  [SessionKind.Refresh]: 'refresh',
  [SessionKind.Recover]: 'recovery',
}

/** Everything that a wallet sends in its life: it is made, signs, is refused, refreshed and recovered. */
async function lifeOfAWallet(): Promise<readonly RecordedEnvelope[]> {
  const sent: RecordedEnvelope[] = []
  const network = new MemoryNetwork()
  const partyOf = (role: PartyRole) => {
    const party = Party.create({ role })
    const transport = recordEnvelopes(network.connect(party.identityKey), role, sent)
    return { party, transport }
  }
  const seats = Object.values(PartyRole).map(partyOf)
  const cards = seats.map(({ party }) => party.card)
  const wallets = await Promise.all(
    seats.map((seat) => {
      const policy = PolicyConfig.permissive()
      const parameters = { ...seat, cards, policy, confirm: () => true }
      const starts = seat.party.role === PartyRole.Agent
      return starts ? MpcAgentWallet.create(parameters) : MpcAgentWallet.join(parameters)
    }),
  )
  const [agent, user, recovery] = wallets
  if (agent === undefined || user === undefined || recovery === undefined)
    throw new Error('a committee has three parties')

  const cosigning = user.cosign({ approve: ({ memo }) => memo === 'yes' })
  await agent.signTransaction({ ...payment(), memo: 'yes' })
  await agent.signTransaction({ ...payment(), memo: 'no' }).catch(() => {})
  await cosigning.close()

  await Promise.all(wallets.map((wallet) => wallet.refresh()))
  await agent.close()

  const survivors = [user, recovery]
  const device = partyOf(PartyRole.Agent)
  const replacement = device.party.card
  const documents = await Promise.all(survivors.map((it) => it.signRecovery({ replacement })))
  const { walletId } = user
  const [replaced] = await Promise.all([
    MpcAgentWallet.joinRecovery({ ...device, walletId, cards: [replacement, ...cards.slice(1)] }),
    ...survivors.map((survivor) => survivor.recover({ replacement, documents })),
  ])
  for (const wallet of [replaced, ...survivors]) await wallet.close()
  await network.close()
  return sent
}

/** `ceremony round bytes` of each row of the table that says what a wallet sends. */
function documentedSizes(): string[] {
  const rows = section(readText('docs/protocol.md'), 'H. Messages')
  return rows.flatMap((row) => {
    const [, ceremony, round, bytes] = /^\| ([a-z ]+) \| (\d+)\D*? \| (\d+) \|$/.exec(row) ?? []
    return ceremony === undefined ? [] : [`${ceremony} ${round} ${bytes}`]
  })
}

describe('docs/protocol.md', () => {
  it('gives the size of every envelope that a wallet sends', async () => {
    const sent = (await lifeOfAWallet()).flatMap(({ envelope }) => {
      const { kind, round } = readEnvelopeHeader(envelope)
      if (kind === SessionKind.Control) return [] // as long as the documents that it carries
      const ceremony = CEREMONIES[kind]
      // the details of a request are as long as its payload
      if (ceremony === 'signing' && round === INVITATION_ROUND) return []
      return [`${round === ABORT_ROUND ? 'any' : ceremony} ${round} ${envelope.length}`]
    })

    expect(documentedSizes().sort()).toEqual([...new Set(sent)].sort())
  })
})
