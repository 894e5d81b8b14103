import { describe, expect, it } from '@jest/globals'
import { createTestCommittee } from '../../src/testing/index.js'
import { ABORT_ROUND, INVITATION_ROUND, readEnvelopeHeader } from '../../src/transport/index.js'
import { payment } from '../helpers/payment.js'
import { readText, section } from './documents.js'

/** `ceremony round bytes` of each row of the table that says what a wallet sends. */
function documentedSizes(): string[] {
  const rows = section(readText('docs/protocol.md'), 'H. Messages')
  return rows.flatMap((row) => {
    const [, ceremony, round, bytes] = /^\| ([a-z ]+) \| (\d+)\D*? \| (\d+) \|$/.exec(row) ?? []
    return ceremony === undefined ? [] : [`${ceremony} ${round} ${bytes}`]
  })
}

describe('docs/protocol.md', () => {
  it('gives the size of every envelope that a wallet sends', async () => {
    await using committee = await createTestCommittee({ record: true })
    const cosigning = committee.user.cosign({ approve: ({ memo }) => memo === 'yes' })
    await committee.agent.signTransaction({ ...payment(), memo: 'yes' })
    await committee.agent.signTransaction({ ...payment(), memo: 'no' }).catch(() => {})
    await cosigning.close()

    const sent = committee.recorded.flatMap(({ envelope }) => {
      const { kind, round } = readEnvelopeHeader(envelope)
      const ceremony = kind === 1 ? 'key generation' : 'signing'
      // the details of a request are as long as its payload
      if (ceremony === 'signing' && round === INVITATION_ROUND) return []
      return [`${round === ABORT_ROUND ? 'any' : ceremony} ${round} ${envelope.length}`]
    })

    expect(documentedSizes().sort()).toEqual([...new Set(sent)].sort())
  })
})
