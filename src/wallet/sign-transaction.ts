import { MpcWalletError } from '../errors.js'
import {
  invalid,
  requireBytes,
  requireFunction,
  requireInteger,
  requireObject,
  requireRole,
  requireSignal,
} from '../guards.js'
import { type Hex, toHex } from '../hex.js'
import { native, type SignatureOutput } from '../native.js'
import { PartyRole } from '../party-role.js'
import { runCeremony } from './ceremony.js'
import { observerOf, type WalletContext } from './context.js'
import { parseDerivationPath } from './derivation-path.js'
import type { CeremonyProgress } from './events.js'
import { type CeremonyId, toCeremonyId } from './ids.js'
import { Stop } from './stop.js'

const DEFAULT_TIMEOUT_MS = 2 * 60_000
const MAX_TIMEOUT_MS = 55 * 60_000
/** The session outlives the waiting, so that time always runs out here first, with culprits. */
const SESSION_GRACE_MS = 10_000
const MAX_PAYLOAD_BYTES = 128 * 1024
const MAX_MEMO_BYTES = 512
// what could flood or control a terminal, or reorder the text around it
const UNPRINTABLE =
  /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u
const EIP155_CHAIN = /^eip155:[1-9]\d{0,19}$/

/** What to sign, and with whom. */
export interface SignTransactionParameters {
  /**
   * The unsigned transaction: EIP-2718 bytes, or the nine-item list of EIP-155. Read natively, at
   * both signers.
   */
  readonly transaction: Uint8Array | Hex
  /** CAIP-2 chain, such as `eip155:1`. Must be the one in the bytes. */
  readonly chain: string
  /**
   * The account: `m` (the default) is the wallet's own address, `m/60/0` and so on are further
   * ones.
   */
  readonly path?: string
  /** Who co-signs. By default the user, and for the user the agent. */
  readonly cosigner?: PartyRole
  /**
   * A note to the co-signer, shown beside the decoded transaction; at most 512 bytes of printable
   * text.
   */
  readonly memo?: string
  readonly signal?: AbortSignal
  /** How long to wait for the co-signer and its operator; two minutes by default. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: CeremonyProgress) => void
}

/** A signature that was verified against the account's key before anybody saw it. */
export interface SignTransactionReturnType {
  readonly ceremonyId: CeremonyId
  /** 32 bytes. */
  readonly r: Uint8Array
  /** 32 bytes, in the lower half of the group order. */
  readonly s: Uint8Array
  readonly yParity: 0 | 1
  readonly recoveryId: number
  /** What was signed, as computed natively from the bytes. */
  readonly digest: Uint8Array
  readonly durationMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

interface Request {
  readonly transaction: Uint8Array
  readonly chain: string
  readonly path: number[]
  readonly cosigner: PartyRole
  readonly memo: string
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  readonly onProgress: ((progress: CeremonyProgress) => void) | undefined
}

/** Signs together with one other party. @internal */
export async function signTransaction(
  context: WalletContext,
  parameters: SignTransactionParameters,
): Promise<SignTransactionReturnType> {
  const request = readParameters(context, parameters)
  using stop = new Stop({
    timeoutMs: request.timeoutMs,
    caller: request.signal,
    owner: context.closing,
  })
  try {
    stop.throwIfStopped()
    try {
      return await run(context, request, stop)
    } catch (error) {
      const behind = MpcWalletError.wrap(error)
      if (behind.code !== 'EPOCH_BEHIND') throw error
      return await runAgain(context, request, stop, behind)
    }
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

/** Once more: the co-signer said which epochs it holds. */
async function runAgain(
  context: WalletContext,
  request: Request,
  stop: Stop,
  behind: MpcWalletError,
): Promise<SignTransactionReturnType> {
  try {
    return await run(context, request, stop)
  } catch (error) {
    // the arguments were good a moment ago: this party holds none of those epochs
    throw MpcWalletError.wrap(error).code === 'INVALID_INPUT' ? behind : error
  }
}

async function run(
  context: WalletContext,
  request: Request,
  stop: Stop,
): Promise<SignTransactionReturnType> {
  const { transaction, chain, path, cosigner, memo, timeoutMs } = request
  const now = BigInt(Date.now())
  const lifetimeMs = timeoutMs + SESSION_GRACE_MS
  const intent = native.Intent.parse({ kind: 'evm.transaction', chain, bytes: transaction })
  const authorization = context.native.consent(intent, path, cosigner, now, lifetimeMs)
  const session = native.Session.sign(
    context.native,
    authorization,
    cosigner,
    memo,
    now,
    lifetimeMs,
  )
  const ceremonyId = toCeremonyId(session.sessionId)
  const digest = intent.digest
  const stopListening = listenTo(context, ceremonyId, request)
  try {
    const { signatures, durationMs, bytesSent, bytesReceived } = await runCeremony({
      kind: 'sign',
      session,
      transport: context.transport,
      records: context.records,
      peers: [cosigner],
      initiated: true,
      stop,
      observer: observerOf(context),
    })
    const cost = { durationMs, bytesSent, bytesReceived }
    context.events.emit('signed', {
      ceremonyId,
      digest: toHex(digest),
      with: cosigner,
      initiated: true,
      ...cost,
    })
    return { ceremonyId, ...onlySignature(signatures), digest, ...cost }
  } catch (error) {
    reportFailure(context, { ceremonyId, digest: toHex(digest) }, MpcWalletError.wrap(error))
    throw error
  } finally {
    stopListening()
  }
}

/** Tells the wallet's listeners how a ceremony ended that gave no signature. @internal */
export function reportFailure(
  { events }: WalletContext,
  request: { readonly ceremonyId: CeremonyId; readonly digest: Hex },
  { code, culprits = [], signatureMayExist }: MpcWalletError,
): void {
  const [by] = culprits
  // a no that comes behind the share stops nothing any more
  if (code === 'CEREMONY_REFUSED' && by !== undefined && !signatureMayExist)
    events.emit('refused', { ...request, by })
  else events.emit('failed', { ...request, code, culprits, signatureMayExist })
}

function onlySignature(signatures: readonly SignatureOutput[]) {
  const [signature] = signatures
  // a recovery id of 2 or 3 means r ≥ n − p, which nobody finds by chance and EVM chains cannot
  // express
  if (signature === undefined || signatures.length !== 1 || signature.recoveryId > 1)
    throw new MpcWalletError('INTERNAL', 'a finished ceremony without one usable signature', {
      signatureMayExist: true,
    })
  const { r, s, recoveryId } = signature
  const yParity: 0 | 1 = recoveryId === 0 ? 0 : 1
  return { r, s, yParity, recoveryId }
}

/** Through the emitter, which keeps a callback that throws from breaking the ceremony. */
function listenTo(
  { events }: WalletContext,
  ceremonyId: CeremonyId,
  { onProgress }: Request,
): () => void {
  if (onProgress === undefined) return () => {}
  return events.on('ceremony', (progress) =>
    progress.ceremonyId === ceremonyId ? onProgress(progress) : undefined,
  )
}

function readParameters({ role }: WalletContext, parameters: SignTransactionParameters): Request {
  const { transaction, chain, path, cosigner, memo, signal, timeoutMs, onProgress } = requireObject(
    'parameters',
    parameters,
  )
  if (typeof chain !== 'string' || !EIP155_CHAIN.test(chain))
    throw invalid('chain', 'must be a CAIP-2 chain such as eip155:1')
  return {
    transaction: requireBytes('transaction', transaction, { max: MAX_PAYLOAD_BYTES }),
    chain,
    path: parseDerivationPath('path', path ?? 'm'),
    cosigner: readCosigner(role, cosigner),
    memo: readMemo(memo ?? ''),
    signal: requireSignal('signal', signal),
    timeoutMs: requireInteger('timeoutMs', timeoutMs ?? DEFAULT_TIMEOUT_MS, {
      min: 1,
      max: MAX_TIMEOUT_MS,
    }),
    onProgress: onProgress && requireFunction('onProgress', onProgress),
  }
}

function readCosigner(own: PartyRole, cosigner: unknown): PartyRole {
  if (cosigner === undefined) return own === PartyRole.User ? PartyRole.Agent : PartyRole.User
  const role = requireRole('cosigner', cosigner)
  if (role === own) throw invalid('cosigner', 'must be another party')
  return role
}

function readMemo(memo: unknown): string {
  if (typeof memo !== 'string' || !memo.isWellFormed() || UNPRINTABLE.test(memo))
    throw invalid('memo', 'must be printable text')
  if (Buffer.byteLength(memo) > MAX_MEMO_BYTES)
    throw invalid('memo', `must have at most ${MAX_MEMO_BYTES} bytes`)
  return memo
}
