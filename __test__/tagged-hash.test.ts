import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { HASH_TAGS, type HashTag, taggedHash } from '../src/tagged-hash.js'

interface Vectors {
  readonly H: readonly { tag: HashTag; parts: readonly string[]; hash: string }[]
}

describe('the tagged hash', () => {
  it('is that of the executable model', () => {
    const { H }: Vectors = JSON.parse(readFileSync('__test__/vectors/dkls23/hash.json', 'utf8'))

    expect(H.length).toBeGreaterThan(3)
    for (const { tag, parts, hash } of H) {
      const bytes = parts.map((part) => new Uint8Array(Buffer.from(part, 'hex')))
      expect(Buffer.from(taggedHash(tag, ...bytes)).toString('hex')).toBe(hash)
    }
  })

  it('takes text as UTF-8', () => {
    expect(taggedHash('audit-entry', '€')).toEqual(
      taggedHash('audit-entry', new Uint8Array([0xe2, 0x82, 0xac])),
    )
  })

  it('has no tag that the one list of tags does not have', () => {
    const list = readFileSync('native/crates/tagged-hash/src/tags.rs', 'utf8')

    for (const tag of HASH_TAGS) expect(list).toContain(` = "${tag}";`)
  })
})
