/** A copy, in memory of its own. */
export type Bytes = Uint8Array
/** A secret, to be wiped by whoever asked for it. */
export type SecretBytes = Uint8Array

/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/** The right to sign, once. Has no constructor and cannot be made from bytes. */
export declare class Authorization {
  /** What it authorises, 32 bytes each, in item order. */
  get digests(): Array<Bytes>
  /** After this no session starts from it. */
  get expiresAtMs(): bigint
}

/** A backup that was opened and checked. */
export declare class Backup {
  /** Opens a file and checks everything in it: the share against its epoch, the certificate against the roster. */
  static open(file: Uint8Array, vault: Vault): Backup
  /** How a file is unlocked: the header of its vault. */
  static header(file: Uint8Array): Bytes
  /** 32 bytes. */
  get walletId(): Bytes
  /** Whose backup it is. */
  get role(): Role
  /** The public key of the party whose backup it is. */
  get identityKey(): Bytes
  /** The epoch of the share. */
  get epoch(): bigint
  /** When it was made. */
  get exportedAtMs(): bigint
  /** The records of a store that has none of this wallet: what was in the file, and that it came from there. */
  restore(store: Store, nowMs: bigint): StoreBatch
}

/** A new key on its way to its wrapper. */
export declare class FreshKey {
  /** For a wrapper of this name. */
  constructor(wrapper: string)
  /** For people: the name under which [`FreshKey::split_into_words`] belongs. */
  static forWords(): FreshKey
  /**
   * Three lists of words by SLIP-39, any two of which open the vault: **secret**, each to be kept in a place of its
   * own.
   */
  splitIntoWords(): Promise<Array<string>>
  /** The 32 bytes: **secret, in the clear**, for the wrapper; to be wiped behind it. */
  expose(): SecretBytes
  /** The vault of this key, which the wrapper keeps as `wrapped`. Once. */
  createVault(wrapped: Uint8Array): Vault
}

/** One party's secret keys. Signs for named purposes inside ceremonies, never free bytes. */
export declare class Identity {
  /** Fresh keys for a role. */
  static generate(role: Role): Identity
  /** The role these keys were made for. */
  get role(): Role
  /** Ed25519, 32 bytes. */
  get identityKey(): Bytes
  /** This party's signature, 64 bytes, over the 48 bytes of a head of its own audit log. */
  signAuditHead(head: Uint8Array): Bytes
  /** A fresh committed nonce and the signed public card for one key generation. */
  createPairing(): Pairing
}

/** A payload that was parsed completely. Has no constructor but [`Intent::parse`]. */
export declare class Intent {
  /**
   * Parses or refuses, without a wallet: to look at, nothing can be authorised with it. `account` is the EVM
   * address whose payload it is, 20 bytes; the zero address if it does not matter.
   */
  static parse(payload: PayloadInput, account?: Uint8Array | undefined | null): Intent
  /** Payload kind. */
  get kind(): string
  /** CAIP-2 chain. */
  get chain(): string
  /** The unsigned bytes. */
  get bytes(): Bytes
  /** What will be signed, 32 bytes. */
  get digest(): Bytes
  /** Hash over kind, chain and bytes, 32 bytes. */
  get payloadHash(): Bytes
  /** The decoded transaction and its effects as JSON; integers are decimal strings. */
  describe(): string
}

