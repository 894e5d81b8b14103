import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readText, root } from './documents.js'

const pages = [root, join(root, 'docs')].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === root ? name : `docs/${name}`)),
)

interface Link {
  readonly page: string
  readonly path: string
  readonly anchor: string
}

/** Links to files and headings of this repository. */
function links(page: string): Link[] {
  return [...readText(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path = '', anchor = ''] = target.split('#')
    return [{ page, path: path === '' ? page : normalize(join(dirname(page), path)), anchor }]
  })
}

/** Headings as GitHub links to them. */
function anchors(page: string): string[] {
  return [...readText(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('the documents', () => {
  it.each(pages)('%s links to files and headings that there are', (page) => {
    const broken = links(page).filter(
      ({ path, anchor }) =>
        !existsSync(join(root, path)) || (anchor !== '' && !anchors(path).includes(anchor)),
    )

    expect(broken).toEqual([])
  })

  it('link to each other', () => {
    const linked = new Set(pages.flatMap((page) => links(page).map(({ path }) => path)))

    expect(pages.filter((page) => page !== 'README.md' && !linked.has(page))).toEqual([])
  })
})
