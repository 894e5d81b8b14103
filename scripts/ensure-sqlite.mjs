// Builds the binary of better-sqlite3, unless it loads. npm runs no install scripts in this checkout
// (.npmrc), so this one is asked for by name, and compiles what package-lock.json has the hash of
// instead of downloading a binary that nothing vouches for.
import { createRequire } from 'node:module'
import { npm, runQuietly, stop } from './checkout.mjs'

const require = createRequire(import.meta.url)

export function ensureSqlite() {
  if (failure() === undefined) return
  const { command, args } = npm(['rebuild', 'better-sqlite3', '--ignore-scripts=false'])
  runQuietly('building better-sqlite3 (a minute or two, once)', command, args, {
    npm_config_build_from_source: 'true',
  })
  const error = failure()
  if (error !== undefined)
    stop(
      'better-sqlite3 does not load after it was built:',
      `  ${error.message.split('\n', 1)[0]}`,
      'It needs Python 3, make and a C++ compiler, and the headers of this Node.js.',
    )
}

function failure() {
  try {
    const Database = require('better-sqlite3')
    new Database(':memory:').close()
    return undefined
  } catch (error) {
    return error
  }
}
