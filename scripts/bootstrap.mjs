// Makes a fresh clone ready: checks the tools, installs what package-lock.json names, builds what
// is out of date. Says nothing when there is nothing to do. Uses Node alone, because it runs before
// anything is installed.
import { fileURLToPath } from 'node:url'
import { stop } from './checkout.mjs'
import { cargoVersion, ensureNative, requireAddon } from './ensure-native.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { ensureSqlite } from './ensure-sqlite.mjs'

/** Prepares the checkout, and ends the process with a reason if it cannot be. */
export async function bootstrap({ native = true, dist = false } = {}) {
  requireNode()
  if (cargoVersion() === undefined) requireAddon() // before time is spent on the rest
  ensurePackages()
  ensureSqlite()
  if (native) ensureNative()
  if (!dist) return
  const { ensureDist } = await import('./ensure-dist.mjs') // needs a package
  ensureDist()
}

/** Refuses a Node that is too old to load anything of ours. */
function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  stop(`Node.js 20.19 or later is needed, this is ${process.versions.node}.`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bootstrap()