/** An opened invitation to sign. */
export declare class Invitation {
  /** Verifies descriptor and signature against the wallet's roster, opens round 0 and parses the payloads. */
  static open(wallet: Wallet, descriptor: Uint8Array, signature: Uint8Array, round0: Uint8Array, nowMs: bigint): Promise<Invitation>
  /** The session, 32 bytes. */
  get sessionId(): Bytes
  /** Who asks. */
  get from(): Role
  /** The derivation path of the account, one for each item that is to be signed. */
  get paths(): Array<Array<number>>
  /** The initiator's note; its words only. */
  get memo(): string
  /** After this the request is void. */
  get expiresAtMs(): bigint
  /** By what name it is asked for. */
  get idempotencyKey(): string
  /** On whose behalf it is asked for, 32 bytes: whether this key signed the request shows when it is decided. */
  get principal(): Bytes | null
  /** What this party read in an item, as JSON. */
  describe(item: number): string
  /**
   * What the rules say, and this party's yes to exactly these payloads if that is what they say. `verdicts` are of
   * the custom rules that this party runs, `prices` of its own source, both JSON. The batch is to be committed
   * before anything is done about it.
   */
  authorize(wallet: Wallet, verdicts: string, prices: string, nowMs: bigint): Decided
  /** Whether an envelope is the initiator's signed stop: the request was taken back. */
  isWithdrawnBy(envelope: Uint8Array): boolean
  /** This party's no: signed abort envelopes for the initiator. */
  refuse(): Array<Bytes>
}

/** A notice that arrived, verified and opened. */
export declare class Notice {
  /** A notice to one party, with at most 16 documents. */
  static send(wallet: Wallet, to: Role, documents: Array<Uint8Array>, nowMs: bigint, lifetimeMs: number): OutgoingNotice
  /** Verifies and opens a notice. */
  static open(wallet: Wallet, descriptor: Uint8Array, signature: Uint8Array, round0: Uint8Array, nowMs: bigint): Notice
  /** Who sent it. */
  get from(): Role
  /** Documents that persons may have signed; nothing in them was looked at. */
  get documents(): Array<Bytes>
  /** What to make durable: a newer certificate, and what it erases. Then `settle`. */
  batch(): StoreBatch
  /** The batch is durable. */
  settle(): void
}

/** One party's side of one pairing; consumed by the session it starts. */
export declare class Pairing {
  /** The card to hand to the other two parties. */
  get card(): Bytes
}

/** Payloads that this party parsed itself. Has no constructor but [`Wallet::read`]. */
export declare class Reading {
  /** What will be signed, 32 bytes each, in item order. */
  get digests(): Array<Bytes>
  /** What this party read in an item, as JSON; integers are decimal strings. */
  describe(item: number): string
}

/** One replacement at one survivor. */
export declare class Recovery {
  /** The replacement of a party by the device of this card. */
  static open(wallet: Wallet, card: Uint8Array, nowMs: bigint): Recovery
  /**
   * Takes a document about a replacement of which this party may know nothing else yet; the batch is to be
   * committed before anything is said about it. One key has a say about 16 recoveries at most.
   */
  static announce(wallet: Wallet, signed: Uint8Array, nowMs: bigint): StoreBatch
  /** What the person behind this party says, signed with the approver key. */
  sign(verdict: RecoveryVerdict, expiresAtMs: bigint): Bytes
  /** Takes what somebody signed; the batch is to be committed before anything is said about it. */
  observe(signed: Uint8Array, nowMs: bigint): StoreBatch
  /** Where it stands now. */
  decide(nowMs: bigint): RecoveryDecision
  /** The operator says that this party's clock is right as it is. */
  confirmClock(nowMs: bigint): StoreBatch
  /** This party's consent to the ceremony: only where every approval is here and the delay has passed. */
  consent(nowMs: bigint, lifetimeMs: number): ReshareConsent
}

/** One party's own yes to one refresh or recovery. Has no constructor from bytes. */
export declare class ReshareConsent {
  /** Other shares for the same parties. */
  static refresh(wallet: Wallet, nowMs: bigint, lifetimeMs: number): ReshareConsent
  /** A new device's own yes to joining a wallet with the parties of these cards. */
  static join(identity: Identity, walletId: Uint8Array, cards: Array<Uint8Array>, store: Store, nowMs: bigint, lifetimeMs: number): ReshareConsent
  /** Starts the ceremony; uses the consent up. */
  start(nowMs: bigint, lifetimeMs: number): Session
  /** Joins the ceremony that another party started. A consent that does not fit it is not used up. */
  accept(descriptor: Uint8Array, signature: Uint8Array, round0: Uint8Array, nowMs: bigint): Joined
}

