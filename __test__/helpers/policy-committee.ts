/** Wallets under a policy: one key generation, and as many copies of what it left as tests need. */
import {
  type CosignParameters,
  type KeyShareStore,
  type KeyWrapper,
  MemoryNetwork,
  MpcAgentWallet,
  type MpcWalletError,
  Party,
  type PartyRole,
  type PolicyConfig,
  type PolicyRule,
  type Transport,
} from '../../src/index.js'
import { payment } from './payment.js'
import { type Each, each, type Records, ROLES, storeWith } from './stored-committee.js'
import { contents } from './stores.js'

/** The chain of {@link payment}. */
export const CHAIN = 'eip155:31337'
export const ETHER = 10n ** 18n

/** Gives the key back as it came: so that a test can also be a thief of it. */
export const keyWrapper: KeyWrapper = {
  name: 'test',
  wrap: async (key) => new Uint8Array(key),
  unwrap: async (wrapped) => new Uint8Array(wrapped),
}

/** What three parties have of a wallet that they made. */
export interface Kept {
  readonly records: Each<Records>
  /** With which they made it. */
  readonly cards: Each<string>
}

/** Makes a wallet; what its parties keep is all that is left of it. */
export async function makeUnder(policy: PolicyConfig): Promise<Kept> {
  await using network = new MemoryNetwork()
  const stores = await each(() => storeWith(new Map()))
  const parties = await each((role) =>
    Party.open({ role, store: stores[role], unlock: { keyWrapper } }),
  )
  const cards = await each(async (role) => parties[role].card)
  const wallets = await each((role) =>
    MpcAgentWallet[role === 'agent' ? 'create' : 'join']({
      party: parties[role],
      cards: ROLES.map((one) => cards[one]),
      transport: network.connect(parties[role].identityKey),
      policy,
      confirm: () => true,
    }),
  )
  await each((role) => wallets[role].close())
  return { records: await each((role) => contents(stores[role])), cards }
}

export interface Reopening {
  /** In place of stores in memory with what was kept. */
  readonly stores?: Partial<Each<KeyShareStore>>
  readonly rules?: Partial<Each<readonly PolicyRule[]>>
  readonly wrapTransport?: (transport: Transport, role: PartyRole) => Transport
}

/** The parties of a wallet after a restart. */
export interface Committee extends AsyncDisposable {
  readonly network: MemoryNetwork
  readonly stores: Each<KeyShareStore>
  readonly agent: MpcAgentWallet
  readonly user: MpcAgentWallet
  readonly recovery: MpcAgentWallet
  /** Closes the wallets; stores stay open. */
  close(): Promise<void>
}

export async function reopen(
  { records }: Pick<Kept, 'records'>,
  { stores: given = {}, rules = {}, wrapTransport = (transport) => transport }: Reopening = {},
): Promise<Committee> {
  const network = new MemoryNetwork()
  const stores = await each(async (role) => given[role] ?? (await storeWith(records[role])))
  const wallets = await each(async (role) => {
    const party = await Party.open({ store: stores[role], unlock: { keyWrapper } })
    const transport = wrapTransport(network.connect(party.identityKey), role)
    const own = rules[role]
    return await MpcAgentWallet.open({ party, transport, ...(own !== undefined && { rules: own }) })
  })
  const close = async (): Promise<void> => {
    await each((role) => wallets[role].close())
    await network.close()
  }
  return { network, stores, ...wallets, close, [Symbol.asyncDispose]: close }
}

/** What was kept, as it is now. */
export async function keptBy({ stores }: Committee): Promise<Pick<Kept, 'records'>> {
  return { records: await each((role) => contents(stores[role])) }
}

/** All parties answer, those without a share of a request to notices alone. */
export function cosignAll(
  { agent, user, recovery }: Committee,
  parameters: CosignParameters = {},
): AsyncDisposable {
  const cosigning = [agent, user, recovery].map((wallet) => wallet.cosign(parameters))
  const close = async (): Promise<void> => {
    await Promise.all(cosigning.map((one) => one.close()))
  }
  return { [Symbol.asyncDispose]: close }
}

/** A payment of an amount, on a nonce of its own, as `signTransactions` takes it. */
export function paying(value: bigint, nonce = 0, fields: Parameters<typeof payment>[0] = {}) {
  return { transactions: [payment({ value, nonce, ...fields })] }
}

/** How something ended that must not have gone well. */
export async function failureOf(work: Promise<unknown>): Promise<MpcWalletError> {
  try {
    await work
  } catch (error) {
    return error as MpcWalletError // the SDK throws nothing else
  }
  throw new Error('it went well')
}

/** The next event of a kind, within a while. */
export async function heard<Name extends Parameters<MpcAgentWallet['on']>[0]>(
  wallet: MpcAgentWallet,
  event: Name,
): Promise<Parameters<Parameters<typeof wallet.on<Name>>[1]>[0]> {
  return await new Promise((resolve) => {
    const stop = wallet.on(event, (value) => {
      stop()
      resolve(value)
    })
  })
}
