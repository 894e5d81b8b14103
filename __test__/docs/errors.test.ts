import { describe, expect, it } from '@jest/globals'
import { ERROR_TABLE } from '../../src/index.js'
import { codesIn, readText, section } from './documents.js'

const page = readText('docs/errors.md')

describe('docs/errors.md', () => {
  it('says of every code what the error table says', () => {
    const rows = Object.entries(ERROR_TABLE).map(
      ([code, { meaning, retryable, next }]) =>
        `| \`${code}\` | ${meaning} | ${retryable ? 'yes' : 'no'} | ${next} |`,
    )

    expect(section(page, 'Codes').filter((line) => line.startsWith('| `'))).toEqual(rows)
  })

  it('names every reason for which a payload is refused', () => {
    const source = readText('native/crates/intent/src/refusal.rs')
    const reasons = [...source.matchAll(/Self::\w+(?: \{ \.\. \})? => "([a-z0-9-]+)"/g)]

    expect(codesIn(section(page, 'Why a payload is refused'))).toEqual(
      reasons.map(([, code]) => code),
    )
  })

  it('names every code of a dropped envelope, and protocol.md the same', () => {
    const source = readText('native/crates/ceremony/src/channel.rs')
    const codes = [...source.matchAll(/=> "(ENVELOPE_\w+)"/g)].map(([, code]) => code)

    expect(codesIn(section(page, 'Dropped envelopes')).sort()).toEqual([...codes].sort())
    expect(codesIn(section(readText('docs/protocol.md'), 'G.4 Envelopes')).sort()).toEqual(
      [...codes].sort(),
    )
  })
})
