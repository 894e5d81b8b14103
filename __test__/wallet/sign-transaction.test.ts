import { describe, expect, it } from '@jest/globals'
import { hexToSignature, keccak256, recoverAddress, signatureToHex, toHex } from 'viem'
import {
  ChainType,
  type CosignRequest,
  type MpcAgentWallet,
  MpcWalletError,
  PartyRole,
  type SignTransactionParameters,
  type SignTransactionReturnType,
} from '../../src/index.js'
import { sharedCommittee } from '../helpers/committee.js'
import { collect, nextEvent } from '../helpers/events.js'
import { noSessionLeft } from '../helpers/live-sessions.js'
import { payee, payment } from '../helpers/payment.js'

const committee = sharedCommittee()
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** The address that a signature is of, by a library that is not ours. */
function signer({ r, s, yParity }: SignTransactionReturnType, transaction: `0x${string}`) {
  const signature = { r: toHex(r), s: toHex(s), yParity }
  return recoverAddress({ hash: keccak256(transaction), signature })
}

async function whileCosigning<Value>(
  wallet: MpcAgentWallet,
  work: () => Promise<Value>,
  approve: (request: CosignRequest) => boolean | Promise<boolean> = () => true,
): Promise<Value> {
  await using _ = wallet.cosign({ approve })
  return await work()
}

describe('a transaction', () => {
  const pairs = [
    ['agent', 'user'],
    ['agent', 'recovery'],
    ['user', 'agent'],
    ['user', 'recovery'],
    ['recovery', 'agent'],
    ['recovery', 'user'],
  ] as const
  it.each(pairs)('is signed by %s together with %s', async (by, cosigner) => {
    const wallets = committee()
    const { transaction, chain } = payment()
    const signed = await whileCosigning(wallets[cosigner], () =>
      wallets[by].signTransaction({ transaction, chain, cosigner }),
    )

    expect(await signer(signed, transaction)).toBe(wallets.agent.address(ChainType.Evm))
    expect(BigInt(toHex(signed.s))).toBeLessThanOrEqual(halfOrder)
    expect(toHex(signed.digest)).toBe(keccak256(transaction))
    expect(signed.recoveryId).toBe(signed.yParity)
  })

  it.each([
    ['eip1559', {}],
    [
      'eip2930',
      { type: 'eip2930', gasPrice: 5n, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined },
    ],
    [
      'legacy',
      { type: 'legacy', gasPrice: 5n, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined },
    ],
    ['one that creates a contract', { to: null, data: '0x6001600155' }],
    ['one that calls a contract', { data: '0xa9059cbb' }],
  ])('of type %s is signed', async (_, fields) => {
    const { agent, user } = committee()
    const { transaction, chain } = payment(fields as never)
    const signed = await whileCosigning(user, () => agent.signTransaction({ transaction, chain }))

    expect(await signer(signed, transaction)).toBe(agent.address(ChainType.Evm))
  })

  it('is signed for the account of a path', async () => {
    const { agent, user } = committee()
    const { transaction, chain } = payment()
    const { address } = user.deriveAccount({ path: 'm/60/7' })
    const signed = await whileCosigning(user, () =>
      agent.signTransaction({ transaction, chain, path: 'm/60/7' }),
    )

    expect(await signer(signed, transaction)).toBe(address)
    expect(address).not.toBe(agent.address(ChainType.Evm))
  })

  it('is taken as bytes as well as text, and may be changed as soon as the call is made', async () => {
    const { agent, user } = committee()
    const { transaction, chain } = payment()
    const bytes = Buffer.from(transaction.slice(2), 'hex')
    const signed = await whileCosigning(user, () => {
      const signing = agent.signTransaction({ transaction: bytes, chain })
      bytes.fill(0)
      return signing
    })

    expect(await signer(signed, transaction)).toBe(agent.address(ChainType.Evm))
  })

  it('is shown to the co-signer as its own reader found it', async () => {
    const { agent, user } = committee()
    const requests: CosignRequest[] = []
    const { transaction, chain } = payment({ nonce: 3 })
    const signed = await whileCosigning(
      user,
      () => agent.signTransaction({ transaction, chain, path: 'm/1', memo: 'invoice № 17' }),
      (request) => requests.push(request) > 0,
    )

    expect(requests).toEqual([
      {
        ceremonyId: signed.ceremonyId,
        from: PartyRole.Agent,
        idempotencyKey: expect.any(String),
        items: [
          {
            path: 'm/1',
            account: agent.deriveAccount({ path: 'm/1' }).address,
            kind: 'evm.transaction',
            chain,
            transaction: {
              type: 'eip1559',
              chainId: 31_337n,
              nonce: 3n,
              to: payee,
              value: 10n ** 17n,
              gas: 21_000n,
              maxFeePerGas: 20n * 10n ** 9n,
              maxPriorityFeePerGas: 10n ** 9n,
              data: '0x',
              accessList: [],
            },
            effects: [
              expect.objectContaining({ kind: 'transfer', amount: { exact: 10n ** 17n } }),
              expect.objectContaining({
                kind: 'feeOnly',
                amount: { upTo: 21_000n * 20n * 10n ** 9n },
              }),
            ],
            digest: keccak256(transaction),
          },
        ],
        memo: 'invoice № 17',
        expiresAtMs: expect.any(Number),
      },
    ])
  })

  it('costs two round trips and less than 50 kB from each side', async () => {
    const { agent, user } = committee()
    const [asked, answered] = [collect(agent, 'signed'), collect(user, 'signed')]
    const signed = await whileCosigning(user, () => agent.signTransaction(payment()))

    expect(signed.bytesSent).toBeLessThan(50_000)
    expect(signed.bytesReceived).toBeLessThan(50_000)
    const { ceremonyId, bytesSent, bytesReceived } = signed
    expect(asked).toMatchObject([{ ceremonyId, initiated: true, with: 'user', bytesSent }])
    expect(answered).toMatchObject([
      { ceremonyId, initiated: false, with: 'agent', bytesSent: bytesReceived },
    ])
  })

  it('reports its rounds to the caller, and those of no other ceremony', async () => {
    const { agent, user } = committee()
    const reported: { ceremonyId: string; round: number; missing: readonly string[] }[] = []
    const [one] = await whileCosigning(user, () =>
      Promise.all([
        agent.signTransaction({ ...payment(), onProgress: (progress) => reported.push(progress) }),
        agent.signTransaction(payment()),
      ]),
    )

    expect(new Set(reported.map(({ ceremonyId }) => ceremonyId))).toEqual(new Set([one.ceremonyId]))
    expect(reported[0]).toMatchObject({ kind: 'sign', round: 1, rounds: 3, missing: ['user'] })
    expect(reported.at(-1)).toMatchObject({ round: 3, missing: [] })
  })

  it('is signed though every listener throws', async () => {
    const { agent, user } = committee()
    const failures = collect(agent, 'listenerFailed')
    const offs = (['ceremony', 'signed', 'listenerFailed'] as const).map((event) =>
      agent.on(event, () => {
        throw new Error('of the listener')
      }),
    )
    const { transaction, chain } = payment()
    const signed = await whileCosigning(user, () =>
      agent.signTransaction({
        transaction,
        chain,
        onProgress: async () => Promise.reject(Error()),
      }),
    )
    for (const off of offs) off()

    expect(await signer(signed, transaction)).toBe(agent.address(ChainType.Evm))
    expect(failures.map(({ event }) => event)).toContain('signed')
  })
})