/** A ceremony at this party. Has no constructor: it starts from an authorization of its kind. */
export declare class Session {
  /**
   * Starts a key generation as initiator; `cards` are those of all three parties, the own one included, `policy` is
   * the config's JSON.
   */
  static createWallet(identity: Identity, pairing: Pairing, cards: Array<Uint8Array>, policy: string, store: Store, nowMs: bigint, lifetimeMs: number): Session
  /** Joins a key generation; without a `policy` of its own whatever the initiator decided is shown with the words. */
  static joinWallet(identity: Identity, pairing: Pairing, cards: Array<Uint8Array>, policy: string | undefined | null, store: Store, descriptor: Uint8Array, signature: Uint8Array, nowMs: bigint): Session
  /** Starts signing with one other party; consumes the authorization. */
  static sign(wallet: Wallet, authorization: Authorization, cosigner: Role, memo: string, nowMs: bigint, lifetimeMs: number): Session
  /** Joins the signing session of an invitation; consumes the authorization. */
  static join(wallet: Wallet, invitation: Invitation, authorization: Authorization, nowMs: bigint): Session
  /** 32 bytes. */
  get sessionId(): Bytes
  /** The descriptor, which the initiator opens on the transport. */
  get descriptor(): Bytes
  /** The initiator's signature over it, 64 bytes; empty at a party that joined. */
  get descriptorSignature(): Bytes
  /** Starts; envelopes that were already there are taken in the same flight. */
  begin(nowMs: bigint, envelopes: Array<Uint8Array>): Promise<RoundOutcome>
  /** Takes what arrived: any order, anything among it. */
  receive(nowMs: bigint, envelopes: Array<Uint8Array>): Promise<RoundOutcome>
  /** Key generation: the operator's yes to exactly these words. */
  confirm(nowMs: bigint, words: Array<string>): Promise<RoundOutcome>
  /**
   * What must be durable, sealed: all or nothing. Hand it to the store before anything else of this party is
   * handed to it, and come back with what it says.
   */
  takeBatch(): StoreBatch
  /** The batch is durable; `values` are the records to be read back, in order, as they were read from the store. */
  committed(nowMs: bigint, values: Array<Uint8Array | undefined | null>): Promise<RoundOutcome>
  /** The store wrote nothing: because a record to be created `exists`, or for any other reason. */
  commitFailed(nowMs: bigint, exists: boolean): Promise<RoundOutcome>
  /**
   * Ends the session and gives the signed abort envelopes for the peers: `refused` if this party's
   * operator or owner said no. During a round it cancels instead; the round's outcome has the envelopes.
   */
  abort(refused: boolean): Array<Bytes>
  /** Asks the running round to stop; its promise resolves with `aborted`, code `ABORTED`. */
  cancel(): void
  /** Ends the session at once and wipes its state. During a round the promise rejects. */
  dispose(): void
}

/** What must outlive a ceremony at this party: seen sessions, shares, poisonings, counts. */
export declare class Store {
  /** An empty store in the memory of this process. */
  constructor()
  /** The party's secret keys, sealed, to be committed once. */
  sealIdentity(identity: Identity): StoreBatch
}

/** An unlocked vault: seals and opens the records of one store. */
export declare class Vault {
  /** A new vault that a password opens; takes 64 MiB and a fraction of a second, or 256 MiB if it is to be `costly`. */
  static createWithPassword(password: Uint8Array, costly: boolean): Promise<Vault>
  /** Opens a vault by its password. */
  static unlockWithPassword(header: Uint8Array, password: Uint8Array): Promise<Vault>
  /** Opens a vault by the key that its wrapper gave back. The caller wipes its own copy. */
  static unlockWithKey(header: Uint8Array, key: Uint8Array): Vault
  /** Opens a vault whose key was split into words: two of the three lists. */
  static unlockWithWords(header: Uint8Array, lists: Array<string>): Promise<Vault>
  /** Public: how the vault is opened. Kept beside the records. */
  get header(): Bytes
  /** The party's secret keys, from their record. */
  openIdentity(sealed: Uint8Array): Identity
  /** What sessions of this party seal with; `records` are those of the store under `session/` and `count/`. */
  store(records: Array<StoredRecord>): Store
  /** What keeps the store readable to whoever opens either vault, until the move is done. */
  linkTo(next: Vault): VaultLinks
  /** From here on the records are the next vault's. What seals with this one does as well. */
  moveTo(next: Vault): void
  /** In a store whose move was interrupted, and whose first vault this is: goes on with it. */
  moveForward(nextHeader: Uint8Array, forward: Uint8Array): void
  /** In a store whose move was interrupted, and whose next vault this is: opens what was not moved yet. */
  reachBack(header: Uint8Array, back: Uint8Array): void
  /** Moves records; those that are not under the previous key stay as they are. */
  rewrap(records: Array<StoredRecord>): StoreBatch
  /** When nothing is sealed under the previous key any more. */
  forgetPrevious(): void
  /** Wipes the keys: from here on neither this vault nor what it gave its store to seals or opens a record. */
  lock(): void
}

