import * as binding from '#native'
import { MpcWalletError } from './errors.js'
import { VERSION } from './version.js'

export type {
  Authorization,
  Backup,
  Decided,
  Identity,
  Intent,
  Invitation,
  Notice,
  Pairing,
  Reading,
  Recovery,
  RecoveryDecision,
  RequestInput,
  ReshareConsent,
  RoundOutcome,
  Session,
  SignatureOutput,
  Store,
  StoreBatch,
  TakenStatement,
  Vault,
  Wallet,
} from '#native'

/**
 * Refuses an addon of another version: a stale binary is the most confusing failure there is.
 *
 * @throws {@link MpcWalletError} `NATIVE_MISMATCH`.
 * @internal
 */
export function assertSameVersion(addonVersion: string): void {
  if (addonVersion === VERSION) return
  throw new MpcWalletError(
    'NATIVE_MISMATCH',
    `the native addon is version ${addonVersion}, the package is version ${VERSION}`,
  )
}

function checked<Binding extends { buildInfo(): { version: string } }>(addon: Binding): Binding {
  assertSameVersion(addon.buildInfo().version)
  return addon
}

/**
 * The native addon, after its version was compared. Every use in `src/` goes through here.
 * @internal
 */
export const native = checked(binding)