describe('signing ends without a signature', () => {
  it('when the co-signer is not there; the error names it and may be retried', async () => {
    const { agent } = committee()
    const failed = nextEvent(agent, 'failed')
    const refused = agent.signTransaction({ ...payment(), timeoutMs: 50 })

    await expect(refused).rejects.toMatchObject({
      code: 'COSIGNER_OFFLINE',
      culprits: ['user'],
      retryable: true,
    })
    expect(await failed).toMatchObject({ code: 'COSIGNER_OFFLINE', culprits: ['user'] })
  })

  it('when the caller aborts, with its reason', async () => {
    const { agent } = committee()
    const controller = new AbortController()
    const aborted = agent.signTransaction({ ...payment(), signal: controller.signal })
    const reason = new Error('changed my mind')
    controller.abort(reason)

    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
  })

  it('when the caller aborted before, and then nobody is asked', async () => {
    const { agent, user } = committee()
    const requests = collect(user, 'request')
    await whileCosigning(user, async () => {
      const signal = AbortSignal.abort('never')
      await expect(agent.signTransaction({ ...payment(), signal })).rejects.toMatchObject({
        code: 'ABORTED',
        cause: 'never',
      })
    })

    expect(requests).toEqual([])
  })

  it('and leaves nothing behind on the signal, after a yes, a no and an abort', async () => {
    const { agent, user } = committee()
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...all: Parameters<typeof addEventListener>) => {
      listeners += 1
      addEventListener.apply(signal, all)
    }
    signal.removeEventListener = (...all: Parameters<typeof removeEventListener>) => {
      listeners -= 1
      removeEventListener.apply(signal, all)
    }
    let answer = true
    await whileCosigning(
      user,
      async () => {
        await agent.signTransaction({ ...payment(), signal })
        answer = false
        await agent.signTransaction({ ...payment(), signal }).catch(() => {})
      },
      () => answer,
    )
    const aborted = agent.signTransaction({ ...payment(), signal })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })

    expect(listeners).toBe(0)
    await noSessionLeft()
  })

  it.each<[string, string]>([
    ['has bytes after its end', `${payment().transaction}00`],
    ['is signed already', hexOfSigned()],
    ['carries blobs', '0x03c0'],
    ['is for another chain', payment({ chainId: 1 }).transaction],
    ['is nothing of the kind', '0xdeadbeef'],
  ])('when the transaction %s', async (_, transaction) => {
    const { agent } = committee()
    const refused = agent.signTransaction({
      transaction: transaction as never,
      chain: payment().chain,
    })
    await expect(refused).rejects.toMatchObject({ code: 'PAYLOAD_REFUSED', retryable: false })
  })

  const good = { transaction: payment().transaction, chain: payment().chain }
  it.each<[string, unknown, string]>([
    ['there are no parameters', undefined, 'parameters'],
    ['the transaction is empty', { ...good, transaction: '0x' }, 'transaction'],
    ['the transaction is half a byte', { ...good, transaction: '0x0' }, 'transaction'],
    ['the transaction is no bytes', { ...good, transaction: [1, 2] }, 'transaction'],
    [
      'the transaction is over 128 KiB',
      { ...good, transaction: new Uint8Array(131_073) },
      'transaction',
    ],
    ['the chain is a number', { ...good, chain: 1 }, 'chain'],
    [
      'the chain is not one of EVM',
      { ...good, chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' },
      'chain',
    ],
    ['the chain has another spelling', { ...good, chain: 'eip155:01' }, 'chain'],
    ['the path is hardened', { ...good, path: "m/44'/60'" }, 'path'],
    ['the co-signer is nobody', { ...good, cosigner: 'bank' }, 'cosigner'],
    ['the co-signer is the caller', { ...good, cosigner: 'agent' }, 'cosigner'],
    ['the memo is over 512 bytes', { ...good, memo: 'é'.repeat(257) }, 'memo'],
    ['the memo moves the cursor', { ...good, memo: 'a\u001b[2Jb' }, 'memo'],
    ['the memo reverses the text', { ...good, memo: 'pay \u202e001' }, 'memo'],
    ['the memo is half a character', { ...good, memo: '\ud800' }, 'memo'],
    ['the timeout is negative', { ...good, timeoutMs: -1 }, 'timeoutMs'],
    ['the timeout is over 55 minutes', { ...good, timeoutMs: 3_300_001 }, 'timeoutMs'],
    ['the listener is none', { ...good, onProgress: {} }, 'onProgress'],
  ])('when %s', async (_, parameters, field) => {
    const { agent } = committee()
    const refused = agent.signTransaction(parameters as SignTransactionParameters)
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(new RegExp(`^${field}: `)),
    })
  })
})

