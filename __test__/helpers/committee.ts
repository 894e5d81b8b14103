import { afterAll, beforeAll } from '@jest/globals'
import { createTestCommittee, type TestCommittee } from '../../src/testing/index.js'

/** One committee for all tests of a file, closed after them. */
export function sharedCommittee(): () => TestCommittee {
  let committee: TestCommittee | undefined
  beforeAll(async () => {
    committee = await createTestCommittee()
  })
  afterAll(async () => {
    await committee?.close()
  })
  return () => {
    if (committee === undefined) throw new Error('the committee exists in tests only')
    return committee
  }
}
