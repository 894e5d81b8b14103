import { setMaxListeners } from 'node:events'
import { exportAuditLog } from '../audit/index.js'
import { ChainType } from '../chain-type.js'
import { MpcWalletError } from '../errors.js'
import { invalid, requireBytes, requireFunction, requireObject } from '../guards.js'
import type { Hex } from '../hex.js'
import type { RequestId } from '../ledger/index.js'
import type { StoreBatch, Wallet } from '../native.js'
import type { PartyRole } from '../party-role.js'
import { type PolicyConfig, PolicyEngine } from '../policy/index.js'
import { Accounts } from './accounts.js'
import {
  type ApproveParameters,
  approve,
  evaluatePolicy,
  type RequestParameters,
  requestApproval,
  waitForApproval,
} from './approvals.js'
import { AskedRequests } from './asked-requests.js'
import {
  type BackupParameters,
  type BackupReturnType,
  type BackupWithWordsReturnType,
  backup,
  backupWithWords,
} from './backup.js'
import type { WalletContext } from './context.js'
import { type Cosigning, type CosignParameters, cosign } from './cosign.js'
import { parseDerivationPath } from './derivation-path.js'
import { Emitter } from './emitter.js'
import type { WalletEvents } from './events.js'
import { toWalletId, type WalletId } from './ids.js'
import { Journal, type Opening } from './journal.js'
import {
  type CreateWalletParameters,
  createNativeWallet,
  joinNativeWallet,
  type NewWallet,
} from './keygen.js'
import { type OpenWalletParameters, openNativeWallet } from './open-wallet.js'
import { originOf, Party } from './party.js'
import {
  diffPolicy,
  type PolicyChange,
  type PolicyProposal,
  type SetPolicyParameters,
  type SignPolicyParameters,
  setFrozen,
  setPolicy,
  signPolicy,
} from './policy-change.js'
import type { PolicyDecision } from './policy-decision.js'
import { type PolicyDocument, readPolicy } from './policy-document.js'
import {
  confirmClock,
  type JoinRecoveryParameters,
  joinNativeRecovery,
  type RecoverParameters,
  type RecoveryParameters,
  type RecoveryStatus,
  recover,
  recoveryStatus,
  type SignRecoveryParameters,
  signRecovery,
} from './recover.js'
import {
  type ConcludeRequestParameters,
  concludeRequest,
  getRequest,
  listRequests,
  pruneRequests,
  type RequestsFilter,
  type WalletRequest,
  type WalletRequests,
} from './requests.js'
import { type RefreshParameters, type RefreshReturnType, refresh } from './reshare.js'
import {
  type SignTransactionParameters,
  type SignTransactionReturnType,
  signTransaction,
} from './sign-transaction.js'
import {
  type SignTransactionsParameters,
  type SignTransactionsReturnType,
  signTransactions,
} from './sign-transactions.js'

import type { RequestPrincipal } from './signing-request.js'
import {
  advancePolicy,
  readStatement,
  type StatementResult,
  takeStatement,
  wrapped,
} from './statements.js'
import { readStatus, type StatusParameters, type WalletStatus } from './status.js'
import type { Stay } from './store-lease.js'

/** A member of a wallet's committee. */
export interface WalletParty {
  /** 1 agent, 2 user, 3 recovery. */
  readonly index: number
  readonly role: PartyRole
  /** Ed25519: what this party's messages are verified with. */
  readonly identityKey: Uint8Array
}

/** A person who decides about recoveries. */
export interface WalletApprover {
  /** The party for which the person speaks. */
  readonly role: PartyRole
  /** Ed25519: what the person signs with. */
  readonly key: Uint8Array
}

/** What became of something that was signed. */
export interface ReportOutcomeParameters {
  /** As the event `decided` gave it. */
  readonly requestId: Hex
  readonly digest: Hex
  /** Unix milliseconds at which it was final; absent where it can never land. */
  readonly landedAtMs?: number
}

/** A wallet in the name of one of its principals. */
export type PrincipalWallet = Pick<
  MpcAgentWallet,
  'signTransaction' | 'signTransactions' | 'evaluatePolicy' | 'requestApproval' | 'waitForApproval'
>

/** Which account. */
export interface DeriveAccountParameters {
  /** `m`, or non-hardened steps below it such as `m/60/0`. */
  readonly path: string
}

