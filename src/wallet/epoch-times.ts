import type { KeyShareStore, StoreWrite } from '../storage/index.js'

const PREFIX = 'epoch-time/'
const CERTIFICATE = /^wallet\/([0-9a-f]{64}\/)certificate\/(\d{20})$/
const NUMBER_BYTES = 8

/**
 * When this party wrote down that everybody holds an epoch. In the commit of the certificate, so that
 * there is one for each; in the clear, for it is a reminder and decides nothing.
 *
 * @internal
 */
export class EpochTimes {
  readonly #known: Set<string>

  private constructor(known: readonly string[]) {
    this.#known = new Set(known)
  }

  static async open(store: KeyShareStore): Promise<EpochTimes> {
    return new EpochTimes(await store.list(PREFIX))
  }

  /** What to write along with these writes. A certificate that is written again keeps its first time. */
  alongWith(writes: readonly StoreWrite[], nowMs: number): StoreWrite[] {
    return writes.flatMap(({ kind, id }): StoreWrite[] => {
      const timeId = timeIdOf(id)
      if (timeId === undefined) return []
      if (kind === 'delete') return [{ kind, id: timeId }]
      if (this.#known.has(timeId)) return []
      const value = new Uint8Array(NUMBER_BYTES)
      new DataView(value.buffer).setBigUint64(0, BigInt(nowMs))
      return [{ kind: 'put', id: timeId, value }]
    })
  }

  /** These writes are on disk. */
  written(writes: readonly StoreWrite[]): void {
    for (const { kind, id } of writes) {
      if (!id.startsWith(PREFIX)) continue
      if (kind === 'delete') this.#known.delete(id)
      else this.#known.add(id)
    }
  }
}

/** When an epoch was certified; `undefined` where nothing that can be read says so. @internal */
export async function certifiedAtMs(
  store: KeyShareStore,
  walletId: Uint8Array,
  epoch: bigint,
): Promise<number | undefined> {
  const wallet = Buffer.from(walletId).toString('hex')
  const value = await store.load(`${PREFIX}${wallet}/${String(epoch).padStart(20, '0')}`)
  if (value?.length !== NUMBER_BYTES) return undefined
  const time = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0))
  return Number.isSafeInteger(time) ? time : undefined
}

function timeIdOf(id: string): string | undefined {
  const [, wallet, epoch] = CERTIFICATE.exec(id) ?? []
  return wallet === undefined ? undefined : `${PREFIX}${wallet}${epoch}`
}
