import { describe, expect, it } from '@jest/globals'
import { diagnostics, Vault } from '#native'
import { NOW } from '../helpers/native-committee.js'
import { beforeCommit, freshVault, untilCommit, write } from '../helpers/native-sealed.js'

describe('a commit of a session', () => {
  it('is taken once', async () => {
    const { session } = await beforeCommit()

    expect(session.takeBatch().writes.map(({ kind }) => kind)).toContain('create')
    expect(() => session.takeBatch()).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  it('is answered after it was taken, not before', async () => {
    const { session, records } = await beforeCommit()
    const early = expect.objectContaining({ code: 'INVALID_INPUT' })

    expect(() => session.committed(NOW, [])).toThrow(early)
    expect(() => session.commitFailed(NOW, false)).toThrow(early)

    const values = write(records, session.takeBatch())
    expect(await session.committed(NOW, values)).toMatchObject({ kind: 'continue' })
  })

  it('is answered once', async () => {
    const { session, batch, records } = await untilCommit()
    const values = write(records, batch)

    const going = session.committed(NOW, values)

    const busy = expect.objectContaining({ code: 'SESSION_BUSY' })
    expect(() => session.committed(NOW, values)).toThrow(busy)
    expect(() => session.commitFailed(NOW, false)).toThrow(busy)
    expect(() => session.takeBatch()).toThrow(busy)
    expect(await going).toMatchObject({ kind: 'continue' })
    const over = expect.objectContaining({ code: 'INVALID_INPUT' })
    expect(() => session.committed(NOW, values)).toThrow(over)
    expect(() => session.commitFailed(NOW, false)).toThrow(over)
  })

  it('can be answered again after the addon was too busy for the answer', async () => {
    const { session, batch, records } = await untilCommit()
    const values = write(records, batch)
    const { maxRounds, threads } = diagnostics()
    const password = new Uint8Array([1])
    const { header: costly } = await Vault.createWithPassword(password, true)
    const { header: another } = freshVault()
    const work = Array.from({ length: maxRounds }, (_, position) =>
      // what comes behind as many as there are threads waits for them, and is refused at once then
      Vault.unlockWithPassword(position < threads ? costly : another, password),
    )

    const busy = expect.objectContaining({ code: 'NATIVE_BUSY' })
    expect(() => session.committed(NOW, values)).toThrow(busy)
    expect(() => session.commitFailed(NOW, false)).toThrow(busy)

    await Promise.allSettled(work)
    expect(await session.committed(NOW, values)).toMatchObject({ kind: 'continue' })
  })

  it('is answered before anything else is done', async () => {
    const { session, batch, records } = await untilCommit()
    const busy = expect.objectContaining({ code: 'SESSION_BUSY' })

    expect(() => session.begin(NOW, [])).toThrow(busy)
    expect(() => session.receive(NOW, [])).toThrow(busy)
    expect(() => session.confirm(NOW, [])).toThrow(busy)

    const values = write(records, batch)
    expect(await session.committed(NOW, values)).toMatchObject({ kind: 'continue' })
  })

  it.each([
    ['the record exists', true, 'PROTOCOL_CONFIG'],
    ['the store wrote nothing', false, 'STORE_UNAVAILABLE'],
  ])('ends the session when %s', async (_, exists, code) => {
    const { session } = await untilCommit()

    const outcome = await session.commitFailed(NOW, exists)

    expect(outcome).toMatchObject({ kind: 'aborted', code })
    expect(() => session.takeBatch()).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }))
  })

  it("of a session that was disposed is nobody's", async () => {
    const { session, batch, records } = await untilCommit()
    const values = write(records, batch)

    session.dispose()

    const closed = expect.objectContaining({ code: 'SESSION_CLOSED' })
    expect(() => session.committed(NOW, values)).toThrow(closed)
    expect(() => session.commitFailed(NOW, true)).toThrow(closed)
  })
})
