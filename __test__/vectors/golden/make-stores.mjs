// Writes the stores of this version into a folder named after it: `node make-stores.mjs`, after
// `npm run build:ts`. Once per release; what a release left here is never written again.
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FileStore, SqliteStore } from '@mpc-wallet/sdk'
import manifest from '@mpc-wallet/sdk/package.json' with { type: 'json' }

const folder = fileURLToPath(new URL(manifest.version, import.meta.url))
const IDS = ['wallet/1/share', 'wallet/1/identity', '../../escape', 'A', 'a', 'é', 'x'.repeat(255)]
const LENGTHS = [9_000, 64, 1, 300, 301, 0, 33]

/** So many bytes of a fixed stream per id. */
function draw(id, length) {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, position) =>
    createHash('sha256').update(`${position}/${id}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

mkdirSync(folder, { mode: 0o700 })
const records = IDS.map((id, position) => [id, draw(id, LENGTHS[position])])
const stores = [
  await SqliteStore.open({ path: join(folder, 'sqlite', 'wallet.db') }),
  await FileStore.open({ directory: join(folder, 'file') }),
]
for (const store of stores) {
  const writes = records.map(([id, value]) => ({ kind: 'create', id, value: new Uint8Array(value) }))
  await store.commit({ writes, readBack: [] })
  await store.counter.advance(7n)
  await store.close()
}
for (const lock of ['sqlite/wallet.db.lock', 'file/store.lock']) rmSync(join(folder, lock))
writeFileSync(
  join(folder, 'records.json'),
  `${JSON.stringify(Object.fromEntries(records.map(([id, value]) => [id, value.toString('base64')])), null, 2)}\n`,
)
chmodSync(folder, 0o755)
