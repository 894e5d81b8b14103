import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { toBytes } from 'viem'
import { Intent } from '#native'
import { PAIRS } from '../helpers/native-committee.js'
import { PATIENCE_MS } from '../helpers/native-process.js'
import { addressOf, derivedFrom, senderOf } from '../helpers/native-signature.js'
import { type Made, ThreeProcesses } from '../helpers/native-three-processes.js'
import { payloadOf, randomness, randomTransaction } from '../helpers/native-transactions.js'

jest.setTimeout(PATIENCE_MS)

const SEED = 'three processes'

describe('three parties in three processes, over pipes', () => {
  let processes: ThreeProcesses
  let made: Made

  beforeAll(async () => {
    processes = new ThreeProcesses()
    made = await processes.makeWallet()
  })

  afterAll(async () => {
    await processes.end()
  })

  it('show the same six words', () => {
    const [words = []] = made.words

    expect(new Set(made.processes).size).toBe(3)
    expect(words).toHaveLength(6)
    expect(made.words).toEqual([words, words, words])
  })

  it('have a wallet with the same addresses', () => {
    const addresses = made.wallets.map((wallet) =>
      [[], [0], [44, 60, 0]].map((path) => addressOf(derivedFrom(wallet, path))),
    )

    expect(addresses).toEqual([addresses[0], addresses[0], addresses[0]])
    expect(new Set(addresses.flat()).size).toBe(3)
  })

  it.each(PAIRS.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]))(
    'sign what %s asks of %s, and viem recovers the address',
    async (initiator, cosigner) => {
      const path = [7, 1]
      const transaction = randomTransaction(randomness(`${SEED}/${initiator}/${cosigner}`))
      const payload = payloadOf(transaction)

      const { asked, atInitiator, atCosigner } = await processes.sign({
        ...{ initiator, cosigner, payload, path },
        memo: 'rent',
      })

      expect(asked).toMatchObject({ from: initiator, memo: 'rent' })
      expect(asked.payload).toBe(Intent.parse(payload, accountAt(path)).describe())
      expect(atCosigner).toEqual(atInitiator)
      for (const wallet of made.wallets)
        expect(await senderOf(transaction, atInitiator)).toBe(addressOf(derivedFrom(wallet, path)))
    },
  )

  /** The account at a path, 20 bytes. */
  function accountAt(path: readonly number[]): Uint8Array {
    const [wallet] = made.wallets
    if (wallet === undefined) throw new Error('no wallet was made')
    return toBytes(addressOf(derivedFrom(wallet, path)))
  }

  it('end by themselves when the pipes are closed', async () => {
    const others = new ThreeProcesses()

    expect(await others.end()).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ])
  })
})
