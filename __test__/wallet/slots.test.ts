import { describe, expect, it } from '@jest/globals'
import { Slots } from '../../src/wallet/slots.js'

const { signal } = new AbortController()

describe('a number of places', () => {
  it('is never exceeded, and places are given in the order in which they were asked for', async () => {
    const slots = new Slots(2)
    const order: number[] = []
    let held = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        using _place = await slots.acquire(signal)
        order.push(index)
        held += 1
        most = Math.max(most, held)
        await new Promise(setImmediate)
        held -= 1
      }),
    )

    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(most).toBe(2)
  })

  it('is not changed by giving a place back twice', async () => {
    const slots = new Slots(1)
    const place = await slots.acquire(signal)
    place[Symbol.dispose]()
    place[Symbol.dispose]()
    await slots.acquire(signal)
    void slots.acquire(signal)

    expect(slots.waiting).toBe(1)
  })

  it('loses none to those who stop waiting, also in the moment when one comes free', async () => {
    const slots = new Slots(1)
    const place = await slots.acquire(signal)
    const controller = new AbortController()
    const early = slots.acquire(AbortSignal.abort(new Error('never waited')))
    await expect(early).rejects.toThrow('never waited')
    const late = slots.acquire(controller.signal)
    expect(slots.waiting).toBe(1)
    place[Symbol.dispose]()
    controller.abort(new Error('gave up'))
    await late.then(
      (given) => given[Symbol.dispose](),
      () => {},
    )

    await expect(slots.acquire(signal)).resolves.toBeDefined()
  })
})