/** One party's certified wallet: the share inside, only public data outside. Has no constructor. */
export declare class Wallet {
  /**
   * What a party writes that has just come to be in a wallet, so that it knows later that it remembers everything.
   * One that `joined` an older wallet does not know what was signed before: its limits count as used up.
   */
  begin(joined: boolean, nowMs: bigint): StoreBatch
  /**
   * Parses 1 to 64 payloads, each with the account at the path in its place, this party's own keys, and the
   * contracts of its policy; or refuses.
   */
  read(payloads: Array<PayloadInput>, paths: Array<Array<number>>, nowMs: bigint): Reading
  /** What a principal signs for a request, 32 bytes. */
  principalHash(reading: Reading, requester: Role, idempotencyKey: string, principal: Uint8Array): Bytes
  /** What the rules say of a request, as JSON. Nothing is reserved; pure but for the ledger that it looks at. */
  evaluate(reading: Reading, request: RequestInput, verdicts: string, prices: string, nowMs: bigint): string
  /** Decides a request of this party and reserves what it gives away. */
  authorize(reading: Reading, request: RequestInput, verdicts: string, prices: string, nowMs: bigint, lifetimeMs: number): Decided
  /** The session of this authorization ended, or none began, and no share of this party left: it is void. */
  releaseRequest(authorization: Authorization, nowMs: bigint): StoreBatch
  /** The signatures of a request are known. */
  requestSigned(requestId: Uint8Array, nowMs: bigint): StoreBatch
  /** This party's own endpoint shows a digest final at a time, or, without one, that it can never land. */
  requestOutcome(requestId: Uint8Array, digest: Uint8Array, landedAtMs: bigint | undefined | null, nowMs: bigint): StoreBatch
  /** Whether every limit counts as used up: this party does not know what was signed before. */
  limitsFull(nowMs: bigint): boolean
  /** The operator says that limits are to be counted from what the ledger knows, and that the clock is right. */
  confirmLimits(nowMs: bigint): StoreBatch
  /** Whether an approver stopped the wallet. */
  isFrozen(nowMs: bigint): boolean
  /** Takes what a person signed: an approval, a freeze, or a proposal of a policy. */
  takeStatement(statement: Uint8Array, nowMs: bigint): TakenStatement
  /** Counts the time that a looser policy waits. */
  advancePolicy(nowMs: bigint): TakenStatement
  /**
   * What the person behind this party says of a request: fees may rise to `max_fees` (a JSON object of decimal text
   * by asset) or, without, to twice what they are. Good for five minutes unless a lifetime is given.
   */
  signApproval(reading: Reading, request: RequestInput, word: ApprovalWord, maxFees: string | undefined | null, nowMs: bigint, lifetimeMs?: number | undefined | null): Bytes
  /** The word of the person behind this party that the wallet stops, or may sign again. */
  signFreeze(frozen: boolean, nowMs: bigint): Bytes
  /** The version after the one in force, with what a config says. */
  draftPolicy(config: string, nowMs: bigint): PolicyDraft
  /** A draft or proposal with the signature of the person behind this party. */
  signPolicy(proposal: Uint8Array, expiresAtMs: bigint, nowMs: bigint): Bytes
  /** The version in force with its signatures, for a party that missed it. */
  policyProposal(nowMs: bigint): Bytes | null
  /** The wallet's certified epoch and this party's keys in one file, sealed under a vault of its own. */
  backup(vault: Vault, nowMs: bigint): WrittenBackup
  /** The ids of what this party noted about backups: of the newest, and of having come back from one. */
  get backupRecordIds(): Array<string>
  /** What those records say; `sealed` is what the store holds under the ids, in order. */
  backupStatus(sealed: Array<Uint8Array | undefined | null>): BackupStatus
  /** Whether the shares came from a backup, so that this party signs nothing before a refresh. */
  get needsRefresh(): boolean
  /** 32 bytes. */
  get walletId(): Bytes
  /** This party. */
  get role(): Role
  /** Epoch number of the shares. */
  get epoch(): bigint
  /** The committee, ascending by index. */
  get parties(): Array<PartyInfo>
  /** Canonical JSON of the policy in force. */
  get policy(): Bytes
  /** Its hash, 32 bytes. */
  get policyHash(): Bytes
  /** Who decides about recoveries: the persons of the policy, but for a replaced device the newcomer's. */
  get approvers(): Array<ApproverInfo>
  /** The root public key, 33 bytes compressed. */
  get publicKey(): Bytes
  /** The root chain code, 32 bytes. */
  get chainCode(): Bytes
  /** The public key under a path, 33 bytes compressed. */
  derive(path: Array<number>): Bytes
  /** Peers with which this party signs nothing more in this epoch. */
  get poisoned(): Array<Role>
  /** Opens a wallet from all records that a store holds of it. */
  static openSealed(identity: Identity, walletId: Uint8Array, store: Store, records: Array<StoredRecord>, nowMs: bigint): Wallet
  /** After `openSealed`: what an attempt that nobody acknowledged left is to be erased, and what was found is written. */
  takeErased(): StoreBatch
  /** Numbers of the epochs that this party holds, ascending. */
  get heldEpochs(): Array<bigint>
  /**
   * Counts sessions with the owner of an identity key that nobody ended, against that key: a failed check may have
   * been forgotten. At eight the pair is poisoned. The batch is to be committed; it is empty for a key of no party.
   */
  countLostVerdicts(identityKey: Uint8Array, count: number): StoreBatch
  /** Whether everybody acknowledged an epoch of the wallet. Before that it has no address. */
  get isCertified(): boolean
  /** Lets go of the share. Sessions that run keep theirs until they end. */
  close(): void
}

