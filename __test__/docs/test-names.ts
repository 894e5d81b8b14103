import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { readText, root } from './documents.js'

/**
 * The names of all tests, as the documents write them: `crate::file::function` for Rust, `folder/file › suite › test` for
 * jest, whose title is the one in the source (`%s` and all).
 */
export function testNames(): Set<string> {
  return new Set([...rustTests(), ...jestTests()])
}

function rustTests(): string[] {
  return filesBelow('native', '.rs').flatMap((path) => {
    const crate = /^native\/crates\/([\w-]+)\//.exec(path)?.[1] ?? 'native'
    // attributes may stand between, and proptest's functions take arguments
    const functions = readText(path).matchAll(
      /^ *#\[test\]\n(?: *#\[[^\n]*\]\n)* *fn ([a-z0-9_]+)\(/gm,
    )
    return [...functions].map(([, name]) => `${crate}::${basename(path, '.rs')}::${name}`)
  })
}

function jestTests(): string[] {
  return filesBelow('__test__', '.test.ts').flatMap((path) => {
    const file = path.slice('__test__/'.length, -'.test.ts'.length)
    return titlesIn(path).map((titles) => [file, ...titles].join(' › '))
  })
}

/** Suites and title of every test of a file. */
function titlesIn(path: string): string[][] {
  const source = ts.createSourceFile(path, readText(path), ts.ScriptTarget.Latest)
  const found: string[][] = []
  const visit = (node: ts.Node, suites: string[]): void => {
    const block = ts.isCallExpression(node) ? blockOf(node, source) : undefined
    if (block?.name === 'it') found.push([...suites, block.title])
    const inside = block?.name === 'describe' ? [...suites, block.title] : suites
    ts.forEachChild(node, (child) => visit(child, inside))
  }
  visit(source, [])
  return found
}

/** `describe(title, …)`, `it(title, …)`, or either with `.each(…)` between. */
function blockOf(
  { expression, arguments: [title] }: ts.CallExpression,
  source: ts.SourceFile,
): { name: string; title: string } | undefined {
  const each = ts.isCallExpression(expression) ? expression.expression : expression
  const callee = ts.isPropertyAccessExpression(each) ? each.expression : each
  if (title === undefined || !ts.isIdentifier(callee)) return undefined
  if (callee.text !== 'describe' && callee.text !== 'it') return undefined
  if (ts.isStringLiteralLike(title)) return { name: callee.text, title: title.text }
  // a title that is put together is written as in the source, without its backticks
  if (ts.isTemplateExpression(title))
    return { name: callee.text, title: title.getText(source).slice(1, -1) }
  return undefined
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.includes('node_modules'))
}
