export {
  type CreateTestCommitteeParameters,
  createTestCommittee,
  type TestCommittee,
} from './create-test-committee.js'
export { type RecordedEnvelope, recordEnvelopes } from './record-envelopes.js'
export { type Anvil, startAnvil } from './start-anvil.js'
