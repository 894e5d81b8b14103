import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  BaseError,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  parseEther,
  parseGwei,
  parseTransaction,
  recoverTransactionAddress,
  type serializeTransaction,
} from 'viem'
import { EvmAccountError, toViemAccount } from '../../src/evm/index.js'
import { ChainType, MpcWalletError, PartyRole } from '../../src/index.js'
import { type Anvil, startAnvil } from '../../src/testing/index.js'
import { sharedCommittee } from '../helpers/committee.js'
import { payee } from '../helpers/payment.js'

const committee = sharedCommittee()
let anvil: Anvil
beforeAll(async () => {
  anvil = await startAnvil()
})
afterAll(async () => {
  await anvil.close()
})

function clients(account: ReturnType<typeof toViemAccount>) {
  const chain = defineChain({
    id: anvil.chainId,
    name: 'anvil',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [anvil.url] } },
  })
  const options = { chain, transport: http(anvil.url), pollingInterval: 20 }
  return {
    wallet: createWalletClient({ ...options, account }),
    node: createPublicClient(options),
  }
}

describe('a viem account of a wallet', () => {
  it('has the address and key of the wallet, or of a path', () => {
    const { agent } = committee()
    const account = toViemAccount(agent, { path: 'm/60/1' })

    expect(toViemAccount(agent).address).toBe(agent.address(ChainType.Evm))
    expect(account).toMatchObject({
      address: agent.deriveAccount({ path: 'm/60/1' }).address,
      type: 'local',
      source: 'mpc',
      publicKey: expect.stringMatching(/^0x04[0-9a-f]{128}$/),
    })
  })

  const quorums = [
    ['agent', PartyRole.User, 'user'],
    ['agent', PartyRole.Recovery, 'recovery'],
    ['user', PartyRole.Recovery, 'recovery'],
  ] as const
  it.each(quorums)('pays on a chain when %s asks and %s co-signs', async (by, cosigner, other) => {
    const wallets = committee()
    await using _ = wallets[other].cosign({ approve: () => true })
    const account = toViemAccount(wallets[by], { cosigner })
    const { wallet, node } = clients(account)
    await anvil.fund(account.address, parseEther('1'))
    const before = await node.getBalance({ address: payee })
    const hash = await wallet.sendTransaction({ to: payee, value: parseEther('0.25') })

    expect(await node.waitForTransactionReceipt({ hash })).toMatchObject({ status: 'success' })
    expect((await node.getBalance({ address: payee })) - before).toBe(parseEther('0.25'))
  })

  it.each([
    ['legacy', { type: 'legacy', gasPrice: parseGwei('5') }],
    [
      'eip2930',
      {
        type: 'eip2930',
        gasPrice: parseGwei('5'),
        accessList: [{ address: payee, storageKeys: [] }],
      },
    ],
    ['eip1559', { type: 'eip1559', maxFeePerGas: parseGwei('5'), maxPriorityFeePerGas: 1n }],
  ] as const)('pays with %s transactions', async (type, fields) => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => true })
    const account = toViemAccount(agent, { path: `m/${type.length}` })
    const { wallet, node } = clients(account)
    await anvil.fund(account.address, parseEther('1'))
    const hash = await wallet.sendTransaction({
      to: payee,
      value: 1n,
      gas: 50_000n,
      ...fields,
    } as never)

    const { from, status } = await node.waitForTransactionReceipt({ hash })
    expect({ from, status }).toEqual({ from: account.address.toLowerCase(), status: 'success' })
    expect(await node.getTransaction({ hash })).toMatchObject({ type, value: 1n })
  })

  it('signs what the transaction was when signing began', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => true })
    const account = toViemAccount(agent)
    const transaction = {
      type: 'legacy',
      chainId: 1,
      to: payee,
      value: 1n,
      gas: 21_000n,
      gasPrice: 1n,
    } as const
    const mutable: { -readonly [Field in keyof typeof transaction]: unknown } = { ...transaction }
    const signing = account.signTransaction(mutable as never)
    mutable.value = 2n
    const signed = await signing

    expect(parseTransaction(signed)).toMatchObject({ value: 1n })
    expect(await recoverTransactionAddress({ serializedTransaction: signed as never })).toBe(
      account.address,
    )
  })

  it('signs the access list that there was when signing began', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => true })
    const key: `0x${string}` = `0x${'01'.repeat(32)}`
    const accessList = [{ address: payee, storageKeys: [key] }] as const
    const mutable = structuredClone(accessList) as unknown as { storageKeys: `0x${string}`[] }[]
    const fields = { type: 'eip2930', chainId: 1, to: payee, gas: 30_000n, gasPrice: 1n } as const
    const account = toViemAccount(agent)
    const signing = account.signTransaction({ ...fields, accessList: mutable as never })
    mutable[0]?.storageKeys.push(`0x${'02'.repeat(32)}`)
    const signed = await signing

    expect(parseTransaction(signed)).toMatchObject({ accessList: [{ storageKeys: [key] }] })
    expect(await recoverTransactionAddress({ serializedTransaction: signed as never })).toBe(
      account.address,
    )
  })

  it('passes on how long to wait, what stops it, and who hears of its rounds', async () => {
    const { agent } = committee()
    const transaction = { type: 'eip1559', chainId: 1, to: payee } as const
    const rounds: number[] = []
    const impatient = toViemAccount(agent, {
      timeoutMs: 20,
      onProgress: ({ round }) => rounds.push(round),
    })
    await expect(impatient.signTransaction(transaction)).rejects.toMatchObject({
      code: 'COSIGNER_OFFLINE',
      signatureMayExist: false,
    })
    const stopped = toViemAccount(agent, { signal: AbortSignal.abort() })
    await expect(stopped.signTransaction(transaction)).rejects.toMatchObject({ code: 'ABORTED' })

    expect(rounds).toEqual([1])
  })

  it.each([undefined, {}, '0x'])('is not made of %p', (wallet) => {
    expect(() => toViemAccount(wallet as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^wallet: /),
      }),
    )
  })

  it('passes a refusal on through viem, with code, culprits and the whole story', async () => {
    const { agent, user } = committee()
    await using _ = user.cosign({ approve: () => false })
    const account = toViemAccount(agent)
    const { wallet } = clients(account)
    await anvil.fund(account.address, parseEther('1'))
    const error = await wallet.sendTransaction({ to: payee, value: 1n }).catch((caught) => caught)

    expect(error).toBeInstanceOf(BaseError)
    const own = (error as BaseError).walk((cause) => cause instanceof EvmAccountError)
    expect(own).toMatchObject({
      name: 'EvmAccountError',
      code: 'CEREMONY_REFUSED',
      retryable: false,
      culprits: ['user'],
      details: expect.stringContaining('refused'),
    })
    expect((own as EvmAccountError).cause).toBeInstanceOf(MpcWalletError)
  })

  it.each<[string, (account: ReturnType<typeof toViemAccount>) => Promise<unknown> | undefined]>([
    ['a message', (account) => account.signMessage({ message: 'hello' })],
    [
      'typed data',
      (account) =>
        account.signTypedData({ types: {}, primaryType: 'EIP712Domain', domain: {} } as never),
    ],
    ['a bare hash', (account) => account.sign?.({ hash: `0x${'00'.repeat(32)}` })],
    [
      'an authorization',
      (account) => account.signAuthorization?.({ address: payee, chainId: 1, nonce: 0 }),
    ],
    [
      'an EIP-7702 transaction',
      (account) =>
        account.signTransaction({ type: 'eip7702', chainId: 1, to: payee, authorizationList: [] }),
    ],
    [
      'a blob transaction',
      (account) =>
        account.signTransaction({
          type: 'eip4844',
          chainId: 1,
          to: payee,
          blobVersionedHashes: [],
          maxFeePerBlobGas: 1n,
        }),
    ],
  ])('refuses to sign %s', async (_, sign) => {
    const account = toViemAccount(committee().agent)
    await expect(sign(account)).rejects.toMatchObject({
      name: 'EvmAccountError',
      code: 'PAYLOAD_REFUSED',
    })
  })

  it('refuses a transaction that would be valid on every chain', async () => {
    const account = toViemAccount(committee().agent)
    const refused = account.signTransaction({ type: 'legacy', to: payee, gasPrice: 1n })
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('refuses what a serializer makes of a transaction, if it cannot be read', async () => {
    const account = toViemAccount(committee().agent)
    const refused = account.signTransaction(
      { type: 'eip1559', chainId: 1, to: payee },
      { serializer: (() => '0x7e01') as unknown as typeof serializeTransaction },
    )
    await expect(refused).rejects.toMatchObject({ code: 'PAYLOAD_REFUSED' })
  })

  it("leaves viem's own errors as they are", async () => {
    const account = toViemAccount(committee().agent)
    const fees = { maxFeePerGas: 1n, maxPriorityFeePerGas: 2n }
    const refused = account.signTransaction({ type: 'eip1559', chainId: 1, to: payee, ...fees })
    await expect(refused).rejects.toMatchObject({ name: 'TipAboveFeeCapError' })
  })
})
