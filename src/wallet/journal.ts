import { type AuditLog, openAuditLog } from '../audit/index.js'
import type { Json } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { fromHex } from '../hex.js'
import { type LostVerdicts, openRequestLedger, type RequestLedger } from '../ledger/index.js'
import type { Identity, Wallet } from '../native.js'
import type { KeyShareStore, StoreWrite } from '../storage/index.js'
import { toWalletId, type WalletId } from './ids.js'
import type { PartyOrigin } from './party.js'
import { toWrites } from './party-records.js'

/** How a wallet came to be open. */
export type Opening = 'made' | 'joined' | 'opened'

/** What this process has open in one store. */
interface StoreInUse {
  /** One for all wallets of the store, whichever `Party` they were opened by. */
  readonly audit: Promise<AuditLog>
  readonly walletIds: Set<WalletId>
}

const inUse = new WeakMap<KeyShareStore, StoreInUse>()

/**
 * What a party with a store writes down of one wallet: its requests, and the audit log.
 *
 * @internal
 */
export class Journal {
  readonly ledger: RequestLedger
  readonly #audit: AuditLog
  readonly #store: KeyShareStore
  readonly #walletId: WalletId

  private constructor(ledger: RequestLedger, audit: AuditLog, store: KeyShareStore, id: WalletId) {
    this.ledger = ledger
    this.#audit = audit
    this.#store = store
    this.#walletId = id
  }

  /**
   * Opens the journal of a wallet, ends what the process before left open, and counts the verdicts
   * that were lost with it.
   *
   * @throws {@link MpcWalletError} `SESSION_BUSY` if the wallet is open over this store already,
   * `AUDIT_BROKEN`, or what the store says.
   */
  static async open(
    wallet: Wallet,
    { identity, records }: PartyOrigin,
    opening: Opening,
  ): Promise<Journal | undefined> {
    if (records === undefined) return undefined
    const { store } = records
    const walletId = toWalletId(wallet.walletId)
    const { audit: opened, walletIds } = useOf(store, identity)
    if (walletIds.has(walletId))
      throw new MpcWalletError('SESSION_BUSY', 'this wallet is open already: close it first')
    walletIds.add(walletId)
    try {
      const audit = await opened
      const ledger = await openRequestLedger({ store, audit, walletId })
      const journal = new Journal(ledger, audit, store, walletId)
      const { role, epoch } = wallet
      await journal.note(`wallet.${opening}`, { role, epoch: String(epoch) })
      const { damaged, lostVerdicts } = await ledger.recoverAfterRestart((lost) =>
        countIn(wallet, lost),
      )
      if (lostVerdicts.size > 0) await records.advance()
      if (damaged.length > 0)
        await journal.note('ledger.damaged', { records: damaged.map(({ message }) => message) })
      return journal
    } catch (error) {
      walletIds.delete(walletId)
      if (walletIds.size === 0) inUse.delete(store)
      throw error
    }
  }

  /** Writes down what is no change of a request. */
  async note(kind: string, facts: { readonly [name: string]: Json }): Promise<void> {
    await this.#audit.append({ kind, walletId: this.#walletId, facts })
  }

  /** Signs the head of the log. */
  async seal(): Promise<void> {
    await this.#audit.seal()
  }

  /** Signs the last head. The log stays open for the other wallets of the store, if there are any. */
  async close(): Promise<void> {
    const walletIds = inUse.get(this.#store)?.walletIds
    walletIds?.delete(this.#walletId)
    try {
      if (walletIds !== undefined && walletIds.size > 0) return void (await this.#audit.seal())
      inUse.delete(this.#store)
      await this.#audit.close()
    } catch {
      // a store that failed keeps a log without its last head, as after a crash
    }
  }
}

function useOf(store: KeyShareStore, identity: Identity): StoreInUse {
  const known = inUse.get(store)
  if (known !== undefined) return known
  const audit = openAuditLog({ store, signHead: (bytes) => identity.signAuditHead(bytes) })
  const use = { audit, walletIds: new Set<WalletId>() }
  inUse.set(store, use)
  return use
}

function countIn(wallet: Wallet, lost: LostVerdicts): StoreWrite[] {
  return [...lost].flatMap(([peer, count]) =>
    toWrites(wallet.countLostVerdicts(fromHex(peer) ?? new Uint8Array(), count)),
  )
}
