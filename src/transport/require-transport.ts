import { MpcWalletError } from '../errors.js'
import { invalid, requireFunction, requireObject } from '../guards.js'
import type { Transport } from './transport.js'

const METHODS = ['open', 'invitations', 'send', 'subscribe', 'close'] as const

/**
 * Checks a caller's transport, and gives one whose every failure has a code: its own where it has
 * one, else `TRANSPORT_UNAVAILABLE` with what was thrown as the cause.
 *
 * @throws {@link MpcWalletError} `INVALID_INPUT` naming the method that is missing.
 */
export function requireTransport(field: string, value: Transport): Transport {
  const transport = requireObject(field, value)
  for (const method of METHODS) requireFunction(`${field}.${method}`, transport[method])
  // asynchronous functions: what throws at once rejects, and what returns nothing resolves
  return {
    open: async (descriptor, signature) => {
      await calling(() => transport.open(descriptor, signature))
    },
    invitations: () => iterating(`${field}.invitations`, () => transport.invitations()),
    send: async (envelope) => {
      await calling(() => transport.send(envelope))
    },
    subscribe: (sessionId, after) =>
      iterating(`${field}.subscribe`, () => transport.subscribe(sessionId, after)),
    close: async () => {
      await calling(() => transport.close())
    },
  }
}

async function calling<Value>(call: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await call()
  } catch (error) {
    throw withCode(error)
  }
}

function iterating<Value>(field: string, start: () => AsyncIterable<Value>): AsyncIterable<Value> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = iteratorOf(field, start)
      return {
        next: () => calling(() => iterator.next()),
        return: () =>
          calling(async () => (await iterator.return?.()) ?? { done: true, value: undefined }),
      }
    },
  }
}

function iteratorOf<Value>(field: string, start: () => AsyncIterable<Value>): AsyncIterator<Value> {
  try {
    const iterable = start()
    if (typeof iterable?.[Symbol.asyncIterator] === 'function')
      return iterable[Symbol.asyncIterator]()
  } catch (error) {
    throw withCode(error)
  }
  throw invalid(field, 'must return an async iterable')
}

function withCode(error: unknown): MpcWalletError {
  if (error instanceof MpcWalletError) return error
  const wrapped = MpcWalletError.wrap(error)
  if (wrapped.code !== 'INTERNAL') return wrapped
  return new MpcWalletError('TRANSPORT_UNAVAILABLE', 'the transport failed', { cause: error })
}