/** One account of a wallet. */
export interface DerivedAccount {
  readonly path: string
  /** Compressed, 33 bytes. */
  readonly publicKey: Uint8Array
  /** EVM address with its EIP-55 checksum. */
  readonly address: Hex
}

/**
 * One party's side of a 2-of-3 wallet. It holds one share of the key; any two parties sign, and
 * nobody ever holds the key.
 *
 * @example
 * // at the agent; at the other two: MpcAgentWallet.join with the same cards
 * const wallet = await MpcAgentWallet.create({ party, cards, transport, confirm: askOperator })
 * const { r, s, yParity } = await wallet.signTransaction({ transaction, chain: 'eip155:1' })
 */
export class MpcAgentWallet implements AsyncDisposable {
  readonly walletId: WalletId
  /** Which of the three parties this is. */
  readonly role: PartyRole
  readonly #native: Wallet
  readonly #context: WalletContext
  readonly #events = new Emitter<WalletEvents>()
  readonly #closing = new AbortController()
  readonly #work = new Set<Promise<unknown>>()
  readonly #stay: Stay
  readonly #onLock = (): void => {
    this.#closed ??= this.#close(MpcWalletError.wrap(this.#stay.signal.reason))
  }
  #cosigning: Cosigning | undefined
  #closed: Promise<void> | undefined

  private constructor(
    { wallet: native, transport, records, rules }: NewWallet,
    journal: Journal | undefined,
    stay: Stay,
  ) {
    this.walletId = toWalletId(native.walletId)
    this.role = native.role
    setMaxListeners(0, this.#closing.signal) // one for each ceremony under way, removed with it
    this.#native = native
    this.#stay = stay
    stay.signal.addEventListener('abort', this.#onLock)
    if (stay.signal.aborted) this.#onLock()
    this.#context = {
      role: native.role,
      native,
      transport,
      records,
      journal,
      events: this.#events,
      asked: new AskedRequests(),
      accounts: new Accounts(native),
      engine: rules.length > 0 ? new PolicyEngine({ rules }) : undefined,
      closing: this.#closing.signal,
      track: (work) => this.#track(work),
    }
  }

  /**
   * Makes a wallet, as the one party that starts it. The other two call {@link
   * MpcAgentWallet.join}; all three must be there until it is done. Seven rounds and about 140 kB
   * sent by each, plus the time that three operators take to compare six words.
   *
   * @throws {@link MpcWalletError} `CEREMONY_REFUSED` when an operator did not confirm,
   * `PROTOCOL_TIMEOUT` naming who did not answer, `ABORTED`, or another protocol code with its
   * culprits.
   */
  static async create(parameters: CreateWalletParameters): Promise<MpcAgentWallet> {
    return await MpcAgentWallet.#start(createNativeWallet, parameters, 'made')
  }

  /**
   * Waits for the wallet that another party starts with the same three cards, and takes part.
   *
   * @throws {@link MpcWalletError} as {@link MpcAgentWallet.create}.
   */
  static async join(parameters: CreateWalletParameters): Promise<MpcAgentWallet> {
    return await MpcAgentWallet.#start(joinNativeWallet, parameters, 'made')
  }

  /**
   * Opens a wallet of which a store holds this party's share, after a restart.
   *
   * @example
   * const party = await Party.open({ store, unlock: { password } })
   * const wallet = await MpcAgentWallet.open({ party, transport })
   * @throws {@link MpcWalletError} `SHARE_ABSENT` where the store holds no share of such a wallet,
   * `SHARE_UNREADABLE` for records that were changed, and what the store says.
   */
  static async open(parameters: OpenWalletParameters): Promise<MpcAgentWallet> {
    return await MpcAgentWallet.#start(openNativeWallet, parameters, 'opened')
  }

  /**
   * Takes the place of a lost device, on the new one. The survivors call {@link
   * MpcAgentWallet.recover}.
   */
  static async joinRecovery(parameters: JoinRecoveryParameters): Promise<MpcAgentWallet> {
    return await MpcAgentWallet.#start(joinNativeRecovery, parameters, 'joined')
  }

  static async #start<Parameters extends { readonly party: Party }>(
    begin: (parameters: Parameters, ending: AbortSignal) => Promise<NewWallet>,
    parameters: Parameters,
    opening: Opening,
  ): Promise<MpcAgentWallet> {
    const { party } = requireObject('parameters', parameters)
    if (!Party.is(party)) throw invalid('party', 'must be made by Party.open or Party.create')
    const origin = originOf(party)
    const stay = origin.lease.enter()
    try {
      const started = await begin(parameters, stay.signal)
      try {
        const journal = await Journal.open(started.wallet, origin, opening)
        return new MpcAgentWallet(started, journal, stay)
      } catch (error) {
        started.wallet.close()
        throw MpcWalletError.wrap(error)
      }
    } catch (error) {
      stay[Symbol.dispose]()
      throw error
    }
  }

  /** The policy in force at this party. */
  get policy(): PolicyDocument {
    this.#assertOpen()
    return readPolicy(this.#native.policy)
  }

  /** The committee, by ascending index. A recovery changes the keys of one party. */
  get parties(): readonly WalletParty[] {
    this.#assertOpen()
    return Object.freeze(this.#native.parties.map((party) => Object.freeze(party)))
  }

  /**
   * Who decides about recoveries, by ascending role: the persons whom the policy names, but for a
   * party whose device was replaced the person behind the new one.
   */
  get approvers(): readonly WalletApprover[] {
    this.#assertOpen()
    return Object.freeze(this.#native.approvers.map((approver) => Object.freeze(approver)))
  }

  /** Number of the share set. Signing needs two parties with shares of one epoch. */
  get epoch(): bigint {
    this.#assertOpen()
    return this.#native.epoch
  }

  /** The wallet's own address on a family of chains: that of the root account `m`. */
  address(chainType: ChainType): Hex {
    if (chainType !== ChainType.Evm) throw invalid('chainType', `must be ${ChainType.Evm}`)
    return this.deriveAccount({ path: 'm' }).address
  }

  /**
   * An account of this wallet. Local and without rounds: the other parties derive the same.
   *
   * @throws {@link MpcWalletError} `INVALID_INPUT` for hardened steps, which need the private key
   * that nobody holds.
   */
  deriveAccount(parameters: DeriveAccountParameters): DerivedAccount {
    this.#assertOpen()
    const { path } = requireObject('parameters', parameters)
    const indices = parseDerivationPath('path', path)
    if (!this.#native.isCertified)
      throw new MpcWalletError(
        'WALLET_PENDING',
        'not every party is known to hold its share, so there is no address to pay to',
      )
    try {
      const { publicKey, address } = this.#context.accounts.at(indices)
      return Object.freeze({ path, publicKey: new Uint8Array(publicKey), address })
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  /**
   * Signs an unsigned EVM transaction together with one other party, which reads the same bytes and
   * decides for itself. Two round trips and about 90 kB, plus the time the other side takes to say
   * yes.
   *
   * @example
   * const { r, s, yParity } = await wallet.signTransaction({
   *   transaction: serializeTransaction({ chainId: 1, to, value, gas, nonce, ...fees }),
   *   chain: 'eip155:1',
   *   memo: 'invoice 17',
   * })
   * @throws {@link MpcWalletError} `PAYLOAD_REFUSED` for bytes that cannot be read completely,
   * `CEREMONY_REFUSED` when the co-signer said no, `COSIGNER_OFFLINE` when it gave no
   * answer in time, `PROTOCOL_TIMEOUT`, `TRANSPORT_UNAVAILABLE`, `ABORTED`. If its
   * `signatureMayExist` is true, the other side may hold the signature: do not send another
   * transaction in its place without looking.
   */
  async signTransaction(parameters: SignTransactionParameters): Promise<SignTransactionReturnType> {
    this.#assertOpen()
    return await this.#track(signTransaction(this.#context, parameters))
  }

  /**
   * Where the wallet stands at this party: its epochs and how old the shares are, its peers, its
   * backups.
   *
   * @example
   * const { epochAge, backup } = await wallet.status()
   * if (epochAge?.refreshDue) remindTheOperators(epochAge.days)
   */
  async status(parameters: StatusParameters = {}): Promise<WalletStatus> {
    this.#assertOpen()
    return await this.#track(readStatus(this.#context, parameters))
  }

  /**
   * Makes other shares of the same keys, together with both other parties: each of the three calls
   * this on its own machine, and the agent's starts it. Addresses stay the same. What an earlier
   * share could do, alone or with another earlier one, the new ones do not allow: a share or a backup
   * that leaked before is worth nothing after, and pairs that could not sign can again.
   *
   * The old shares are kept until all three hold the new ones, so that an interruption at any point
   * costs nothing: call again.
   *
   * @throws {@link MpcWalletError} `PROTOCOL_TIMEOUT` naming who did not take part, `EPOCH_BEHIND`,
   * `ABORTED`, or another protocol code with its culprits.
   */
  async refresh(parameters: RefreshParameters = {}): Promise<RefreshReturnType> {
    this.#assertOpen()
    return await this.#track(this.#changeEpoch('refresh', refresh(this.#context, parameters)))
  }

  /**
   * What the person behind this party says of replacing a lost device by the one of a card. Compare
   * the card with the new device on a way that the network does not control before you sign.
   *
   * Replacing the agent takes the user and the recovery guardian; replacing the guardian takes the
   * user, and the guardian may object for 48 hours; replacing the user takes the guardian, and the
   * user may object for seven days.
   *
   * @returns Text to hand to both survivors, for {@link MpcAgentWallet.recover}.
   */
  async signRecovery(parameters: SignRecoveryParameters): Promise<string> {
    this.#assertOpen()
    return await this.#track(this.#signRecovery(parameters))
  }

  /** Takes note of what persons signed about a replacement, and says where it stands. */
  async recoveryStatus(parameters: RecoveryParameters): Promise<RecoveryStatus> {
    this.#assertOpen()
    return await this.#track(this.#recoveryStatus(parameters))
  }

  /**
   * After `CLOCK_JUMPED`: the operator has looked, and this machine's clock is right as it is. What passed
   * since the last reading that was believed does not count as waiting.
   */
  async confirmClock(parameters: RecoveryParameters): Promise<void> {
    this.#assertOpen()
    return await this.#track(confirmClock(this.#context, parameters))
  }

  /**
   * Replaces a lost or stolen device: both survivors call this, each on its own machine, while the
   * new device calls {@link MpcAgentWallet.joinRecovery}. All shares change and addresses stay the
   * same; what the lost device holds is worth nothing any more, with anybody.
   *
   * @throws {@link MpcWalletError} `APPROVAL_MISSING`, `RECOVERY_WAITING`, `CEREMONY_REFUSED` after a
   * veto, `CLOCK_JUMPED`, `PROTOCOL_TIMEOUT` naming who did not take part, or another protocol code.
   */
  async recover(parameters: RecoverParameters): Promise<RefreshReturnType> {
    this.#assertOpen()
    return await this.#track(this.#changeEpoch('recover', recover(this.#context, parameters)))
  }

  /**
   * Signs 1 to 64 unsigned EVM transactions together with one other party, which decides about all
   * of them with one yes: all are signed, or none is. Each is read and signed as by {@link
   * MpcAgentWallet.signTransaction}; the two round trips are paid once, the 90 kB for each.
   *
   * A transaction that is there twice is signed twice.
   *
   * @example
   * const { signatures } = await wallet.signTransactions({
   *   transactions: payments.map((transaction) => ({ transaction, chain: 'eip155:1' })),
   *   memo: 'salaries of November',
   * })
   * @throws {@link MpcWalletError} `INVALID_INPUT` for more transactions, or more bytes, than one
   * batch carries: split it. Otherwise as {@link MpcAgentWallet.signTransaction}; if its
   * `signatureMayExist` is true, the other side may hold the signatures of all.
   */
  async signTransactions(
    parameters: SignTransactionsParameters,
  ): Promise<SignTransactionsReturnType> {
    this.#assertOpen()
    return await this.#track(signTransactions(this.#context, parameters))
  }

  /**
   * What this party needs to come back after its machine is lost, in one encrypted file of about 2 kB:
   * its keys and its share, and nothing that a pair shares. Make one after every refresh and
   * recovery, which turn older files into waste paper. Two files of two parties of one epoch are the
   * key of the wallet: never keep them together.
   *
   * @example
   * const { file } = await wallet.backup({ unlock: { password } })
   * await verifyBackup({ file, unlock: { password } })
   * await writeFile('/media/stick/agent.backup', file)
   * @throws {@link MpcWalletError} `WALLET_PENDING` before all parties acknowledged the shares, or
   * what the store says.
   */
  async backup(parameters: BackupParameters): Promise<BackupReturnType> {
    this.#assertOpen()
    return await this.#track(backup(this.#context, parameters))
  }

  /** As {@link MpcAgentWallet.backup}, with the file's key in three lists of words, two of which open it. */
  async backupWithWords(): Promise<BackupWithWordsReturnType> {
    this.#assertOpen()
    return await this.#track(backupWithWords(this.#context))
  }

  /**
   * What this party's policy says of a request, with every rule's part in it. Nothing is reserved, and
   * nobody is asked.
   *
   * @example
   * const { ruling, explain } = await wallet.evaluatePolicy({ transactions: [{ transaction, chain }] })
   */
  async evaluatePolicy(parameters: RequestParameters): Promise<PolicyDecision> {
    this.#assertOpen()
    return await this.#track(evaluatePolicy(this.#context, parameters))
  }

  /**
   * Asks the persons of the wallet about a request that its policy does not decide alone. Their parties
   * hear of it as `approvalRequested`, with what they read in the bytes themselves.
   *
   * @example
   * const request = { transactions: [{ transaction, chain: 'eip155:1' }], idempotencyKey: 'invoice 17' }
   * await wallet.requestApproval(request)
   * await wallet.waitForApproval({ ...request, timeoutMs: 10 * 60_000 })
   * const { signatures } = await wallet.signTransactions(request)
   * @throws {@link MpcWalletError} `POLICY_REJECTED` for what no approval allows.
   */
  async requestApproval(parameters: RequestParameters): Promise<PolicyDecision> {
    this.#assertOpen()
    return await this.#track(requestApproval(this.#context, parameters))
  }

  /**
   * Resolves when enough persons said yes to exactly this request.
   *
   * @throws {@link MpcWalletError} `PROTOCOL_TIMEOUT`, or `POLICY_REJECTED` when somebody said no.
   */
  async waitForApproval(parameters: RequestParameters): Promise<PolicyDecision> {
    this.#assertOpen()
    return await this.#track(waitForApproval(this.#context, parameters))
  }

  /**
   * What the person behind this party says of a request that `approvalRequested` announced. It is good
   * for this request alone, under this policy, for these two signers, once.
   *
   * @returns Text to hand over where the transport does not reach; both others get it by themselves.
   */
  async approve(parameters: ApproveParameters): Promise<string> {
    this.#assertOpen()
    return await this.#track(approve(this.#context, parameters))
  }

  /** Takes what a person signed, however it came: an approval, a freeze, or a proposal of a policy. */
  async takeStatement(statement: string): Promise<StatementResult> {
    this.#assertOpen()
    const work = (): Promise<StatementResult> =>
      takeStatement(this.#context, readStatement(statement))
    return await this.#track(wrapped(work))
  }

  /** What another policy would change, and what of it loosens. */
  diffPolicy(policy: PolicyConfig): readonly PolicyChange[] {
    this.#assertOpen()
    try {
      return diffPolicy(this.#context, policy)
    } catch (error) {
      throw MpcWalletError.wrap(error)
    }
  }

  /**
   * Proposes another policy in the name of the person behind this party. What only tightens takes the
   * quorum for that, the user alone by default, and is in force where it arrives. What loosens takes its
   * own quorum, user and guardian by default, and waits 24 hours at each party.
   *
   * @throws {@link MpcWalletError} `POLICY_INVALID`; `INVALID_INPUT` at the agent, behind which no
   * person stands.
   */
  async setPolicy(parameters: SetPolicyParameters): Promise<PolicyProposal> {
    this.#assertOpen()
    return await this.#track(setPolicy(this.#context, parameters))
  }

  /** Signs what another person proposed. */
  async signPolicy(parameters: SignPolicyParameters): Promise<PolicyProposal> {
    this.#assertOpen()
    return await this.#track(signPolicy(this.#context, parameters))
  }

  /** Where a policy that waits stands: only the time that this party runs counts. */
  async policyStatus(): Promise<StatementResult> {
    this.#assertOpen()
    return await this.#track(wrapped(() => advancePolicy(this.#context)))
  }

  /**
   * Stops the wallet at once, in the name of the person behind this party: nothing is signed where it
   * arrived, also not what was decided already. A recovery goes on.
   */
  async freeze(): Promise<StatementResult> {
    this.#assertOpen()
    return await this.#track(setFrozen(this.#context, true))
  }

  /** Lets the wallet sign again, when the quorum for it has said so: user and guardian by default. */
  async unfreeze(): Promise<StatementResult> {
    this.#assertOpen()
    return await this.#track(setFrozen(this.#context, false))
  }

  /** Whether an approver stopped the wallet, as far as this party knows. */
  get isFrozen(): boolean {
    this.#assertOpen()
    return this.#native.isFrozen(BigInt(Date.now()))
  }

  /** Whether every limit counts as used up here: this party does not know what was signed before. */
  get limitsFull(): boolean {
    this.#assertOpen()
    return this.#native.limitsFull(BigInt(Date.now()))
  }

  /**
   * The operator has looked at the chain: limits are counted from what this party's ledger knows, and the
   * clock is right as it is.
   */
  async confirmLimits(): Promise<void> {
    this.#assertOpen()
    await this.#track(wrapped(() => this.#commit(this.#native.confirmLimits(BigInt(Date.now())))))
  }

  /**
   * What this party's own endpoint shows of something that was signed: final at a time, from which on its
   * windows run, or, without one, that it can never land. Until then it counts in every window.
   */
  async reportOutcome(parameters: ReportOutcomeParameters): Promise<void> {
    this.#assertOpen()
    const { requestId, digest, landedAtMs } = requireObject('parameters', parameters)
    const at = landedAtMs === undefined ? undefined : BigInt(landedAtMs)
    const id = requireBytes('requestId', requestId, { max: 32 })
    const signed = requireBytes('digest', digest, { max: 32 })
    const report = (): Promise<void> =>
      this.#commit(this.#native.requestOutcome(id, signed, at, BigInt(Date.now())))
    await this.#track(wrapped(report))
  }

  /**
   * The wallet as one of its principals uses it: every request carries the principal's signature, so that
   * what the policy says of it holds at both signers.
   */
  as(principal: RequestPrincipal): PrincipalWallet {
    return Object.freeze({
      signTransaction: (parameters: SignTransactionParameters) =>
        this.signTransaction({ ...parameters, principal }),
      signTransactions: (parameters: SignTransactionsParameters) =>
        this.signTransactions({ ...parameters, principal }),
      evaluatePolicy: (parameters: RequestParameters) =>
        this.evaluatePolicy({ ...parameters, principal }),
      requestApproval: (parameters: RequestParameters) =>
        this.requestApproval({ ...parameters, principal }),
      waitForApproval: (parameters: RequestParameters) =>
        this.waitForApproval({ ...parameters, principal }),
    })
  }

  /**
   * Answers the other parties' signing requests until closed. One at a time per wallet; requests
   * run side by side.
   *
   * @example
   * const cosigning = wallet.cosign({
   *   approve: async ({ from, items, memo }) => await askTheUser(from, items, memo),
   * })
   * @throws {@link MpcWalletError} `SESSION_BUSY` when this wallet is answering already.
   */
  cosign(parameters: CosignParameters = {}): Cosigning {
    this.#assertOpen()
    if (this.#cosigning !== undefined)
      throw new MpcWalletError('SESSION_BUSY', 'this wallet is answering requests already')
    const cosigner = cosign(this.#context, parameters)
    this.#cosigning = cosigner
    cosigner.finished.finally(() => {
      this.#cosigning = undefined
    })
    return cosigner
  }

  /**
   * The signing requests that this party remembers, its own and those it was asked for, by the time
   * of their creation. `{ state: 'unknown' }` are those that somebody has to look up on the chain.
   *
   * @throws {@link MpcWalletError} `INVALID_INPUT` without a store, or what the store says.
   */
  async requests(filter: RequestsFilter = {}): Promise<WalletRequests> {
    this.#assertOpen()
    return await this.#track(listRequests(this.#context, filter))
  }

  /**
   * One request, `undefined` where there is none of this id.
   *
   * @throws {@link MpcWalletError} `LEDGER_CORRUPT` if its record cannot be read.
   */
  async request(requestId: RequestId): Promise<WalletRequest | undefined> {
    this.#assertOpen()
    return await this.#track(getRequest(this.#context, requestId))
  }

  /**
   * Says how a request ended whose outcome was unknown, after somebody looked at the chain
   * (docs/ledger.md). Its idempotency key answers with that from then on: with the signatures, which
   * are taken as they are given, or with the failure.
   *
   * @example
   * const { requests } = await wallet.requests({ state: 'unknown' })
   * await wallet.concludeRequest({ requestId, state: 'failed', reason: 'nonce 7 was used up' })
   * @throws {@link MpcWalletError} `INVALID_INPUT` if its outcome is not unknown.
   */
  async concludeRequest(parameters: ConcludeRequestParameters): Promise<WalletRequest> {
    this.#assertOpen()
    return await this.#track(concludeRequest(this.#context, parameters))
  }

  /**
   * Forgets requests that ended, or never began, more than 90 days ago; never one whose outcome is
   * unknown. Their idempotency keys are free again. Returns how many.
   */
  async pruneRequests(): Promise<number> {
    this.#assertOpen()
    return await this.#track(pruneRequests(this.#context))
  }

  /**
   * The lines of this party's audit log, the last of them a head that stands for all before it. Keep
   * that one somewhere else: with it, whoever verifies the log sees if anything up to it was changed
   * or cut off. A party without a store keeps no log.
   *
   * @example
   * for await (const line of wallet.exportAuditLog()) file.write(`${line}\n`)
   * @throws {@link MpcWalletError} `INVALID_INPUT` without a store, or what the store says.
   */
  async *exportAuditLog(): AsyncGenerator<string, void, void> {
    this.#assertOpen()
    const { journal, records } = this.#context
    if (journal === undefined || records === undefined)
      throw invalid('wallet', 'is of a party without a store, which keeps no log')
    await journal.seal()
    yield* exportAuditLog(records.store)
  }

  /**
   * Calls `listener` for each event of a kind and returns the function that stops it. A listener
   * that throws breaks nothing.
   */
  on<Name extends keyof WalletEvents>(
    event: Name,
    listener: (value: WalletEvents[Name]) => void,
  ): () => void {
    return this.#events.on(event, requireFunction('listener', listener))
  }

  /**
   * Ends every ceremony of this wallet, tells the other parties, and lets go of the share. The transport
   * stays open. {@link Party.lock} closes all wallets of a party.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close(new MpcWalletError('SESSION_CLOSED', 'the wallet was closed'))
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(reason: MpcWalletError): Promise<void> {
    this.#stay.signal.removeEventListener('abort', this.#onLock)
    this.#closing.abort(reason)
    await Promise.allSettled(this.#work)
    this.#native.close()
    await this.#context.journal?.close()
    this.#stay[Symbol.dispose]()
  }

  async #commit(batch: StoreBatch): Promise<void> {
    if (batch.writes.length > 0) await this.#context.records?.commit(batch)
  }

  async #changeEpoch(
    ceremony: 'refresh' | 'recover',
    changing: Promise<RefreshReturnType>,
  ): Promise<RefreshReturnType> {
    const changed = await changing
    const { ceremonyId, epoch } = changed
    const facts = { ceremony, ceremonyId, epoch: String(epoch) }
    await this.#context.journal?.note('epoch.changed', facts)
    return changed
  }

  async #signRecovery(parameters: SignRecoveryParameters): Promise<string> {
    const document = await signRecovery(this.#context, parameters)
    const { replacement } = parameters
    await this.#context.journal?.note('recovery.signed', { replacement, document })
    return document
  }

  async #recoveryStatus(parameters: RecoveryParameters): Promise<RecoveryStatus> {
    const status = await recoveryStatus(this.#context, parameters)
    const { replacement, documents = [] } = parameters
    if (documents.length > 0)
      await this.#context.journal?.note('recovery.noted', {
        replacement,
        documents,
        state: status.state,
      })
    return status
  }

  #track<Value>(work: Promise<Value>): Promise<Value> {
    this.#work.add(work)
    const forget = (): void => {
      this.#work.delete(work)
    }
    work.then(forget, forget)
    return work
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted)
      throw new MpcWalletError('SESSION_CLOSED', 'the wallet is closed')
  }
}
