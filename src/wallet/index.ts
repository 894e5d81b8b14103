export type { ApprovalRequested, ApproveParameters, RequestParameters } from './approvals.js'
export type {
  BackupParameters,
  BackupReturnType,
  BackupStatus,
  BackupWithWordsReturnType,
} from './backup.js'
export type { Cosigning, CosignParameters } from './cosign.js'
export type { CosignRequest, SigningItem } from './cosign-request.js'
export type {
  AccessListEntry,
  DecodedPayload,
  Effect,
  EffectCall,
  EvmTransaction,
} from './decoded-payload.js'
export type { ListenerFailure } from './emitter.js'
export type {
  CeremonyKind,
  CeremonyProgress,
  CosigningEnded,
  EnvelopeDropped,
  EpochChanged,
  Failed,
  InvitationDropped,
  Refused,
  RequestReceived,
  Signed,
  SigningSubject,
  Undelivered,
  WalletEvents,
} from './events.js'
export type { CeremonyId, WalletId } from './ids.js'
export { type KeychainKeyWrapperParameters, keychainKeyWrapper } from './keychain-key-wrapper.js'
export type { CreateWalletParameters, ProposedParty, WalletProposal } from './keygen.js'
export {
  type DeriveAccountParameters,
  type DerivedAccount,
  MpcAgentWallet,
  type PrincipalWallet,
  type ReportOutcomeParameters,
  type WalletApprover,
  type WalletParty,
} from './mpc-agent-wallet.js'
export type { OpenWalletParameters } from './open-wallet.js'
export {
  type CreatePartyParameters,
  type OpenPartyParameters,
  Party,
  type RestorePartyParameters,
} from './party.js'
export type {
  PolicyChange,
  PolicyProposal,
  SetPolicyParameters,
  SignPolicyParameters,
} from './policy-change.js'
export type { PolicyDecision, RuleOutcome } from './policy-decision.js'
export type { PolicyDocument } from './policy-document.js'
export type {
  JoinRecoveryParameters,
  RecoverParameters,
  RecoveryParameters,
  RecoveryStatus,
  RecoveryVerdict,
  SignRecoveryParameters,
} from './recover.js'
export type {
  ConcludeRequestParameters,
  FoundSignature,
  RequestsFilter,
  WalletRequest,
  WalletRequests,
} from './requests.js'
export type { RefreshParameters, RefreshReturnType } from './reshare.js'
export type { RewrapParameters } from './rewrap.js'
export type { SigningCeremony, TransactionSignature } from './sign-items.js'
export type { SignTransactionParameters, SignTransactionReturnType } from './sign-transaction.js'
export type { SignTransactionsParameters, SignTransactionsReturnType } from './sign-transactions.js'
export type { RequestPrincipal, SigningOptions, TransactionToSign } from './signing-request.js'
export type { StatementKind, StatementResult } from './statements.js'
export type { EpochAge, PeerStatus, StatusParameters, WalletStatus } from './status.js'
export type { KeyWrapper, Password, Unlock, UnlockCost } from './unlock.js'
export {
  type BackupUnlock,
  type VerifyBackupParameters,
  type VerifyBackupReturnType,
  verifyBackup,
} from './verify-backup.js'
