/** Three parties whose records outlive them, in stores that tests look into and break. */
import { createHash } from 'node:crypto'
import { keccak256, recoverAddress, toHex } from 'viem'
import {
  ChainType,
  type KeyShareStore,
  type KeyWrapper,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  type PartyRole,
  PolicyConfig,
  type Transport,
  type Unlock,
  type WalletId,
} from '../../src/index.js'
import { kmsKeyWrapper, LocalKms } from './local-kms.js'
import { payment } from './payment.js'
import { contents } from './stores.js'

export const ROLES = ['agent', 'user', 'recovery'] as const satisfies readonly PartyRole[]
/** Every two, the one that asks first. */
export const PAIRS = [
  ['agent', 'user'],
  ['user', 'recovery'],
  ['recovery', 'agent'],
] as const

export type Each<Value> = Readonly<Record<PartyRole, Value>>
export type Records = ReadonlyMap<string, Uint8Array>

/** Saves a test that opens many stores as many password hashes. The same in every process of a test. */
export const keyWrapper: KeyWrapper = kmsKeyWrapper({
  kms: new LocalKms({ test: new Uint8Array(32).fill(7) }),
  keyId: 'test',
  party: 'any',
})

/** Three parties of one wallet, opened from stores. */
export interface OpenCommittee extends AsyncDisposable {
  readonly network: MemoryNetwork
  readonly parties: Each<Party>
  readonly wallets: Each<MpcAgentWallet>
  /** Closes the wallets; the stores stay open. */
  close(): Promise<void>
}

export interface Opening {
  readonly unlock?: Unlock
  readonly walletId?: WalletId
  readonly wrapTransport?: (transport: Transport, role: PartyRole) => Transport
}

export async function each<Value>(of: (role: PartyRole) => Promise<Value>): Promise<Each<Value>> {
  const [agent, user, recovery] = await Promise.all([of('agent'), of('user'), of('recovery')])
  return { agent, user, recovery }
}

/** Makes a wallet whose shares are in these stores. */
export async function makeWallet(
  stores: Each<KeyShareStore>,
  { unlock = { keyWrapper }, wrapTransport = (transport) => transport }: Opening = {},
): Promise<OpenCommittee> {
  const network = new MemoryNetwork()
  const parties = await each((role) => Party.open({ role, store: stores[role], unlock }))
  const cards = ROLES.map((role) => parties[role].card)
  const wallets = await each((role) =>
    MpcAgentWallet[role === 'agent' ? 'create' : 'join']({
      party: parties[role],
      cards,
      policy: PolicyConfig.permissive(),
      transport: wrapTransport(network.connect(parties[role].identityKey), role),
      confirm: () => true,
    }),
  )
  return committeeOf(network, parties, wallets)
}

/** Opens the wallet of three stores, as after a restart of all three. */
export async function openWallet(
  stores: Each<KeyShareStore>,
  { unlock = { keyWrapper }, walletId, wrapTransport = (transport) => transport }: Opening = {},
): Promise<OpenCommittee> {
  const network = new MemoryNetwork()
  const parties = await each((role) => Party.open({ store: stores[role], unlock }))
  const wallets = await each((role) =>
    MpcAgentWallet.open({
      party: parties[role],
      transport: wrapTransport(network.connect(parties[role].identityKey), role),
      ...(walletId !== undefined && { walletId }),
    }),
  )
  return committeeOf(network, parties, wallets)
}

function committeeOf(
  network: MemoryNetwork,
  parties: Each<Party>,
  wallets: Each<MpcAgentWallet>,
): OpenCommittee {
  const close = async (): Promise<void> => {
    await each((role) => wallets[role].close())
    await network.close()
  }
  return { network, parties, wallets, close, [Symbol.asyncDispose]: close }
}

/** All records of each party. */
export async function recordsOf(stores: Each<KeyShareStore>): Promise<Each<Records>> {
  return await each((role) => contents(stores[role]))
}

/** Those that are sealed. Of the audit log and the request ledger every opening writes some; times are in the clear. */
export function sealedOf(records: Records): Records {
  return new Map(
    [...records].filter(([id]) => !/^(?:audit|request|open-session|epoch-time)\b/.test(id)),
  )
}

/** All sealed records of each party. */
export async function sealedRecordsOf(stores: Each<KeyShareStore>): Promise<Each<Records>> {
  return await each(async (role) => sealedOf(await contents(stores[role])))
}

/** Equal for equal records. */
export function fingerprint(records: Records): string {
  const hash = createHash('sha256')
  for (const [id, value] of [...records].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${id} ${value.length} `).update(value)
  return hash.digest('hex')
}

/** Of what is sealed in a store. */
export async function fingerprintOf(store: KeyShareStore): Promise<string> {
  return fingerprint(sealedOf(await contents(store)))
}

/** A store in memory with these records. */
export async function storeWith(records: Records): Promise<MemoryStore> {
  const store = new MemoryStore()
  const writes = [...records].map(([id, value]) => ({ kind: 'put', id, value }) as const)
  await store.commit({ writes, readBack: [] })
  return store
}

export async function storesWith(records: Each<Records>): Promise<Each<MemoryStore>> {
  return await each((role) => storeWith(records[role]))
}

/** Has one party ask another for a signature, and returns the address that it is of. */
export async function signerOf(
  wallets: Each<MpcAgentWallet>,
  [by, cosigner]: readonly [PartyRole, PartyRole],
): Promise<string> {
  const { transaction, chain } = payment()
  await using _ = wallets[cosigner].cosign({ approve: () => true })
  const { r, s, yParity } = await wallets[by].signTransaction({ transaction, chain, cosigner })
  return await recoverAddress({
    hash: keccak256(transaction),
    signature: { r: toHex(r), s: toHex(s), yParity },
  })
}

/** The addresses of which each pair signs. */
export async function signersOfPairs(wallets: Each<MpcAgentWallet>): Promise<string[]> {
  const signers: string[] = []
  for (const pair of PAIRS) signers.push(await signerOf(wallets, pair))
  return signers
}

export function addressesOf(wallets: Each<MpcAgentWallet>): string[] {
  return ROLES.map((role) => wallets[role].address(ChainType.Evm))
}

/** Each calls it on its own machine. */
export async function refreshAll(wallets: Each<MpcAgentWallet>): Promise<void> {
  await each((role) => wallets[role].refresh())
}
