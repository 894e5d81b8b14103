import { setTimeout as after } from 'node:timers/promises'
import { beforeEach, expect } from '@jest/globals'
import { diagnostics } from '#native'

let before = 0

beforeEach(() => {
  before = diagnostics().liveSessions
})

/**
 * Every session that the test began has ended. Others of this process may be there: those that an
 * earlier suite let go of live until they are collected, and a round that was cancelled ends when it looks.
 */
export async function noSessionLeft(): Promise<void> {
  for (let turns = 0; diagnostics().liveSessions > before && turns < 500; turns += 1)
    await after(10)
  expect(diagnostics().liveSessions).toBeLessThanOrEqual(before)
}
