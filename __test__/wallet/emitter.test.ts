import { describe, expect, it } from '@jest/globals'
import { Emitter, type ListenerFailure } from '../../src/wallet/emitter.js'

function emitter() {
  const events = new Emitter<{ ping: number; listenerFailed: ListenerFailure }>()
  const failures: ListenerFailure[] = []
  events.on('listenerFailed', (failure) => failures.push(failure))
  return { events, failures }
}

describe('an emitter', () => {
  it('calls every listener in order', () => {
    const { events } = emitter()
    const calls: string[] = []
    events.on('ping', (value) => calls.push(`first ${value}`))
    events.on('ping', (value) => calls.push(`second ${value}`))
    events.emit('ping', 1)

    expect(calls).toEqual(['first 1', 'second 1'])
  })

  it('calls a function that listens twice twice, until each is removed', () => {
    const { events } = emitter()
    let calls = 0
    const listener = (): void => {
      calls += 1
    }
    const [first, second] = [events.on('ping', listener), events.on('ping', listener)]
    events.emit('ping', 1)
    first()
    first()
    events.emit('ping', 2)
    second()
    events.emit('ping', 3)

    expect(calls).toBe(3)
  })

  it('survives a listener that throws, and one that rejects, and tells', async () => {
    const { events, failures } = emitter()
    const [thrown, rejected] = [new Error('thrown'), new Error('rejected')]
    const calls: number[] = []
    events.on('ping', () => {
      throw thrown
    })
    events.on('ping', () => Promise.reject(rejected))
    events.on('ping', (value) => calls.push(value))
    events.emit('ping', 1)
    await new Promise(setImmediate)

    expect(calls).toEqual([1])
    expect(failures).toEqual([
      { event: 'ping', error: thrown },
      { event: 'ping', error: rejected },
    ])
  })

  it('survives a listener of failures that fails', () => {
    const { events, failures } = emitter()
    events.on('listenerFailed', () => {
      throw new Error('again')
    })
    events.on('ping', () => {
      throw new Error('first')
    })
    events.emit('ping', 1)

    expect(failures).toHaveLength(1)
  })

  it('lets a listener remove itself and others while it is called', () => {
    const { events } = emitter()
    const calls: string[] = []
    const off = events.on('ping', () => {
      off()
      calls.push('once')
    })
    events.emit('ping', 1)
    events.emit('ping', 2)

    expect(calls).toEqual(['once'])
  })
})
