import { describe, expect, it } from '@jest/globals'
import { HEAD_INTERVAL } from '../../src/audit/index.js'
import { TRANSITIONS } from '../../src/ledger/index.js'
import { readText, section } from './documents.js'
import { testNames } from './test-names.js'

const page = readText('docs/ledger.md')

describe('docs/ledger.md', () => {
  it('names only tests that exist', () => {
    const known = testNames()
    const named = [...page.matchAll(/`([^`]+ › [^`]+)`/g)].flatMap(([, name]) => name ?? [])

    expect(named.length).toBeGreaterThan(8)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  it('describes every state of a request', () => {
    const cells = section(page, 'States').flatMap((line) => /^\| (`.*?) \|/.exec(line)?.[1] ?? [])
    const states = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name))

    expect(states.sort()).toEqual(Object.keys(TRANSITIONS).sort())
  })

  it('names every kind of entry that the ledger writes', () => {
    const row = section(page, 'The audit log').find((line) => line.startsWith('| `kind`')) ?? ''
    const source = ['attempt', 'recover-after-restart', 'prune-requests', 'request-ledger']
      .map((file) => readText(`src/ledger/${file}.ts`))
      .join()
    const written = [...source.matchAll(/'((?:request|ledger)\.\w+)'/g)].flatMap(
      ([, kind]) => kind ?? [],
    )

    expect(written.length).toBeGreaterThan(4)
    for (const kind of written) expect(row).toContain(`\`${kind}\``)
    for (const state of ['signed', ...TRANSITIONS.created, ...TRANSITIONS.unknown])
      if (state !== 'evaluated') expect(row).toContain(`\`request.${state}\``)
  })

  it('says how often there is a head', () => {
    expect(page).toContain(`Behind every ${HEAD_INTERVAL}nd entry`)
  })
})
