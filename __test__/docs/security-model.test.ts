import { describe, expect, it } from '@jest/globals'
import { readText, section } from './documents.js'
import { testNames } from './test-names.js'

const known = testNames()

/** What stands in backticks in a cell. */
function named(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? [])
}

/** The cells of each row of the tables below a heading, without the head. */
function rows(page: string, heading: string): string[][] {
  return section(readText(page), heading)
    .filter((line) => line.startsWith('|') && !line.startsWith('|---'))
    .map((line) => line.slice(1, -1).split(' | '))
    .filter(([first = '']) => first.trim() !== 'attacker')
}

describe('docs/security-model.md', () => {
  const claims = rows('docs/security-model.md', 'Attackers')

  it('names a test for every claim, and every test that it names exists', () => {
    expect(claims.length).toBeGreaterThan(20)
    for (const claim of claims) expect(claim).toHaveLength(5)
    const tests = claims.map((claim) => named(claim.at(-1) ?? ''))
    expect(claims.filter((_, position) => tests[position]?.length === 0)).toEqual([])
    expect(tests.flat().filter((name) => !known.has(name))).toEqual([])
  })

  it('names only tests that exist for what is not protected too', () => {
    const text = section(readText('docs/security-model.md'), 'What is not protected').join('\n')
    const tests = named(text).filter((name) => /^[\w-]+::\w+::\w+$| › /.test(name))

    expect(tests.length).toBeGreaterThan(0)
    expect(tests.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('docs/INVARIANTS.md', () => {
  it('names a test for every invariant, and every test that it names exists', () => {
    const page = readText('docs/INVARIANTS.md')
    const invariants = page.split('\n').flatMap((line) => /^## (\d+\. .*)$/.exec(line)?.[1] ?? [])

    expect(invariants.length).toBeGreaterThan(5)
    const tests = invariants.map((invariant) => {
      const text = section(page, invariant).join('\n')
      return named(/^Tests: (.*)$/ms.exec(text)?.[1] ?? '')
    })
    expect(invariants.filter((_, position) => tests[position]?.length === 0)).toEqual([])
    expect(tests.flat().filter((name) => !known.has(name))).toEqual([])
  })
})

describe('the names of tests', () => {
  it('are found where they are, and not where they are not', () => {
    expect(
      known.has(
        'docs/security-model › the names of tests › are found where they are, and not where they are not',
      ),
    ).toBe(true)
    expect(known.has('dkls23::known_answers::keygen_2_of_3_is_the_models')).toBe(true)
    expect(known.has('ceremony::known_answers::keygen_2_of_3_is_the_models')).toBe(false)
    // it.each, and a property of proptest
    expect(known.has('transport/wire › a session descriptor › has %i participants')).toBe(true)
    expect(
      known.has(
        'intent::properties::every_transaction_of_the_second_encoder_is_read_with_its_fields',
      ),
    ).toBe(true)
    expect(known.has('intent::properties::valid')).toBe(false)
  })
})
