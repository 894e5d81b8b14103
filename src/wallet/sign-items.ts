import { randomUUID } from 'node:crypto'
import type { Json } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { invalid } from '../guards.js'
import { toHex } from '../hex.js'
import type { SigningAttempt } from '../ledger/index.js'
import { native, type Reading, type RequestInput, type SignatureOutput } from '../native.js'
import type { WalletContext } from './context.js'
import { counted, NO_PRICES, type Permitted, permitted, verdictsOf } from './decide.js'
import { readDecodedPayload } from './decoded-payload.js'
import type { SigningSubject } from './events.js'
import { type CeremonyId, toCeremonyId } from './ids.js'
import { runSigning } from './run-signing.js'
import { decodeSigned, encodeSigned } from './signed-record.js'
import type { RequestedItem, RequestOptions } from './signing-request.js'
import { Stop } from './stop.js'

/** The session outlives the waiting, so that time always runs out here first, with culprits. */
const SESSION_GRACE_MS = 10_000

/** A signature that was verified against the account's key before anybody saw it. */
export interface TransactionSignature {
  /** 32 bytes. */
  readonly r: Uint8Array
  /** 32 bytes, in the lower half of the group order. */
  readonly s: Uint8Array
  readonly yParity: 0 | 1
  readonly recoveryId: number
  /** What was signed, as computed natively from the bytes. */
  readonly digest: Uint8Array
}

