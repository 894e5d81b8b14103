import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The checkout: jest runs in it. */
export const root = process.cwd()

/** A file of the checkout as text. */
export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** The lines of a page below a heading, up to the next one of the same level or above. */
export function section(page: string, heading: string): string[] {
  const lines = page.split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start < 0) throw new Error(`there is no heading "${heading}"`)
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 0
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => (/^#+(?= )/.exec(line)?.[0].length ?? level + 1) <= level)
  return end < 0 ? rest : rest.slice(0, end)
}

/** What stands in backticks at the start of each row of a table. */
export function codesIn(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^\| `([^`]+)` \|/.exec(line)?.[1] ?? [])
}

/** The code of a page in one language. */
export function codeBlocks(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, code = '']) => code,
  )
}
