import { describe, expect, it } from '@jest/globals'
import { Identity, type Vault } from '#native'
import { freshVault } from '../helpers/native-sealed.js'

const identity = Identity.generate('agent')

/** The one record of a new store under a vault's key. */
function sealIn(vault: Vault): { id: string; value: Uint8Array }[] {
  const { writes } = vault.store([]).sealIdentity(identity)
  return writes.map(({ id, value = new Uint8Array() }) => ({ id, value }))
}

/** The code with which a vault refuses a record, or that it is the identity. */
function opens(vault: Vault, [record]: readonly { value?: Uint8Array }[]): unknown {
  try {
    const opened = vault.openIdentity(record?.value ?? new Uint8Array())
    return Buffer.compare(opened.identityKey, identity.identityKey) === 0
  } catch (error) {
    return (error as { code: unknown }).code
  }
}

const moved = ({ writes }: ReturnType<Vault['rewrap']>) =>
  writes.map(({ id, value = new Uint8Array() }) => ({ id, value }))

describe('a vault that moves to the key of another one', () => {
  it('opens records under both, seals under the next, and moves each once', () => {
    const [vault, next] = [freshVault(), freshVault()]
    const before = sealIn(vault)

    vault.moveTo(next)

    const after = sealIn(vault)
    expect([opens(vault, before), opens(vault, after), opens(next, after)]).toEqual(
      Array(3).fill(true),
    )
    expect(opens(next, before)).toBe('SHARE_UNREADABLE')
    const records = moved(vault.rewrap([...before, ...after]))
    expect(records).toHaveLength(1)
    expect(opens(next, records)).toBe(true)
    expect(vault.rewrap(records).writes).toEqual([])
    expect(vault.header).toEqual(next.header)
  })

  it('opens nothing of the first key once that is forgotten', () => {
    const [vault, next] = [freshVault(), freshVault()]
    const before = sealIn(vault)
    vault.moveTo(next)

    vault.forgetPrevious()

    expect([opens(vault, before), opens(vault, sealIn(next))]).toEqual(['SHARE_UNREADABLE', true])
    expect(vault.rewrap(before).writes).toEqual([])
  })

  it('refuses to move on before the move is done', () => {
    const vault = freshVault()
    vault.moveTo(freshVault())

    expect(() => vault.moveTo(freshVault())).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  it('goes on from either of the two, and from no third one', () => {
    const [vault, next, third] = [freshVault(), freshVault(), freshVault()]
    const { forward, back } = vault.linkTo(next)
    const [first, second] = [sealIn(vault), sealIn(next)]
    const refuses = (go: () => void): unknown => {
      try {
        return go()
      } catch (error) {
        return (error as { code: unknown }).code
      }
    }

    const wrong = 'SHARE_UNREADABLE'
    expect([
      refuses(() => third.moveForward(next.header, forward)),
      refuses(() => third.reachBack(vault.header, back)),
      refuses(() => vault.moveForward(third.header, forward)),
      refuses(() => vault.moveForward(next.header, back)),
      refuses(() => next.reachBack(third.header, back)),
    ]).toEqual(Array(5).fill(wrong))
    const previous = vault.header
    vault.moveForward(next.header, forward)
    expect([opens(vault, first), opens(vault, second)]).toEqual([true, true])
    next.reachBack(previous, back)
    expect([opens(next, first), opens(next, second)]).toEqual([true, true])
  })
})

describe('a vault that is locked', () => {
  it('opens and seals nothing any more, nor does what it gave its store to', () => {
    const vault = freshVault()
    const store = vault.store([])
    const records = sealIn(vault)

    vault.lock()

    expect(opens(vault, records)).toBe('SESSION_CLOSED')
    for (const use of [
      () => store.sealIdentity(identity),
      () => vault.rewrap(records),
      () => vault.linkTo(freshVault()),
      () => vault.forgetPrevious(),
      () => freshVault().moveTo(vault),
    ])
      expect(use).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }))
  })
})
