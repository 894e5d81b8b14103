import { setImmediate as settle } from 'node:timers/promises'
import { MpcWalletError } from '../errors.js'
import { toHex } from '../hex.js'
import type { Authorization, Decided } from '../native.js'
import type { RuleVerdict, TransactionRequest } from '../policy/index.js'
import type { WalletContext } from './context.js'
import type { DecodedPayload } from './decoded-payload.js'
import { readDecision, refusalOf } from './policy-decision.js'

/** No prices are asked for by this version: a policy in a fiat currency approves nothing. */
export const NO_PRICES = '[]'

/** A right to sign, and the name under which it is counted. */
export interface Permitted {
  readonly authorization: Authorization
  readonly requestId: Uint8Array
}

/**
 * What this party's rules in code say of a request, as the native side takes it: one verdict of each
 * rule, the strictest over all items.
 *
 * @internal
 */
export async function verdictsOf(
  { engine, native: wallet }: WalletContext,
  items: readonly DecodedPayload[],
  signal: AbortSignal,
): Promise<string> {
  if (engine === undefined || engine.ruleIds.length === 0) return '[]'
  const policyHash = toHex(wallet.policyHash)
  const verdicts: Pick<RuleVerdict, 'id' | 'verdict'>[] = []
  for (const [position, item] of items.entries()) {
    if (position > 0) await settle()
    const said = await engine.evaluate({
      tx: transactionRequestOf(item),
      context: { effects: item.effects, spending: [], timeMs: Date.now() },
      cacheFor: { bytes: Buffer.from(item.digest.slice(2), 'hex'), policyHash },
      signal,
    })
    verdicts.push(...said.map(({ id, verdict }) => ({ id, verdict })))
  }
  return JSON.stringify(verdicts)
}

/** What a rule in code sees of an item. @internal */
export function transactionRequestOf({
  chain,
  transaction,
}: Pick<DecodedPayload, 'chain' | 'transaction'>): TransactionRequest {
  return Object.freeze({
    chain,
    to: transaction?.to ?? '',
    value: String(transaction?.value ?? 0n),
    ...(transaction !== undefined && transaction.data !== '0x' && { data: transaction.data }),
  })
}

/**
 * Makes a decision durable and takes what it permits.
 *
 * @throws {@link MpcWalletError} `POLICY_REJECTED` or `APPROVAL_REQUIRED`, each with what every rule
 * said.
 * @internal
 */
export async function permitted(
  { records, journal, role, events }: WalletContext,
  { decision, authorization, requestId, batch }: Decided,
): Promise<Permitted> {
  if (batch.writes.length > 0) await records?.commit(batch)
  const read = readDecision(decision)
  const facts = {
    requestId: toHex(requestId),
    ruling: read.ruling.type,
    explain: [...read.explain],
  }
  await journal?.note('policy.decided', facts)
  events.emit('decided', { requestId: toHex(requestId), decision: read })
  const refusal = refusalOf(read, role)
  if (refusal !== undefined) throw refusal
  if (authorization === undefined)
    throw new MpcWalletError('INTERNAL', 'a yes without the right to sign')
  return { authorization, requestId }
}

/**
 * Keeps this party's ledger true to how a session ended: what was signed counts, what was stopped
 * before a share left is free again, and what may have been signed goes on counting.
 *
 * @internal
 */
export async function counted<Result>(
  { native: wallet, records }: WalletContext,
  { authorization, requestId }: Permitted,
  sign: () => Promise<Result>,
): Promise<Result> {
  let result: Result
  try {
    result = await sign()
  } catch (error) {
    if (!MpcWalletError.wrap(error).signatureMayExist) {
      const released = wallet.releaseRequest(authorization, BigInt(Date.now()))
      if (released.writes.length > 0) await records?.commit(released)
    }
    throw error
  }
  const signed = wallet.requestSigned(requestId, BigInt(Date.now()))
  // the signature exists: a store that fails now leaves it reserved, which counts the same
  if (signed.writes.length > 0) await records?.commit(signed).catch(() => {})
  return result
}