/** What a person says of a request. */
export type ApprovalWord = 'approve' | 'reject' | 'withdraw'

/** A person who decides. */
export interface ApproverInfo {
  /** For which party the person speaks. */
  role: Role
  /** Ed25519, 32 bytes, or a passkey of P-256, 33. */
  key: Bytes
}

/** What a party knows of its wallet's backups. */
export interface BackupStatus {
  /** The epoch of the newest backup that was made here. */
  lastEpoch?: bigint
  /** When it was made. */
  lastMs?: bigint
  /** When this party came back from a backup. */
  restoredMs?: bigint
  /** The epoch that a backup made now would hold; absent before everybody acknowledged one. */
  certifiedEpoch?: bigint
}

/** What this binary is. */
export declare function buildInfo(): BuildInfo

/** Version, target and features of the binary. */
export interface BuildInfo {
  /** Equal to the package's version. */
  version: string
  /** Architecture, operating system and environment it was built for. */
  target: string
  /** Cargo features that are on. */
  features: Array<string>
}

/** What a card says. */
export interface CardInfo {
  /** Role of the party. */
  role: Role
  /** Ed25519, 32 bytes. */
  identityKey: Bytes
  /** X25519, 32 bytes. */
  sealingKey: Bytes
  /** Ed25519 of the person behind the party, where there is one. */
  approverKey?: Bytes
}

/** What a ceremony does. */
export type CeremonyKind = 'keygen' | 'sign' | 'refresh' | 'recover'

