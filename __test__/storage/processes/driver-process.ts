/** Opens stores where better-sqlite3 is as the argument says, and prints the codes. */
import { createRequire, register } from 'node:module'
import type * as Sdk from '../../../src/index.js'

const [directory = '', driver = ''] = process.argv.slice(2)
if (driver !== '')
  register(
    `data:text/javascript,${encodeURIComponent(`export async function resolve(specifier, context, next) {
      return await next(specifier === 'better-sqlite3' ? ${JSON.stringify(driver)} : specifier, context)
    }`)}`,
  )

// imported when the hook is in place
const { FileStore, MemoryStore, SqliteStore }: typeof Sdk = await import('../../../src/index.js')
const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) =>
  path.includes('sqlite'),
)

const codes: unknown[] = []
for (const open of [
  () => SqliteStore.open({ path: `${directory}/sqlite/wallet.db` }),
  () => FileStore.open({ directory: `${directory}/file` }),
  async () => new MemoryStore(),
])
  try {
    await (await open()).close()
    codes.push('opened')
  } catch (error) {
    codes.push((error as Sdk.MpcWalletError).code)
  }
console.log(JSON.stringify({ loaded, codes }))
