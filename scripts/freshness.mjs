// Remembers from what a build was made and what it made, so that it is repeated when either has
// changed and not otherwise.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readJson, root } from './checkout.mjs'

/**
 * Builds if inputs or outputs differ from those of the last build, and remembers them. Paths are
 * files or folders.
 */
export function buildIfStale({ name, inputs, facts, outputs, build }) {
  const record = join(root, 'node_modules', '.cache', 'mpc-wallet', `${name}.json`)
  const made = digestOf(inputs(), facts)
  const last = readJson(record)
  if (last?.made === made && last?.gave === digestOf(outputs())) return
  build()
  mkdirSync(dirname(record), { recursive: true })
  writeFileSync(record, JSON.stringify({ made, gave: digestOf(outputs()) }))
}

function digestOf(paths, facts = []) {
  const hash = createHash('sha256')
  for (const fact of facts) hash.update(`${fact}\0`)
  for (const file of paths.flatMap(filesIn)) {
    hash.update(`${file}\0`)
    hash.update(
      createHash('sha256')
        .update(readFileSync(join(root, file)))
        .digest(),
    )
  }
  return hash.digest('hex')
}

/** The files below a path, sorted; none if it does not exist. */
function filesIn(path) {
  const absolute = join(root, path)
  if (!existsSync(absolute)) return []
  if (statSync(absolute).isFile()) return [path]
  return readdirSync(absolute)
    .sort()
    .flatMap((entry) => filesIn(`${path}/${entry}`))
}
