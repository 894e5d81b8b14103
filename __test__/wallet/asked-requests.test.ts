import { describe, expect, it } from '@jest/globals'
import { PartyRole } from '../../src/index.js'
import { AskedRequests } from '../../src/wallet/asked-requests.js'
import { FailedInvitations } from '../../src/wallet/failed-invitations.js'
import { toCeremonyId } from '../../src/wallet/ids.js'

function idOf(number: number) {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, number)
  return toCeremonyId(bytes)
}

const { Agent, Recovery } = PartyRole

describe('requests that were asked about', () => {
  it('are counted for each asking party by itself', () => {
    const asked = new AskedRequests()
    const expiresAtMs = Date.now() + 60_000
    for (let id = 0; id < 2_048; id += 1) asked.add(idOf(id), { from: Recovery, expiresAtMs })

    expect(() => asked.add(idOf(9_000), { from: Recovery, expiresAtMs })).toThrow(
      expect.objectContaining({ code: 'RELAY_QUOTA_EXHAUSTED' }),
    )
    expect(asked.has(idOf(9_000))).toBe(false)
    asked.add(idOf(9_001), { from: Agent, expiresAtMs })
    expect(asked.has(idOf(9_001))).toBe(true)
  })

  it('make room when they expire', () => {
    const asked = new AskedRequests()
    const expiresAtMs = Date.now() - 1
    for (let id = 0; id < 3_000; id += 1) asked.add(idOf(id), { from: Recovery, expiresAtMs })

    expect(asked.has(idOf(0))).toBe(false)
  })
})

describe('invitations that failed', () => {
  it('are remembered until they expire', () => {
    const failed = new FailedInvitations()
    failed.add(idOf(1), Date.now() + 60_000)
    failed.add(idOf(2), Date.now() - 1)

    expect([1, 2, 3].map((id) => failed.has(idOf(id)))).toEqual([true, false, false])
  })

  it('are forgotten, oldest first, when there are too many', () => {
    const failed = new FailedInvitations()
    for (let id = 0; id <= 4_096; id += 1) failed.add(idOf(id), Number.MAX_SAFE_INTEGER)

    expect([0, 1, 4_096].map((id) => failed.has(idOf(id)))).toEqual([false, true, true])
  })
})
