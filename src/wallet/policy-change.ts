import { canonicalJson } from '../canonical-json.js'
import { invalid, requireInteger, requireObject } from '../guards.js'
import type { PolicyConfig } from '../policy/index.js'
import { requirePolicy } from '../policy/policy-config.js'
import type { WalletContext } from './context.js'
import { notifyPeers } from './notices.js'
import { type StatementResult, takeStatement, wrapped, writeStatement } from './statements.js'

const DEFAULT_LIFETIME_MS = 7 * 24 * 3_600_000
const MAX_LIFETIME_MS = 30 * 24 * 3_600_000

/** One difference between two versions of a policy. */
export interface PolicyChange {
  /** Where, such as `rules[daily]`. */
  readonly path: string
  readonly description: string
  /** Whether something that was refused could be allowed now. What is not proven to tighten, loosens. */
  readonly loosens: boolean
}

/** Another policy for the wallet. */
export interface SetPolicyParameters {
  readonly policy: PolicyConfig
  /** Until when the other persons may sign it too; seven days by default, thirty at most. */
  readonly expiresInMs?: number
}

/** A policy that another person proposed. */
export interface SignPolicyParameters {
  /** What {@link MpcAgentWallet.setPolicy} gave at the person who proposed it. */
  readonly proposal: string
  readonly expiresInMs?: number
}

/** What became of a proposal at this party. */
export interface PolicyProposal extends StatementResult {
  /** For the other persons to sign, and for a party that missed it. Both others get it by themselves. */
  readonly proposal: string
}

/** What another policy would change; nothing happens. @internal */
export function diffPolicy(context: WalletContext, policy: PolicyConfig): readonly PolicyChange[] {
  const { changes } = draft(context, policy)
  return JSON.parse(changes, (_, value) => Object.freeze(value)) as PolicyChange[] // the native side wrote it
}

/** Proposes another policy in the name of the person behind this party. @internal */
export async function setPolicy(
  context: WalletContext,
  parameters: SetPolicyParameters,
): Promise<PolicyProposal> {
  return await wrapped(async () => {
    const { policy, expiresInMs } = requireObject('parameters', parameters)
    return await sign(context, draft(context, policy).policy, expiresInMs)
  })
}

/** Signs what another person proposed. @internal */
export async function signPolicy(
  context: WalletContext,
  { proposal, expiresInMs }: SignPolicyParameters,
): Promise<PolicyProposal> {
  return await wrapped(async () => {
    if (typeof proposal !== 'string' || !/^[\w-]+$/.test(proposal))
      throw invalid('proposal', 'must be what setPolicy gave')
    return await sign(context, Buffer.from(proposal, 'base64url'), expiresInMs)
  })
}

async function sign(
  context: WalletContext,
  proposal: Uint8Array,
  expiresInMs = DEFAULT_LIFETIME_MS,
): Promise<PolicyProposal> {
  const lifetime = requireInteger('expiresInMs', expiresInMs, { min: 1, max: MAX_LIFETIME_MS })
  const now = Date.now()
  const signed = context.native.signPolicy(proposal, BigInt(now + lifetime), BigInt(now))
  const result = await takeStatement(context, signed)
  await notifyPeers(context, signed)
  return Object.freeze({ ...result, proposal: writeStatement(signed) })
}

function draft({ native: wallet }: WalletContext, policy: unknown) {
  const config = requirePolicy('policy', policy)
  if (config === undefined) throw invalid('policy', 'must be a PolicyConfig')
  return wallet.draftPolicy(canonicalJson('policy', config.toJSON()), BigInt(Date.now()))
}

/** Stops the wallet in the name of the person behind this party, or lets it sign again. @internal */
export async function setFrozen(context: WalletContext, frozen: boolean): Promise<StatementResult> {
  return await wrapped(async () => {
    const signed = context.native.signFreeze(frozen, BigInt(Date.now()))
    const result = await takeStatement(context, signed)
    await notifyPeers(context, signed)
    return result
  })
}