/** What the rules say of a request, and what follows from it. */
export interface Decided {
  /** The decision as JSON. */
  decision: string
  /** Names the request, 32 bytes. */
  requestId: Bytes
  /** This party's right to sign, if the rules said yes. */
  authorization?: Authorization
  /** To be committed before anything is done about it. */
  batch: StoreBatch
}

/** A descriptor's public facts. Nothing is verified but the layout. */
export interface DescriptorInfo {
  /** What the ceremony does. */
  kind: CeremonyKind
  /** 32 bytes. */
  sessionId: Bytes
  /** 32 bytes. */
  walletId: Bytes
  /** Who starts it. */
  initiator: Role
  /** Who takes part, ascending. */
  participants: Array<PartyInfo>
  /** After this nobody joins or goes on. */
  expiresAtMs: bigint
}

/** What this binary is doing, over all threads of the process. */
export declare function diagnostics(): Diagnostics

/** Numbers for operators and tests. */
export interface Diagnostics {
  /** Sessions that hold state. */
  liveSessions: number
  /** Rounds queued or running. */
  rounds: number
  /** Rounds that may be queued or running at once. */
  maxRounds: number
  /** Threads of the pool. */
  threads: number
}

/** An envelope that did not verify. */
export interface Dropped {
  /** Stable code. */
  code: string
  /** The round it claimed. */
  round: number
  /** The index of the sender it claimed, 0 if unreadable. */
  from: number
}

/** A session that was joined, or what to tell whoever started it. */
export interface Joined {
  /** The session, if it was joined. */
  session?: Session
  /** Why it was not: a code. */
  code?: string
  /** What to send instead. */
  outgoing: Array<Bytes>
}

/** What is handed to the transport. */
export interface OutgoingNotice {
  /** To be opened first. */
  descriptor: Bytes
  /** This party's signature over it. */
  descriptorSignature: Bytes
  /** To be sent then. */
  envelopes: Array<Bytes>
}

/** A party of a committee. */
export interface PartyInfo {
  /** Shamir x-coordinate, fixed by the role. */
  index: number
  /** Role. */
  role: Role
  /** Ed25519, 32 bytes. */
  identityKey: Bytes
}

/** Unsigned bytes to be read. */
export interface PayloadInput {
  /** Such as `evm.transaction`. */
  kind: string
  /** CAIP-2, such as `eip155:1`. */
  chain: string
  /** The unsigned bytes. */
  bytes: Uint8Array
}

/** Another version of the policy, not signed yet. */
export interface PolicyDraft {
  /** Canonical JSON. */
  policy: Bytes
  /** What it changes, as JSON. */
  changes: string
}

/** Reads a card and verifies its signature. */
export declare function readCard(card: Uint8Array): CardInfo

/** Reads a descriptor's layout, for choosing who handles it. */
export declare function readDescriptor(descriptor: Uint8Array): DescriptorInfo

/** Reads a vault's header; opens nothing. */
export declare function readVaultHeader(header: Uint8Array): VaultHeaderInfo

/** Where a recovery stands, and what to make durable before acting on it. */
export interface RecoveryDecision {
  /** The state. */
  state: RecoveryState
  /** When waiting is over, if nothing happens. */
  untilMs?: bigint
  /** Whose approval is missing. */
  missing: Array<Role>
  /** To be committed first. */
  batch: StoreBatch
}

/** Where a recovery stands at this party. */
export type RecoveryState = 'approved' | 'waiting' | 'needs-approval' | 'vetoed' | 'rejected' | 'expired' | 'clock-jumped'

/** What a person says. */
export type RecoveryVerdict = 'approve' | 'reject' | 'veto'

/** Who asks whom, by what name. */
export interface RequestInput {
  /** The party that asks. */
  requester: Role
  /** The party that is asked. */
  cosigner: Role
  /** Names the request, 1 to 128 bytes of printable text. */
  idempotencyKey: string
  /** Ed25519, 32 bytes: on whose behalf. */
  principal?: Uint8Array
  /** The principal's signature over `Wallet.principalHash`, 64 bytes. */
  principalSignature?: Uint8Array
}

