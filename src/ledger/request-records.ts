import { MpcWalletError } from '../errors.js'
import type { LedgerContext } from './attempt.js'
import type { LedgerRequest, RequestId } from './ledger-request.js'
import {
  corrupt,
  parseRequestStoreId,
  type RequestPlace,
  readRequest,
  requestStoreId,
} from './request-record.js'

/**
 * Which requests of a wallet are in its store. Ids only are kept in memory: records are read when
 * they are needed.
 *
 * @internal
 */
export class RequestRecords {
  readonly #context: LedgerContext
  readonly #lanes = new Map<string, Set<RequestId>>()
  /** Ids below the ledger's prefix that are none of its own. */
  readonly #strays: string[] = []

  constructor(context: LedgerContext, ids: readonly string[]) {
    this.#context = context
    for (const id of ids) {
      const place = parseRequestStoreId(context.walletId, id)
      if (place === undefined) this.#strays.push(id)
      else this.add(place)
    }
  }

  get lanes(): readonly string[] {
    return [...this.#lanes.keys()]
  }

  sizeOf(lane: string): number {
    return this.#lanes.get(lane)?.size ?? 0
  }

  add({ lane, requestId }: RequestPlace): void {
    this.#lanes.set(lane, (this.#lanes.get(lane) ?? new Set()).add(requestId))
  }

  remove({ lane, requestId }: RequestPlace): void {
    this.#lanes.get(lane)?.delete(requestId)
  }

  /** @throws {@link MpcWalletError} `LEDGER_CORRUPT` if the record cannot be read. */
  async load(place: RequestPlace): Promise<LedgerRequest | undefined> {
    const { store, walletId } = this.#context
    const bytes = await store.load(requestStoreId(walletId, place))
    return bytes && readRequest(walletId, place, bytes)
  }

  /** @throws {@link MpcWalletError} `LEDGER_CORRUPT` if the record cannot be read. */
  async get(requestId: RequestId): Promise<LedgerRequest | undefined> {
    const lane = this.lanes.find((name) => this.#lanes.get(name)?.has(requestId))
    return lane === undefined ? undefined : await this.load({ lane, requestId })
  }

  /** Reads those of one lane, or all. */
  async loadAll(lane?: string): Promise<{ requests: LedgerRequest[]; damaged: MpcWalletError[] }> {
    const requests: LedgerRequest[] = []
    const damaged = lane === undefined ? this.#strays.map(corrupt) : []
    for (const name of lane === undefined ? this.lanes : [lane]) {
      for (const requestId of this.#lanes.get(name) ?? []) {
        const request = await orDamage(this.load({ lane: name, requestId }), damaged)
        if (request !== undefined) requests.push(request)
      }
    }
    return { requests, damaged }
  }
}

/** What was read; a damaged record is put with the others. @internal */
export async function orDamage<Value>(
  reading: Promise<Value>,
  damaged: MpcWalletError[],
): Promise<Value | undefined> {
  try {
    return await reading
  } catch (cause) {
    const error = MpcWalletError.wrap(cause)
    if (error.code !== 'LEDGER_CORRUPT') throw error
    damaged.push(error)
    return undefined
  }
}
