// Says that it is in the middle of the longest round of three sessions, and computes until it is terminated.
import { parentPort } from 'node:worker_threads'
import { deliver, keygenOf, strangers, untilLongestRound } from '../../helpers/native-committee.js'

for (;;) {
  const sessions = keygenOf(strangers())
  const envelopes = await untilLongestRound(sessions)
  const round = deliver(sessions, envelopes)
  parentPort?.postMessage('in the longest round')
  await round
}