describe('many signatures at once', () => {
  it('are each of their own transaction', async () => {
    const { agent, user, recovery } = committee()
    const second = recovery.cosign({ approve: () => true })
    const transactions = Array.from({ length: 40 }, (_, nonce) => payment({ nonce }))
    const signed = await whileCosigning(user, () =>
      Promise.all(
        transactions.map(({ transaction, chain }, position) =>
          agent.signTransaction({
            transaction,
            chain,
            cosigner: position % 2 === 0 ? PartyRole.User : PartyRole.Recovery,
          }),
        ),
      ),
    )
    await second.close()

    const signers = await Promise.all(
      signed.map((one, position) => signer(one, transactions[position]?.transaction ?? '0x')),
    )
    expect(new Set(signers)).toEqual(new Set([agent.address(ChainType.Evm)]))
    expect(new Set(signed.map(({ r }) => toHex(r))).size).toBe(40)
    await noSessionLeft()
  })

  it('go both ways at once', async () => {
    const { agent, user } = committee()
    await using _ = agent.cosign({ approve: () => true })
    const both = whileCosigning(user, () =>
      Promise.all([agent.signTransaction(payment()), user.signTransaction(payment())]),
    )

    await expect(both).resolves.toHaveLength(2)
  })
})

/** A transaction with some signature on it. */
function hexOfSigned(): string {
  const signature = hexToSignature(
    signatureToHex({ r: `0x${'11'.repeat(32)}`, s: `0x${'22'.repeat(32)}`, yParity: 0 }),
  )
  return payment().transaction.replace(
    /c0$/,
    `c080a0${signature.r.slice(2)}a0${signature.s.slice(2)}`,
  )
}

it('an error of the wallet is an MpcWalletError', async () => {
  const { agent } = committee()
  const error = await agent.signTransaction({ ...payment(), chain: 'x' }).catch((caught) => caught)
  expect(error).toBeInstanceOf(MpcWalletError)
})
