import vm from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import { ERROR_TABLE, MpcWalletError, type MpcWalletErrorCode } from '../src/index.js'

describe('MpcWalletError', () => {
  it('carries code, culprits and cause, and knows whether to try again', () => {
    const cause = new Error('why')
    const error = new MpcWalletError('PROTOCOL_TIMEOUT', 'no answer', { cause, culprits: ['user'] })

    expect(error).toMatchObject({
      name: 'MpcWalletError',
      code: 'PROTOCOL_TIMEOUT',
      message: 'no answer',
      retryable: true,
      culprits: ['user'],
      cause,
    })
  })

  it('has no fields that were not given', () => {
    const error = new MpcWalletError('ABORTED', 'stopped')
    expect(Object.keys(error).sort()).toEqual(['code', 'name', 'retryable', 'signatureMayExist'])
    expect('cause' in error).toBe(false)
  })

  it('may say that this one occurrence must not be retried', () => {
    const error = new MpcWalletError('PROTOCOL_TIMEOUT', 'no answer', { retryable: false })
    expect(error.retryable).toBe(false)
  })

  it('is never to be retried when a signature may exist', () => {
    const options = { retryable: true, signatureMayExist: true }

    for (const code of Object.keys(ERROR_TABLE) as MpcWalletErrorCode[]) {
      expect(new MpcWalletError(code, 'x', options).retryable).toBe(false)
      expect(new MpcWalletError(code, 'x').signatureMayExist).toBe(false)
    }
  })

  it('is recognised when it comes from another copy of the package', () => {
    const other = vm.runInNewContext(`
      class MpcWalletError extends Error { get [Symbol.for('@mpc-wallet/sdk/error')]() { return true } }
      new MpcWalletError('from elsewhere')
    `)
    expect(other).toBeInstanceOf(MpcWalletError)
    expect(other instanceof Error).toBe(false) // another realm
  })

  it('is nothing else', () => {
    for (const other of [new Error('no'), null, undefined, 'ABORTED', {}, { code: 'ABORTED' }])
      expect(other instanceof MpcWalletError).toBe(false)
  })

  it('does not make every error an instance of a subclass', () => {
    class Special extends MpcWalletError {}

    expect(new MpcWalletError('ABORTED', 'stopped') instanceof Special).toBe(false)
    expect(new Special('ABORTED', 'stopped') instanceof Special).toBe(true)
    expect(new Special('ABORTED', 'stopped') instanceof MpcWalletError).toBe(true)
  })
})

describe('wrapping', () => {
  it('keeps code, message and culprits of a native error, of any realm', () => {
    const native = vm.runInNewContext(
      `Object.assign(new Error('a peer refused'), { code: 'CEREMONY_REFUSED', culprits: ['user', 'nobody'] })`,
    )
    const wrapped = MpcWalletError.wrap(native)

    expect(wrapped).toBeInstanceOf(MpcWalletError)
    expect(wrapped).toMatchObject({
      code: 'CEREMONY_REFUSED',
      message: 'a peer refused',
      culprits: ['user'],
      cause: native,
    })
    expect(wrapped.stack).toContain('errors.test')
  })

  it('returns what is wrapped already', () => {
    const error = new MpcWalletError('ABORTED', 'stopped')
    expect(MpcWalletError.wrap(error)).toBe(error)
  })

  it.each([
    ['an error without a code', new Error('secret 123')],
    ['a code of somebody else', Object.assign(new Error('secret 123'), { code: 'ENOENT' })],
    ['a code that every object has', Object.assign(new Error('x'), { code: 'toString' })],
    ['text', 'secret 123'],
    ['nothing', undefined],
  ])('calls %s a defect, and does not repeat its text', (_, thrown) => {
    const wrapped = MpcWalletError.wrap(thrown)

    expect(wrapped).toMatchObject({ code: 'INTERNAL', message: 'internal error' })
    expect(wrapped.cause).toBe(thrown)
  })
})

describe('the error table', () => {
  it('says of every code what it means and what to do, in lower case', () => {
    for (const [code, { meaning, next }] of Object.entries(ERROR_TABLE)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z0-9]+)*$/)
      expect(meaning).toMatch(/^[a-z]/)
      expect(next).toMatch(/^[a-z]/)
    }
  })

  it('lets nobody retry what is misuse, a final decision or a proof of cheating', () => {
    const retryable = Object.entries(ERROR_TABLE)
      .filter(([, entry]) => entry.retryable)
      .map(([code]) => code)

    expect(retryable).toEqual([
      'APPROVAL_REQUIRED',
      'POLICY_STALE',
      'PROTOCOL_TIMEOUT',
      'STORE_LOCKED',
      'STORE_FULL',
      'WALLET_PENDING',
      'APPROVAL_MISSING',
      'RECOVERY_WAITING',
      'EPOCH_BEHIND',
      'STORE_UNAVAILABLE',
      'NATIVE_BUSY',
      'COSIGNER_OFFLINE',
      'TRANSPORT_UNAVAILABLE',
      'UNLOCK_UNAVAILABLE',
      'RPC_UNAVAILABLE',
      'RELAY_QUOTA_EXHAUSTED',
    ])
  })
})
