import { randomUUID } from 'node:crypto'
import { canonicalBytes, type Json } from '../canonical-json.js'
import { MpcWalletError } from '../errors.js'
import { invalid, requireInteger, requireObject } from '../guards.js'
import type { Reading, RequestInput } from '../native.js'
import { ALL_ROLES, type PartyRole } from '../party-role.js'
import type { WalletContext } from './context.js'
import { NO_PRICES, verdictsOf } from './decide.js'
import { type DecodedPayload, readDecodedPayload } from './decoded-payload.js'
import { notifyPeers } from './notices.js'
import { type PolicyDecision, readDecision, refusalOf } from './policy-decision.js'
import { describeRequestInput, readItems } from './sign-items.js'
import {
  type RequestedItem,
  readOptions,
  readTransaction,
  type SigningOptions,
  type TransactionToSign,
} from './signing-request.js'
import { takeStatement, wrapped, writeStatement } from './statements.js'
import { Stop } from './stop.js'

const SCHEMA = 'mpc-wallet/approval-request@1'
const MAX_ITEMS = 64
const MAX_REQUEST_BYTES = 180_000
const MAX_LIFETIME_MS = 24 * 3_600_000

/** What is to be decided, as this party read it from bytes that another party sent. */
export interface ApprovalRequested {
  /** The party that asks. */
  readonly from: PartyRole
  /** The party that it wants to sign with. */
  readonly cosigner: PartyRole
  readonly idempotencyKey: string
  /** Everything that a yes allows, in order. */
  readonly items: readonly DecodedPayload[]
  /** The asking party's note: a claim of that party, nothing more. */
  readonly memo: string
}

/** A request to ask persons about, or to evaluate: what would be signed, with whom, by what name. */
export interface RequestParameters extends SigningOptions {
  readonly transactions: readonly TransactionToSign[]
}

/** What a person says of a request. */
export interface ApproveParameters {
  /** As the event `approvalRequested` gave it. */
  readonly request: ApprovalRequested
  /** `approve` by default. A rejection and a withdrawal are final for the request. */
  readonly verdict?: 'approve' | 'reject' | 'withdraw'
  /** The most that all items may cost in fees, by CAIP-19 asset; twice what they are by default. */
  readonly maxFees?: Readonly<Record<string, bigint>>
  /** How long it is good for; five minutes by default, a day at most. */
  readonly expiresInMs?: number
}

interface Asked {
  readonly reading: Reading
  readonly input: RequestInput
}

/** What was read for a request that is shown to persons. */
const readings = new WeakMap<ApprovalRequested, Asked>()

/** What this party's policy says; nothing is reserved. @internal */
export async function evaluatePolicy(
  context: WalletContext,
  parameters: RequestParameters,
): Promise<PolicyDecision> {
  return await wrapped(async () => {
    const { reading, input } = await readRequest(context, parameters)
    return await evaluate(context, { reading, input }, new AbortController().signal)
  })
}

async function evaluate(
  context: WalletContext,
  { reading, input }: Asked,
  signal: AbortSignal,
): Promise<PolicyDecision> {
  const read = reading.digests.map((_, item) => readDecodedPayload(reading.describe(item)))
  const verdicts = await verdictsOf(context, read, signal)
  const now = BigInt(Date.now())
  return readDecision(context.native.evaluate(reading, input, verdicts, NO_PRICES, now))
}

async function readRequest(
  context: WalletContext,
  parameters: RequestParameters,
): Promise<Asked & { readonly items: readonly RequestedItem[]; readonly memo: string }> {
  const { transactions, ...rest } = requireObject('parameters', parameters)
  if (!Array.isArray(transactions) || transactions.length === 0 || transactions.length > MAX_ITEMS)
    throw invalid('transactions', `must be a list of 1 to ${MAX_ITEMS}`)
  const items = transactions.map((transaction: TransactionToSign, position) =>
    readTransaction(
      requireObject(`transactions[${position}]`, transaction),
      `transactions[${position}].`,
    ),
  )
  const options = readOptions(context.role, rest)
  const reading = readItems(context, items)
  const named = { ...options, idempotencyKey: options.idempotencyKey ?? randomUUID() }
  const input = await describeRequestInput(context, reading, named)
  return { reading, input, items, memo: options.memo }
}

