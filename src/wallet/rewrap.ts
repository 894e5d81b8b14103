import { MpcWalletError } from '../errors.js'
import type { Vault } from '../native.js'
import type { StoreWrite } from '../storage/index.js'
import { type PartyRecords, recordsInParts, toWrites } from './party-records.js'
import {
  askOnce,
  createVault,
  HEADER_ID,
  MOVE_IDS,
  openVault,
  SEALED_IDS,
  type Unlock,
  type UnlockCost,
} from './unlock.js'

/** What is to open a party's store from now on. */
export interface RewrapParameters {
  readonly unlock: Unlock
  /** As in {@link OpenPartyParameters}. */
  readonly unlockCost?: UnlockCost
}

/** What a rewrapping works on. @internal */
export interface Rewrapped {
  readonly vault: Vault
  readonly records: PartyRecords
}

/**
 * Moves all records of a store under the key of another password or wrapper. The first commit writes
 * the next header beside the first one, and each key under the other, so that from there to the last
 * commit either of the two opens everything, wherever the power is cut.
 *
 * @internal
 */
export async function rewrap(kept: Rewrapped, unlock: Unlock, cost: UnlockCost): Promise<void> {
  const asked = await askOnce(unlock)
  if (await wasInterrupted(kept)) {
    const next = kept.vault.header
    await finishMove(kept)
    if (await opens(next, asked)) return
  }
  await beginMove(kept, asked, cost)
  await finishMove(kept)
}

/** Goes on with a move, to its end. @internal */
export async function finishMove({ vault, records }: Rewrapped): Promise<void> {
  const { store } = records
  for (const prefix of SEALED_IDS)
    for await (const some of recordsInParts(store, prefix)) {
      const writes = toWrites(vault.rewrap(some))
      if (writes.length > 0) await store.commit({ writes, readBack: [] })
    }
  // counted: a copy of the store from before is an older one
  await records.commit({
    writes: [
      { kind: 'put', id: HEADER_ID, value: vault.header },
      ...Object.values(MOVE_IDS).map((id) => ({ kind: 'delete', id }) as const),
    ],
    readBack: [],
  })
  vault.forgetPrevious()
}

async function beginMove(
  { vault, records }: Rewrapped,
  unlock: Unlock,
  cost: UnlockCost,
): Promise<void> {
  const next = await createVault(unlock, cost)
  // a wrapper that does not give back what it took would lock everybody out
  if ('keyWrapper' in unlock) await openVault(next.header, unlock)
  const values = { header: next.header, ...vault.linkTo(next) }
  const writes = Object.entries(MOVE_IDS).map(
    ([name, id]): StoreWrite => ({
      kind: 'create',
      id,
      value: values[name as keyof typeof values],
    }),
  )
  await records.store.commit({ writes, readBack: [] })
  vault.moveTo(next)
}

/** Whether a move is under way; also one whose first commit failed and was written all the same. */
async function wasInterrupted({ vault, records }: Rewrapped): Promise<boolean> {
  const { store } = records
  const next = await store.load(MOVE_IDS.header)
  if (next === undefined) return false
  if (Buffer.compare(next, vault.header) !== 0)
    vault.moveForward(next, (await store.load(MOVE_IDS.forward)) ?? new Uint8Array())
  return true
}

async function opens(header: Uint8Array, unlock: Unlock): Promise<boolean> {
  try {
    await openVault(header, unlock)
    return true
  } catch (error) {
    const { code } = MpcWalletError.wrap(error)
    if (code === 'WRONG_PASSWORD' || code === 'UNLOCK_KEY_ABSENT') return false
    throw error
  }
}
