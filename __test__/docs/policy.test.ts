import { describe, expect, it } from '@jest/globals'
import { PolicyConfig } from '../../src/index.js'
import { codeBlocks, readText, section } from './documents.js'
import { runExample } from './examples.js'

const EXAMPLE = 'examples/policy.mjs'
const page = readText('docs/policy.md')

describe('docs/policy.md', () => {
  it('shows code of the example and no other', () => {
    const example = readText(EXAMPLE)
    const blocks = codeBlocks(page, 'js')

    expect(blocks.length).toBeGreaterThan(6)
    expect(blocks.filter((block) => !example.includes(block))).toEqual([])
  })

  it('evaluates, asks persons, counts, stops and changes a policy', async () => {
    const limit = 'limit per transaction of eip155:1/slip44:60'
    expect(await runExample(EXAMPLE)).toEqual([
      '0.5 approved',
      '0.6 requiresAdditionalApproval',
      '1.1 rejected',
      `rejected by spendingLimits: ${limit}: 1100000000000000000 asked, 1000000000000000000 of 1000000000000000000 left`,
      'user reads transfer 600000000000000000n',
      'recovery reads transfer 600000000000000000n',
      'signed 1',
      'frozen POLICY_REJECTED rejected by builtin/frozen: the wallet is frozen by one of its approvers',
      'frozen false false',
      'rules[velocity] at most 10 requests in 3600000 ms false',
      'policy-in-force version 2',
      'policy-waiting 24 hours',
    ])
  })

  it('names every step that a policy is built with', () => {
    const steps = Object.getOwnPropertyNames(PolicyConfig.prototype).filter((name) =>
      name.startsWith('with'),
    )

    expect(steps.length).toBeGreaterThan(20)
    expect(steps.filter((step) => !page.includes(step))).toEqual([])
  })

  it('says of every built-in rule what it does, and of no other', () => {
    const source = ['evaluate', 'evaluate/guards', 'evaluate/decision']
      .map((file) => readText(`native/crates/policy/src/${file}.rs`))
      .join('')
    const rules = [...source.matchAll(/"builtin\/([a-z-]+)"/g)].flatMap(([, rule]) => rule ?? [])
    const rows = section(page, 'What is always refused or asked')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([a-z-]+)`/g)])
      .map(([, rule]) => rule)

    expect(rules.length).toBeGreaterThan(8)
    expect(rows.sort()).toEqual([...new Set(rules)].sort())
  })
})