/** The ceremony that signed, and what it cost. */
export interface SigningCeremony {
  readonly ceremonyId: CeremonyId
  readonly durationMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** What one ceremony signed. */
export interface SignedBatch extends SigningCeremony {
  /** One for each transaction, in their order. */
  readonly signatures: readonly TransactionSignature[]
}

/**
 * The one way to signatures: all items in one ceremony with one other party, all or none. Whatever
 * cannot be read completely stops it before anything leaves. What is asked for again under its key
 * comes from the ledger.
 *
 * @throws {@link MpcWalletError}
 * @internal
 */
export async function signItems(
  context: WalletContext,
  items: readonly RequestedItem[],
  options: RequestOptions,
): Promise<SignedBatch> {
  using stop = new Stop({
    timeoutMs: options.timeoutMs,
    caller: options.signal,
    owner: context.closing,
  })
  try {
    stop.throwIfStopped()
    const reading = readItems(context, items)
    // one name for one request, whoever decides about it; nobody else knows one that was not given
    const named = { ...options, idempotencyKey: options.idempotencyKey ?? randomUUID() }
    const input = await describeRequestInput(context, reading, named)
    return await once(context, items, options, async (attempt) => {
      try {
        return await run(context, { reading, input, options }, stop, attempt)
      } catch (error) {
        // the co-signer said which epochs it holds: once more, under one that both hold
        if (MpcWalletError.wrap(error).code !== 'EPOCH_BEHIND') throw error
        return await run(context, { reading, input, options }, stop, attempt)
      }
    })
  } catch (error) {
    throw MpcWalletError.wrap(error)
  }
}

async function once(
  { journal, role }: WalletContext,
  items: readonly RequestedItem[],
  options: RequestOptions,
  sign: (attempt?: SigningAttempt) => Promise<SignedBatch>,
): Promise<SignedBatch> {
  const { idempotencyKey: key, principal } = options
  if (journal === undefined) {
    if (key !== undefined) throw invalid('idempotencyKey', 'needs a party that has a store')
    return await sign()
  }
  // a key that nobody knows takes no room from those that somebody may ask with again
  const name =
    key === undefined
      ? { principal: `${role}/unnamed`, key: randomUUID(), disposable: true }
      : { principal: principal === undefined ? role : `${role}/${toHex(principal.key)}`, key }
  let signed: SignedBatch | undefined
  const { result } = await journal.ledger.request(
    { side: 'initiator', ...name, proposal: proposalOf(items, options) },
    async (attempt) => {
      signed = await sign(attempt)
      return encodeSigned(signed)
    },
  )
  return signed ?? decodeSigned(result)
}

/** What makes it this request and no other. */
function proposalOf(
  items: readonly RequestedItem[],
  { cosigner, memo }: Pick<RequestOptions, 'cosigner' | 'memo'>,
): Json {
  const transactions = items.map(({ transaction, chain, path }) => ({
    chain,
    path,
    transaction: toHex(transaction),
  }))
  return { cosigner, memo, transactions }
}

interface Asked {
  readonly reading: Reading
  readonly input: RequestInput
  readonly options: RequestOptions
}

async function run(
  context: WalletContext,
  asked: Asked,
  stop: Stop,
  attempt: SigningAttempt | undefined,
): Promise<SignedBatch> {
  const permit = await authorize(context, asked, stop)
  return await counted(context, permit, () => sign(context, asked, permit, stop, attempt))
}

/** This party's own policy decides before anything leaves; what it reserves is durable then. */
async function authorize(
  context: WalletContext,
  { reading, input, options }: Asked,
  stop: Stop,
): Promise<Permitted> {
  const read = reading.digests.map((_, item) => readDecodedPayload(reading.describe(item)))
  const verdicts = await stop.race(verdictsOf(context, read, stop.signal))
  const decided = context.native.authorize(
    reading,
    input,
    verdicts,
    NO_PRICES,
    BigInt(Date.now()),
    options.timeoutMs + SESSION_GRACE_MS,
  )
  return await permitted(context, decided)
}

async function sign(
  context: WalletContext,
  { reading, options }: Asked,
  { authorization, requestId }: Permitted,
  stop: Stop,
  attempt: SigningAttempt | undefined,
): Promise<SignedBatch> {
  const { cosigner, memo, timeoutMs } = options
  const { digests } = reading
  const session = native.Session.sign(
    context.native,
    authorization,
    cosigner,
    memo,
    BigInt(Date.now()),
    timeoutMs + SESSION_GRACE_MS,
  )
  const ceremonyId = toCeremonyId(session.sessionId)
  const subject = { ceremonyId, digests: Object.freeze(digests.map(toHex)) }
  const stopListening = listenTo(context, ceremonyId, options)
  try {
    const result = await runSigning(context, {
      session,
      peer: cosigner,
      initiated: true,
      stop,
      attempt,
    })
    const signatures = signaturesOf(digests, result.signatures)
    const { durationMs, bytesSent, bytesReceived } = result
    const cost = { durationMs, bytesSent, bytesReceived }
    const request = { requestId: toHex(requestId), with: cosigner, initiated: true }
    context.events.emit('signed', { ...subject, ...request, ...cost })
    return { ceremonyId, signatures, ...cost }
  } catch (error) {
    reportFailure(context, subject, MpcWalletError.wrap(error))
    throw error
  } finally {
    stopListening()
  }
}

/** Parses with this party's own keys and the contracts of its policy. @internal */
export function readItems(
  { native: wallet }: WalletContext,
  items: readonly RequestedItem[],
): Reading {
  try {
    return wallet.read(
      items.map(({ kind, chain, transaction }) => ({ kind, chain, bytes: transaction })),
      items.map(({ path }) => path),
      BigInt(Date.now()),
    )
  } catch (error) {
    const { code, message } = MpcWalletError.wrap(error)
    // the reader counts the items, the caller has names for them
    const named = message.replace(
      /^item (\d+): /,
      (_, position) => `${items[Number(position)]?.field ?? 'item'}: `,
    )
    throw new MpcWalletError(code, named, { cause: error })
  }
}

/** Who asks whom by what name, signed by the principal if there is one. @internal */
export async function describeRequestInput(
  { native: wallet, role }: WalletContext,
  reading: Reading,
  {
    cosigner,
    idempotencyKey,
    principal,
  }: Pick<RequestOptions, 'cosigner' | 'principal'> & {
    readonly idempotencyKey: string
  },
): Promise<RequestInput> {
  const named = { requester: role, cosigner, idempotencyKey }
  if (principal === undefined) return named
  const { key } = principal
  const hash = wallet.principalHash(reading, role, idempotencyKey, key)
  const principalSignature = await principal.sign(new Uint8Array(hash))
  return { ...named, principal: key, principalSignature }
}

/** Tells the wallet's listeners how a ceremony ended that gave no signature. @internal */
export function reportFailure(
  { events }: WalletContext,
  subject: SigningSubject,
  { code, culprits = [], signatureMayExist }: MpcWalletError,
): void {
  const [by] = culprits
  // a no that comes behind the share stops nothing any more
  if (code === 'CEREMONY_REFUSED' && by !== undefined && !signatureMayExist)
    events.emit('refused', { ...subject, by })
  else events.emit('failed', { ...subject, code, culprits, signatureMayExist })
}

/** The signatures of a finished ceremony, one for each digest. @internal */
export function signaturesOf(
  digests: readonly Uint8Array[],
  signatures: readonly SignatureOutput[],
): TransactionSignature[] {
  const unusable = (): MpcWalletError =>
    new MpcWalletError('INTERNAL', 'a finished ceremony without one usable signature of each', {
      signatureMayExist: true,
    })
  if (signatures.length !== digests.length) throw unusable()
  return digests.map((digest, position) => {
    const signature = signatures[position]
    // a recovery id of 2 or 3 means r ≥ n − p, which nobody finds by chance and EVM chains cannot
    // express
    if (signature === undefined || signature.recoveryId > 1) throw unusable()
    const { r, s, recoveryId } = signature
    const yParity: 0 | 1 = recoveryId === 0 ? 0 : 1
    return { r, s, yParity, recoveryId, digest }
  })
}

/** Through the emitter, which keeps a callback that throws from breaking the ceremony. */
function listenTo(
  { events }: WalletContext,
  ceremonyId: CeremonyId,
  { onProgress }: RequestOptions,
): () => void {
  if (onProgress === undefined) return () => {}
  return events.on('ceremony', (progress) =>
    progress.ceremonyId === ceremonyId ? onProgress(progress) : undefined,
  )
}
