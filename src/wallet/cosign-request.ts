import { setImmediate as settle } from 'node:timers/promises'
import type { Json } from '../canonical-json.js'
import type { Hex } from '../hex.js'
import type { Invitation } from '../native.js'
import type { PartyRole } from '../party-role.js'
import type { Accounts } from './accounts.js'
import { type Effect, type EvmTransaction, readDecodedPayload } from './decoded-payload.js'
import { formatDerivationPath } from './derivation-path.js'
import { type CeremonyId, toCeremonyId } from './ids.js'

/** One of the transactions that another party asks this one to sign. */
export interface SigningItem {
  /** Derivation path of the account that would sign. */
  readonly path: string
  /** Address of that account. */
  readonly account: Hex
  /** CAIP-2 chain. */
  readonly chain: string
  /** Such as `evm.transaction`. */
  readonly kind: string
  /** Of `evm.transaction`. */
  readonly transaction?: EvmTransaction
  /** Of every other kind, as this party read it: a message, typed data, a user operation. */
  readonly content?: Json
  /** Everything a signature would allow. */
  readonly effects: readonly Effect[]
  readonly digest: Hex
}

/** What another party asks this one to sign, as this party's own native code read it. */
export interface CosignRequest {
  readonly ceremonyId: CeremonyId
  /** Who asks. Its signature was verified. */
  readonly from: PartyRole
  /** Everything that one yes signs and one no refuses: 1 to 64, in the asking party's order. */
  readonly items: readonly SigningItem[]
  /** By what name it is asked for: the same request has the same one again. */
  readonly idempotencyKey: string
  /** The asking party's note: a claim of that party, nothing more. */
  readonly memo: string
  readonly expiresAtMs: number
}

/** @internal */
export async function describeRequest(
  invitation: Invitation,
  accounts: Accounts,
): Promise<CosignRequest> {
  const items: SigningItem[] = []
  for (const [position, path] of invitation.paths.entries()) {
    if (position > 0) await settle() // deriving 64 accounts in one turn would keep others waiting
    const { address } = accounts.at(path)
    const read = readDecodedPayload(invitation.describe(position))
    items.push(Object.freeze({ path: formatDerivationPath(path), account: address, ...read }))
  }
  return Object.freeze({
    ceremonyId: toCeremonyId(invitation.sessionId),
    from: invitation.from,
    items: Object.freeze(items),
    idempotencyKey: invitation.idempotencyKey,
    memo: invitation.memo,
    expiresAtMs: Number(invitation.expiresAtMs),
  })
}