/**
 * Asks the persons behind the other two parties. They see it with what their own parties read in the
 * bytes; what they sign reaches this party and the co-signer.
 *
 * @internal
 */
export async function requestApproval(
  context: WalletContext,
  parameters: RequestParameters,
): Promise<PolicyDecision> {
  return await wrapped(async () => {
    if (parameters.idempotencyKey === undefined)
      throw invalid(
        'idempotencyKey',
        'is needed: what persons approve is asked for again by its name',
      )
    const { reading, input, items, memo } = await readRequest(context, parameters)
    const decision = await evaluate(context, { reading, input }, new AbortController().signal)
    if (decision.ruling.type === 'rejected') throw refusalOf(decision, context.role)
    const document = canonicalBytes('request', {
      cosigner: input.cosigner,
      idempotencyKey: input.idempotencyKey,
      items: items.map(({ kind, chain, transaction, path }) => ({
        bytes: Buffer.from(transaction).toString('base64url'),
        chain,
        kind,
        path,
      })),
      memo,
      ...(input.principal !== undefined && {
        principal: Buffer.from(input.principal).toString('base64url'),
        principalSignature: Buffer.from(input.principalSignature ?? []).toString('base64url'),
      }),
      schema: SCHEMA,
    })
    if (document.length > MAX_REQUEST_BYTES)
      throw invalid('transactions', 'are more than one notice carries: split them')
    // the persons of this party's own machine, where it has any, are asked here
    announceApprovalRequest(context, context.role, document)
    await notifyPeers(context, document)
    return decision
  })
}

/**
 * Resolves when this party's policy says yes: with as many approvals as it asks for.
 *
 * @internal
 */
export async function waitForApproval(
  context: WalletContext,
  parameters: RequestParameters,
): Promise<PolicyDecision> {
  return await wrapped(async () => {
    const { timeoutMs, signal } = readOptions(context.role, parameters)
    using stop = new Stop({ timeoutMs, caller: signal, owner: context.closing })
    const asked = await readRequest(context, parameters)
    for (;;) {
      let heard: () => void = () => {}
      const statement = new Promise<void>((resolve) => {
        heard = context.events.on('statement', () => resolve())
      })
      try {
        const decision = await stop.race(evaluate(context, asked, stop.signal))
        if (decision.ruling.type === 'approved') return decision
        if (decision.ruling.type === 'rejected') throw refusalOf(decision, context.role)
        await stop.race(statement)
      } finally {
        heard()
      }
    }
  })
}

/** What the person behind this party says, as text; both others get it by themselves. @internal */
export async function approve(
  context: WalletContext,
  parameters: ApproveParameters,
): Promise<string> {
  return await wrapped(async () => {
    const {
      request,
      verdict = 'approve',
      maxFees,
      expiresInMs,
    } = requireObject('parameters', parameters)
    const asked = readings.get(request)
    if (asked === undefined)
      throw invalid('request', 'must be what the event approvalRequested gave')
    if (verdict !== 'approve' && verdict !== 'reject' && verdict !== 'withdraw')
      throw invalid('verdict', 'must be approve, reject or withdraw')
    const lifetime =
      expiresInMs === undefined
        ? undefined
        : requireInteger('expiresInMs', expiresInMs, { min: 1, max: MAX_LIFETIME_MS })
    const signed = context.native.signApproval(
      asked.reading,
      asked.input,
      verdict,
      maxFees && JSON.stringify(readFees(maxFees)),
      BigInt(Date.now()),
      lifetime,
    )
    await takeStatement(context, signed)
    await notifyPeers(context, signed)
    return writeStatement(signed)
  })
}

