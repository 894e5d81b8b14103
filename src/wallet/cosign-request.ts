import { MpcWalletError } from '../errors.js'
import type { Hex } from '../hex.js'
import type { Invitation } from '../native.js'
import type { PartyRole } from '../party-role.js'
import type { Accounts } from './accounts.js'
import { type Effect, type EvmTransaction, readDecodedPayload } from './decoded-payload.js'
import { formatDerivationPath } from './derivation-path.js'
import { type CeremonyId, toCeremonyId } from './ids.js'

/** What another party asks this one to sign, as this party's own native code read it. */
export interface CosignRequest {
  readonly ceremonyId: CeremonyId
  /** Who asks. Its signature was verified. */
  readonly from: PartyRole
  /** CAIP-2 chain. */
  readonly chain: string
  /** Derivation path of the account that would sign. */
  readonly path: string
  /** Address of that account. */
  readonly account: Hex
  readonly transaction: EvmTransaction
  /** Everything a signature would allow. */
  readonly effects: readonly Effect[]
  /** The asking party's note: a claim of that party, nothing more. */
  readonly memo: string
  readonly digest: Hex
  readonly expiresAtMs: number
}

/** @internal */
export function describeRequest(invitation: Invitation, accounts: Accounts): CosignRequest {
  const [path, ...more] = invitation.paths
  if (path === undefined || more.length > 0)
    throw new MpcWalletError('PAYLOAD_REFUSED', 'a request must be for one transaction')
  return Object.freeze({
    ceremonyId: toCeremonyId(invitation.sessionId),
    from: invitation.from,
    path: formatDerivationPath(path),
    account: accounts.at(path).address,
    ...readDecodedPayload(invitation.describe(0)),
    memo: invitation.memo,
    expiresAtMs: Number(invitation.expiresAtMs),
  })
}