/** Who a party is. */
export type Role = 'agent' | 'user' | 'recovery'

/** What a call came to. Send `outgoing` first, whatever the kind. */
export type RoundOutcome =
  | { kind: 'commit' }
  | { kind: 'waiting'; /** Round. */
    round: number; /** From whom. */
    missing: Array<Role>; /** What did not verify. */
  dropped: Array<Dropped> }
  | { kind: 'confirm'; /** Six words. */
    words: Array<string>; /** Canonical JSON of the policy they cover. */
    policy: Bytes; /** Its hash, 32 bytes. */
    policyHash: Bytes; /** Hash of the roster they cover, 32 bytes. */
    rosterHash: Bytes; /** Envelopes to send. */
    outgoing: Array<Bytes>; /** What did not verify. */
  dropped: Array<Dropped> }
  | { kind: 'continue'; /** Round. */
    round: number; /** Envelopes to send. */
    outgoing: Array<Bytes>; /** Whether this party's signature share is among them. */
    shareLeaves: boolean; /** From whom messages are needed. */
    missing: Array<Role>; /** What did not verify. */
  dropped: Array<Dropped> }
  | { kind: 'done'; /** Envelopes to send. */
    outgoing: Array<Bytes>; /** Whether this party's signature share is among them. */
    shareLeaves: boolean; /** Of a signing session, one per item. */
    signatures: Array<SignatureOutput>; /** Of a key generation. */
    wallet?: Wallet; /** What did not verify. */
  dropped: Array<Dropped> }
  | { kind: 'aborted'; /** Code of the error to throw. */
    code: string; /** Its message. */
    message: string; /** Who is blamed. */
    culprits: Array<Role>; /** Envelopes to send. */
    outgoing: Array<Bytes>; /** What did not verify. */
  dropped: Array<Dropped> }

/** A verified ECDSA signature with low s. */
export interface SignatureOutput {
  /** 32 bytes. */
  r: Bytes
  /** 32 bytes. */
  s: Bytes
  /** Bit 0: y of R is odd. Bit 1: x of R was not below the group order. */
  recoveryId: number
}

/** What became of a statement. */
export type StatementKind = 'approval' | 'frozen' | 'released' | 'policy-needs-signatures' | 'policy-in-force' | 'policy-waiting'

/** What is to be written, all or nothing, and then read. */
export interface StoreBatch {
  /** In order. */
  writes: Array<StoreWrite>
  /** Ids of the records to be read afterwards. */
  readBack: Array<string>
}

/** A record as a store gave it. */
export interface StoredRecord {
  /** Its id. */
  id: string
  /** Its sealed bytes. */
  value: Uint8Array
}

/** One write of a batch. */
export interface StoreWrite {
  /** What it does. */
  kind: StoreWriteKind
  /** The record's id. */
  id: string
  /** Its sealed bytes; absent where it is removed. */
  value?: Bytes
}

/** What a write does. */
export type StoreWriteKind = 'put' | 'create' | 'delete'

/** What became of a statement, and what to make durable. */
export interface TakenStatement {
  /** What it is. */
  kind: StatementKind
  /** Of an approval: names the request, 32 bytes. */
  requestId?: Bytes
  /** Of a policy that waits: when it comes in force, if this party keeps running. */
  untilMs?: bigint
  /** To be committed before anything is said about it. */
  batch: StoreBatch
}

/** What a vault's header says. */
export interface VaultHeaderInfo {
  /** The name of the key wrapper; absent if a password opens it. */
  wrapper?: string
  /** What the wrapper gives the key back for. */
  wrapped?: Bytes
}

/** The keys of two vaults, each under the other. */
export interface VaultLinks {
  /** The next one's under this one's. */
  forward: Bytes
  /** This one's under the next one's. */
  back: Bytes
}

/** What was written, and what to note about it. */
export interface WrittenBackup {
  /** The file. */
  file: Bytes
  /** The epoch of the shares in it. */
  epoch: bigint
  /** That there is a backup of this epoch: to be committed when the file is in the caller's hands. */
  batch: StoreBatch
}