function readFees(fees: Readonly<Record<string, bigint>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(requireObject('maxFees', fees)).map(([asset, amount]) => {
      if (typeof amount !== 'bigint' || amount < 0n)
        throw invalid(`maxFees.${asset}`, 'must be a bigint of base units')
      return [asset, String(amount)]
    }),
  )
}

/** Whether a notice's document is such a request; nothing in it was looked at. @internal */
export function isApprovalRequest(document: Uint8Array): boolean {
  return Buffer.from(document.subarray(-(SCHEMA.length + 2))).toString('utf8') === `${SCHEMA}"}`
}

/** Shows the persons of this party what they are asked, as this party reads it. @internal */
export function announceApprovalRequest(
  context: WalletContext,
  from: PartyRole,
  document: Uint8Array,
): void {
  const { cosigner, idempotencyKey, items, memo, principal, principalSignature } =
    parseRequest(document)
  const reading = context.native.read(
    items.map(({ kind, chain, bytes }) => ({ kind, chain, bytes })),
    items.map(({ path }) => path),
    BigInt(Date.now()),
  )
  const request: ApprovalRequested = Object.freeze({
    from,
    cosigner,
    idempotencyKey,
    memo,
    items: Object.freeze(
      reading.digests.map((_, item) => readDecodedPayload(reading.describe(item))),
    ),
  })
  const input = {
    requester: from,
    cosigner,
    idempotencyKey,
    ...(principal !== undefined && { principal, principalSignature }),
  }
  readings.set(request, { reading, input })
  context.events.emit('approvalRequested', request)
}

interface ParsedItem {
  readonly kind: string
  readonly chain: string
  readonly bytes: Uint8Array
  readonly path: number[]
}

/** Of a stranger until each field was looked at. */
function parseRequest(document: Uint8Array): {
  readonly cosigner: PartyRole
  readonly idempotencyKey: string
  readonly items: readonly ParsedItem[]
  readonly memo: string
  readonly principal?: Uint8Array
  readonly principalSignature?: Uint8Array
} {
  const refused = (): MpcWalletError =>
    new MpcWalletError('INVALID_INPUT', 'an approval request of another form')
  if (document.length > MAX_REQUEST_BYTES) throw refused()
  let fields: { readonly [name: string]: Json }
  try {
    fields = JSON.parse(Buffer.from(document).toString('utf8'))
  } catch {
    throw refused()
  }
  const { cosigner, idempotencyKey, items, memo, principal, principalSignature } = fields
  const role = ALL_ROLES.find((known) => known === cosigner)
  if (
    role === undefined ||
    typeof idempotencyKey !== 'string' ||
    typeof memo !== 'string' ||
    !Array.isArray(items) ||
    items.length === 0 ||
    items.length > MAX_ITEMS
  )
    throw refused()
  const bytes = (text: unknown): Uint8Array => {
    if (typeof text !== 'string' || !/^[\w-]*$/.test(text)) throw refused()
    return new Uint8Array(Buffer.from(text, 'base64url'))
  }
  const parsed = items.map((item: Json): ParsedItem => {
    const { kind, chain, path, bytes: text } = Object(item) as { readonly [name: string]: Json }
    const indices = Array.isArray(path) ? path.filter((index) => typeof index === 'number') : []
    if (typeof kind !== 'string' || typeof chain !== 'string' || !Array.isArray(path))
      throw refused()
    if (indices.length !== path.length) throw refused()
    return { kind, chain, bytes: bytes(text), path: indices }
  })
  return {
    cosigner: role,
    idempotencyKey,
    items: parsed,
    memo,
    ...(principal !== undefined && {
      principal: bytes(principal),
      principalSignature: bytes(principalSignature),
    }),
  }
}
