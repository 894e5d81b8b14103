// Makes 10,000 sessions three times over, disposes of none, and collects them.
import { setImmediate as turn } from 'node:timers/promises'
import { diagnostics, Session } from '#native'
import {
  authorizationIn,
  committee,
  keygenOf,
  MINUTE,
  NOW,
  ROLES,
  read,
  requestOf,
  strangers,
  untilLongestRound,
} from '../../helpers/native-committee.js'
import { recipientOf } from '../../helpers/native-envelope.js'

const collect = globalThis.gc
if (collect === undefined) throw new Error('needs --expose-gc')

const wallets = await committee()
const generations = []
for (let generation = 0; generation < 3; generation += 1) {
  wallets.agent.confirmLimits(NOW) // that the clock stands still is believed for a minute at most
  const made = makeSessions()
  let turns = 0
  for (; diagnostics().liveSessions > 0 && turns < 1_000; turns += 1) {
    collect()
    await turn()
  }
  generations.push({
    made,
    turns,
    live: diagnostics().liveSessions,
    rss: process.memoryUsage.rss(),
  })
}

const rounds = await forgottenInRound()
for (let turns = 0; diagnostics().liveSessions > 0 && turns < 1_000; turns += 1) {
  collect()
  await turn()
}

console.log(
  JSON.stringify({
    generations,
    ofForgotten: (await Promise.all(rounds)).map(({ kind }) => kind),
    live: diagnostics().liveSessions,
  }),
)

function makeSessions(): number {
  // one request, asked for anew each time: what a ledger remembers of others would be counted as leaked
  const [reading, request] = [read({ wallets }), requestOf()]
  for (let count = 0; count < 10_000; count += 1) {
    const decided = wallets.agent.authorize(reading, request, '[]', '[]', NOW, MINUTE)
    Session.sign(wallets.agent, authorizationIn(decided), 'user', '', NOW, MINUTE)
  }
  return diagnostics().liveSessions
}

/** The promises of rounds whose sessions nobody holds. */
async function forgottenInRound() {
  const sessions = keygenOf(strangers())
  const envelopes = await untilLongestRound(sessions)
  return ROLES.map((role) =>
    sessions[role].receive(
      NOW,
      envelopes.filter((envelope) => recipientOf(envelope) === role),
    ),
  )
}
