import { describe, expect, it } from '@jest/globals'
import { codeBlocks, readText } from './documents.js'
import { runExample } from './examples.js'

const RECOVER = 'examples/recover-the-agent.mjs'
const REPLACE = 'examples/replace-the-phone.mjs'
const REFRESH = 'examples/refresh.mjs'

describe('docs/when-things-go-wrong.md', () => {
  it('shows code of the examples and no other', () => {
    const examples = [RECOVER, REPLACE, REFRESH].map(readText)
    const blocks = codeBlocks(readText('docs/when-things-go-wrong.md'), 'js')

    expect(blocks.length).toBeGreaterThan(6)
    expect(blocks.filter((block) => !examples.some((example) => example.includes(block)))).toEqual(
      [],
    )
  })

  it('gives a lost server a successor at the same address', async () => {
    const [before = '', after = ''] = await runExample(RECOVER)

    const address = before.slice('before '.length)
    expect(address).toMatch(/^0x[0-9a-fA-F]{40}$/)
    expect(after).toBe(`after  ${address} epoch 2`)
  })

  it('makes the guardian wait seven days for another phone, and stops when the user objects', async () => {
    expect(await runExample(REPLACE)).toEqual([
      'agent waiting 168 hours',
      'recovery waiting 168 hours',
      'agent RECOVERY_WAITING',
      'agent vetoed',
      'recovery vetoed',
    ])
  })

  it('opens a wallet after a restart, and makes a copied disk worthless by a refresh', async () => {
    expect(await runExample(REFRESH)).toEqual([
      'restarted true',
      'refreshed 2n',
      'copy      EPOCH_BEHIND',
      'agent     true',
    ])
  })
})
