/** Parties with stores: one key generation, and as many copies of what it left as tests need. */
import {
  type KeyShareStore,
  type KeyWrapper,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  PartyRole,
  PolicyConfig,
  type Transport,
} from '../../src/index.js'
import { contents } from './stores.js'

export const ROLES = [PartyRole.Agent, PartyRole.User, PartyRole.Recovery] as const

export type Each<Value> = Readonly<Record<PartyRole, Value>>

/** The records of a store. */
export type Records = ReadonlyMap<string, Uint8Array>

/** Gives the key back as it came: the tests are not about keychains, and a password hash takes its time. */
const keyWrapper: KeyWrapper = {
  name: 'test',
  wrap: async (key) => new Uint8Array(key),
  unwrap: async (wrapped) => new Uint8Array(wrapped),
}

/** A party with its store and, once it has one, its wallet. */
export interface Device {
  readonly party: Party
  readonly store: KeyShareStore
  readonly transport: Transport
}

export interface Member extends Device {
  readonly wallet: MpcAgentWallet
}

/** How a party is opened. */
export interface Opening {
  readonly network: MemoryNetwork
  readonly role: PartyRole
  /** What its store holds. */
  readonly records?: Records
  readonly store?: KeyShareStore
  readonly wrapTransport?: (transport: Transport) => Transport
}

/** Opens a party on a store that holds exactly these records; without any it is a new device. */
export async function openDevice(opening: Opening): Promise<Device> {
  const { network, role, records, store = new MemoryStore(), wrapTransport } = opening
  if (records !== undefined) await restore(store, records)
  const party = await Party.open({ role, store, unlock: { keyWrapper } })
  const connected = network.connect(party.identityKey)
  return { party, store, transport: wrapTransport?.(connected) ?? connected }
}

/** Opens a party and its wallet, after a restart. */
export async function openMember(opening: Opening): Promise<Member> {
  const device = await openDevice(opening)
  const { party, transport } = device
  return { ...device, wallet: await MpcAgentWallet.open({ party, transport }) }
}

/** What the stores of three parties hold after they made a wallet. */
export async function keptByKeygen(): Promise<Each<Records>> {
  await using network = new MemoryNetwork()
  const devices = await Promise.all(ROLES.map((role) => openDevice({ network, role })))
  const cards = devices.map(({ party }) => party.card)
  const wallets = await Promise.all(
    devices.map(({ party, transport }) => {
      const policy = PolicyConfig.permissive()
      const parameters = { party, cards, transport, policy, confirm: () => true }
      return party.role === PartyRole.Agent
        ? MpcAgentWallet.create(parameters)
        : MpcAgentWallet.join(parameters)
    }),
  )
  for (const wallet of wallets) await wallet.close()
  const [agent, user, recovery] = await Promise.all(devices.map(({ store }) => contents(store)))
  if (agent === undefined || user === undefined || recovery === undefined)
    throw new Error('a committee of three')
  return { agent, user, recovery }
}

async function restore(store: KeyShareStore, records: Records): Promise<void> {
  const writes = [...records].map(([id, value]) => ({ kind: 'put', id, value }) as const)
  await store.commit({ writes, readBack: [] })
}
