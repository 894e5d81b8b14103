import { describe, expect, it } from '@jest/globals'
import { canonicalJson, parseCanonicalJson } from '../src/canonical-json.js'

describe('canonical JSON', () => {
  it('is the example of RFC 8785, section 3.2.2', () => {
    const value = {
      numbers: JSON.parse('[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]'),
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    }

    expect(canonicalJson('value', value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('orders keys by UTF-16 units, as in RFC 8785, section 3.2.3', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6']
    const value = Object.fromEntries(keys.map((key) => [key, key]))

    const text = canonicalJson('value', value)

    const ordered = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33']
    const members = ordered.map((key) => `${JSON.stringify(key)}:${JSON.stringify(key)}`)
    expect(text).toBe(`{${members.join(',')}}`)
  })

  it.each([
    ['undefined', { a: undefined }],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['a hole in a list', new Array(1)],
    ['a function', () => {}],
    ['bytes', new Uint8Array(1)],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['an object of a class', new (class Amount {})()],
    ['more than 32 levels', JSON.parse('['.repeat(33) + ']'.repeat(33))],
  ])('does not write %s', (_, value) => {
    expect(() => canonicalJson('value', value)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  it('is read from its one text', () => {
    for (const text of [
      'null',
      '[1,"a",{"a":1,"b":{}}]',
      '{"__proto__":1}',
      '['.repeat(32) + ']'.repeat(32),
    ])
      expect(canonicalJson('value', parseCanonicalJson(text))).toBe(text)
  })

  it.each([
    ['a space', '{"a": 1}'],
    ['keys out of order', '{"b":1,"a":1}'],
    ['a key twice', '{"a":1,"a":1}'],
    ['another spelling of a number', '1.0'],
    ['another spelling of a letter', '"\\u0061"'],
    ['minus zero', '-0'],
    ['a number that is rounded', '9007199254740993'],
    ['a byte order mark', '\ufeff1'],
    ['no JSON', '{'],
    ['nothing', ''],
    ['a million levels', '['.repeat(1_000_000)],
    ['a million closed levels', '['.repeat(1_000_000) + ']'.repeat(1_000_000)],
  ])('is not read from a text with %s', (_, text) => {
    expect(parseCanonicalJson(text)).toBeUndefined()
  })
})
