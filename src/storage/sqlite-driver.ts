import type BetterSqlite3 from 'better-sqlite3'
import { storeError } from './store-error.js'

/** The class of better-sqlite3. @internal */
export type SqliteDriver = typeof BetterSqlite3

/**
 * Loads better-sqlite3 when the first store is opened: importing this package must not cost it.
 *
 * @throws {@link MpcWalletError} `STORE_DRIVER_MISSING`.
 * @internal
 */
export async function loadSqlite(): Promise<SqliteDriver> {
  try {
    const { default: Driver } = await import('better-sqlite3')
    new Driver(':memory:').close() // its binary is loaded only here
    return Driver
  } catch (error) {
    throw storeError('STORE_DRIVER_MISSING', 'better-sqlite3 does not load', error)
  }
}
