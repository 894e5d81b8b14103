export type { Json } from './canonical-json.js'
export { ChainType } from './chain-type.js'
export {
  ERROR_TABLE,
  type ErrorDescription,
  MpcWalletError,
  type MpcWalletErrorCode,
  type MpcWalletErrorOptions,
} from './errors.js'
export type { Hex } from './hex.js'
export type { LedgerSide, RequestFailure, RequestId, RequestState } from './ledger/index.js'
export { PartyRole } from './party-role.js'
export * from './policy/index.js'
export * from './storage/index.js'
export {
  type Delivery,
  MemoryNetwork,
  type MemoryTransport,
  type SessionInvitation,
  type Transport,
} from './transport/index.js'
export * from './wallet/index.js'
