import { parseEther, parseGwei, serializeTransaction, type TransactionSerializable } from 'viem'

/** Somebody to pay. */
export const payee = '0x00000000000000000000000000000000DeaDBeef'

/** An unsigned payment on chain 31337, and what `signTransaction` takes of it. */
export function payment(fields: Partial<TransactionSerializable> = {}) {
  const transaction = {
    type: 'eip1559',
    chainId: 31_337,
    nonce: 0,
    to: payee,
    value: parseEther('0.1'),
    gas: 21_000n,
    maxFeePerGas: parseGwei('20'),
    maxPriorityFeePerGas: parseGwei('1'),
    ...fields,
  } as TransactionSerializable // the fields given are those of the type given
  return { transaction: serializeTransaction(transaction), chain: 'eip155:31337' }
}
