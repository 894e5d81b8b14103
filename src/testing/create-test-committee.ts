import { requireObject } from '../guards.js'
import { PartyRole } from '../party-role.js'
import { PolicyConfig } from '../policy/index.js'
import { MemoryNetwork, type Transport } from '../transport/index.js'
import { type CreateWalletParameters, MpcAgentWallet, Party } from '../wallet/index.js'
import { type RecordedEnvelope, recordEnvelopes } from './record-envelopes.js'

/** What can be watched or replaced. */
export interface CreateTestCommitteeParameters {
  /**
   * Keeps every envelope that a party hands to its transport, in {@link TestCommittee.recorded}.
   */
  readonly record?: boolean
  /** The wallet's policy; by default whatever can be read is signed by every pair. */
  readonly policy?: PolicyConfig
  /** Puts something between a party and the network, to delay, drop or change what passes. */
  readonly wrapTransport?: (transport: Transport, role: PartyRole) => Transport
  readonly signal?: AbortSignal
}

/** Three parties with one new wallet. */
export interface TestCommittee extends AsyncDisposable {
  readonly agent: MpcAgentWallet
  readonly user: MpcAgentWallet
  readonly recovery: MpcAgentWallet
  readonly network: MemoryNetwork
  /** In the order in which they were sent; empty unless they are recorded. */
  readonly recorded: readonly RecordedEnvelope[]
  /** Closes the three wallets and the network. */
  close(): Promise<void>
}

/**
 * Makes a wallet among three parties in this process: the real key generation and the real addon
 * over a memory network. The one thing that is not as in production is that the six words are
 * confirmed without anybody looking.
 *
 * @example
 * await using committee = await createTestCommittee()
 * await using _ = committee.user.cosign({ approve: () => true })
 * const { r, s } = await committee.agent.signTransaction({ transaction, chain: 'eip155:31337' })
 */
export async function createTestCommittee(
  parameters: CreateTestCommitteeParameters = {},
): Promise<TestCommittee> {
  const {
    record = false,
    policy = PolicyConfig.permissive(),
    wrapTransport,
    signal,
  } = requireObject('parameters', parameters)
  const network = new MemoryNetwork()
  const recorded: RecordedEnvelope[] = []
  const failed = new AbortController()
  const parties = {
    agent: Party.create({ role: PartyRole.Agent }),
    user: Party.create({ role: PartyRole.User }),
    recovery: Party.create({ role: PartyRole.Recovery }),
  }
  const cards = Object.values(parties).map(({ card }) => card)

  function parametersOf(party: Party): CreateWalletParameters {
    const connected = network.connect(party.identityKey)
    const wrapped = wrapTransport?.(connected, party.role) ?? connected
    return {
      party,
      cards,
      transport: record ? recordEnvelopes(wrapped, party.role, recorded) : wrapped,
      policy,
      confirm: () => true,
      signal: signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]),
    }
  }

  const starting = [
    MpcAgentWallet.create(parametersOf(parties.agent)),
    MpcAgentWallet.join(parametersOf(parties.user)),
    MpcAgentWallet.join(parametersOf(parties.recovery)),
  ] as const
  const close = async (): Promise<void> => {
    for (const started of await Promise.allSettled(starting))
      if (started.status === 'fulfilled') await started.value.close()
    await network.close()
  }
  try {
    const [agent, user, recovery] = await Promise.all(starting)
    return { agent, user, recovery, network, recorded, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    failed.abort(error) // the others would wait for the one that failed
    await close()
    throw error
  }
}
