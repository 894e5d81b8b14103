import { describe, expect, it } from '@jest/globals'
import { isAddress } from 'viem'
import { HDKey } from 'viem/accounts'
import { publicKeyToAddress } from 'viem/utils'
import { toHex } from '../../src/hex.js'
import { ChainType } from '../../src/index.js'
import { uncompressedKey } from '../../src/uncompressed-key.js'
import { parseDerivationPath } from '../../src/wallet/derivation-path.js'
import { evmAddress } from '../../src/wallet/evm-address.js'
import { sharedCommittee } from '../helpers/committee.js'

const committee = sharedCommittee()

describe('an account', () => {
  it('of path m is the address of the wallet', () => {
    const { agent } = committee()
    expect(agent.deriveAccount({ path: 'm' }).address).toBe(agent.address(ChainType.Evm))
  })

  it('is the same at each party, and another one for each path', () => {
    const { agent, user, recovery } = committee()
    const paths = ['m', 'm/0', 'm/1', 'm/60/0', 'm/60/1', 'm/2147483647']
    const accounts = paths.map((path) => agent.deriveAccount({ path }))

    expect(paths.map((path) => user.deriveAccount({ path }))).toEqual(accounts)
    expect(paths.map((path) => recovery.deriveAccount({ path }))).toEqual(accounts)
    expect(new Set(accounts.map(({ address }) => address)).size).toBe(paths.length)
  })

  it('has a checksummed address and a compressed key', () => {
    const { address, publicKey } = committee().agent.deriveAccount({ path: 'm/60/0' })

    expect(isAddress(address, { strict: true })).toBe(true)
    expect(address).toBe(publicKeyToAddress(toHex(uncompressedKey(publicKey))))
    expect(publicKey).toHaveLength(33)
  })

  it.each<[string, unknown, string]>([
    ['no path', undefined, 'path'],
    ['text without a root', '60/0', 'path'],
    ['an upper-case root', 'M/0', 'path'],
    ['an empty step', 'm//0', 'path'],
    ['a trailing slash', 'm/0/', 'path'],
    ['a hardened step', "m/44'/0", 'path'],
    ['a hardened step in other notation', 'm/44h', 'path'],
    ['a step of 2^31', 'm/2147483648', 'path'],
    ['a negative step', 'm/-1', 'path'],
    ['a step with a leading zero', 'm/01', 'path'],
    ['a fraction', 'm/1.5', 'path'],
    ['256 steps', `m${'/0'.repeat(256)}`, 'path'],
  ])('is refused for %s', (_, path, field) => {
    const { agent } = committee()
    expect(() => agent.deriveAccount({ path: path as string })).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(new RegExp(`^${field}: `)),
      }),
    )
  })

  it('may have 255 steps', () => {
    expect(parseDerivationPath('path', `m${'/1'.repeat(255)}`)).toHaveLength(255)
  })

  it('exists on chains of a known family only', () => {
    expect(() => committee().agent.address('solana' as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^chainType: /),
      }),
    )
  })
})

describe('the EVM address of a key', () => {
  it('is the one that another library computes, for a hundred keys', () => {
    const root = HDKey.fromMasterSeed(new Uint8Array(32).fill(1))
    for (let index = 0; index < 100; index += 1) {
      const { publicKey } = root.deriveChild(index)
      if (publicKey === null) throw new Error('HDKey without a public key')
      expect(evmAddress(publicKey)).toBe(publicKeyToAddress(toHex(uncompressedKey(publicKey))))
    }
  })
})
