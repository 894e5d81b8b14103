// Installs what package-lock.json names, unless it is there.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { npm, readJson, root, runQuietly } from './checkout.mjs'

export function ensurePackages() {
  if (areInstalled()) return
  const { command, args } = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  runQuietly('installing packages', command, args)
}

/**
 * Whether node_modules holds what package-lock.json names. npm writes down what it installed; a
 * package that is not there may be absent only if it is optional, which is how those of other
 * platforms are.
 */
function areInstalled() {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))
  const wanted = readJson(join(root, 'package-lock.json'))
  if (installed === undefined || wanted === undefined) return false
  if (!isLockOfManifest(wanted)) return false
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (!path.startsWith('node_modules/')) continue
    const found = installed.packages[path]
    if (found === undefined && entry.optional === true) continue
    if (found === undefined || found.version !== entry.version) return false
    if (found.integrity !== entry.integrity || !existsSync(join(root, path))) return false
  }
  return true
}

/**
 * Whether the lock was made for this package.json; if not, `npm ci` says so better than we could.
 */
function isLockOfManifest(lock) {
  const manifest = readJson(join(root, 'package.json'))
  const same = (field) =>
    JSON.stringify(manifest?.[field] ?? {}) === JSON.stringify(lock.packages['']?.[field] ?? {})
  return same('dependencies') && same('devDependencies')
}
