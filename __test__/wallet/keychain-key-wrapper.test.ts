import { describe, expect, it } from '@jest/globals'
import { keychainKeyWrapper } from '../../src/index.js'
import { lastLine, PATIENCE_MS, runToEnd } from '../helpers/native-process.js'
import { besideKeychain, hasSecretService } from '../helpers/secret-service.js'
import { inDirectory } from '../helpers/stores.js'

const SCRIPT = '../../wallet/processes/keychain-process.ts'
const IDENTITY = expect.stringMatching(/^[0-9a-f]{64}$/)
/** Where the tests have to run, a keychain is installed; elsewhere these tests say that they did not run. */
const withKeychain = hasSecretService ? describe : describe.skip

describe('keychainKeyWrapper', () => {
  it('says that its package is missing', async () => {
    await inDirectory(async (directory) => {
      const missing = [directory, 'open', 'a-package-that-is-not-there']
      const ended = await runToEnd(SCRIPT, { arguments: missing })
      expect(lastLine(ended)).toEqual(['PEER_MISSING'])
    })
  })

  it('says that there is no keychain, and never keeps the key in the keyring of the kernel instead', async () => {
    await inDirectory(async (directory) => {
      const nowhere = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${directory}/no-bus` }
      const ended = await runToEnd(SCRIPT, { arguments: [directory, 'open'], env: nowhere })
      expect(lastLine(ended)).toEqual(['UNLOCK_UNAVAILABLE'])
    })
  })

  it.each([
    ['account', { account: '' }],
    ['account', { account: 'a'.repeat(129) }],
    ['account', { account: 'a\0b' }],
    ['account', { account: '\ud800' }],
    ['account', { account: 7 as never }],
    ['service', { account: 'a', service: '' }],
    ['service', { account: 'a', service: 's'.repeat(129) }],
  ])('refuses %s in %p', (field, parameters) => {
    expect(() => keychainKeyWrapper(parameters)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(`^${field}:`),
      }),
    )
  })

  it('takes names of 128 characters', () => {
    const [account, service] = ['a'.repeat(128), 's'.repeat(128)]
    expect(keychainKeyWrapper({ account, service }).name).toBe('keychain')
  })

  it('refuses a header that names no entry before it asks the keychain', async () => {
    const { unwrap } = keychainKeyWrapper({ account: 'agent' })
    await expect(unwrap(new TextEncoder().encode('../another'))).rejects.toMatchObject({
      code: 'SHARE_UNREADABLE',
    })
  })
})

withKeychain('a keychain of the Secret Service', () => {
  it(
    'opens each store of an account again, with an entry for each',
    async () => {
      await inDirectory(async (directory) => {
        const { opened, accounts } = besideKeychain(directory, 'twice') as {
          readonly opened: readonly string[]
          readonly accounts: readonly string[]
        }

        expect(opened).toEqual([IDENTITY, IDENTITY, opened[0], opened[1]])
        expect(opened[0]).not.toBe(opened[1])
        expect(new Set(accounts).size).toBe(2)
        for (const account of accounts) expect(account).toMatch(/^agent\/[0-9a-f-]{36}$/)
      })
    },
    PATIENCE_MS,
  )

  it(
    'still has the key after it was locked and unlocked, and gives it to no other account or service',
    async () => {
      await inDirectory(async (directory) => {
        const [made] = besideKeychain(directory, 'open') as [string]

        expect(besideKeychain(directory, 'open', { locked: true })).toEqual(['UNLOCK_UNAVAILABLE'])
        const absent = 'UNLOCK_KEY_ABSENT'
        expect(besideKeychain(directory, 'others')).toEqual([absent, absent, made])
      })
    },
    PATIENCE_MS,
  )

  it(
    'with another key, or without the entry, opens nothing and makes no other key',
    async () => {
      await inDirectory(async (directory) => {
        const [made] = besideKeychain(directory, 'open') as [string]

        const wrong = ['WRONG_PASSWORD', 'WRONG_PASSWORD', 'WRONG_PASSWORD']
        const deleted = ['UNLOCK_KEY_ABSENT', '0']
        expect(besideKeychain(directory, 'changed')).toEqual([...wrong, ...deleted, made])
      })
    },
    PATIENCE_MS,
  )
})
