import { describe, expect, it } from '@jest/globals'
import { readDecodedPayload } from '../../src/wallet/decoded-payload.js'

const transaction = {
  type: 'legacy',
  chainId: '1',
  nonce: '0',
  gas: '21000',
  value: '5',
  data: '0x',
  gasPrice: '1',
}
const transfer = {
  kind: 'transfer',
  asset: 'eip155:1/slip44:60',
  amount: { exact: '5' },
  confidence: 'exact',
  deferred: false,
}

function read(...effects: readonly Record<string, unknown>[]) {
  return readDecodedPayload(
    JSON.stringify({
      kind: 'evm.transaction',
      chain: 'eip155:1',
      digest: '0x00',
      transaction,
      effects,
    }),
  )
}

describe('the effects of a payload', () => {
  it('are read with their amounts', () => {
    const fee = { ...transfer, kind: 'feeOnly', amount: { upTo: '21000' } }
    const { effects } = read(transfer, fee, {
      kind: 'unknown',
      confidence: 'unknown',
      deferred: false,
    })

    expect(effects).toEqual([
      { ...transfer, amount: { exact: 5n } },
      { ...fee, amount: { upTo: 21_000n } },
      { kind: 'unknown', confidence: 'unknown', deferred: false },
    ])
  })

  it.each(['transfer', 'feeOnly'])('are never a %s of nothing in particular', (kind) => {
    for (const missing of ['asset', 'amount'])
      expect(() => read({ ...transfer, kind, [missing]: undefined })).toThrow(
        expect.objectContaining({ code: 'INTERNAL' }),
      )
  })
})
