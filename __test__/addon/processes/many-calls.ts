// Makes 300 calls at once where 256 are taken, and signs with every session whose call was refused.
import { diagnostics, type RoundOutcome, Session } from '#native'
import {
  accept,
  authorize,
  committee,
  invite,
  MINUTE,
  NOW,
  run,
  signatureIn,
} from '../../helpers/native-committee.js'

const wallets = await committee()
const sessions = Array.from({ length: 300 }, () =>
  Session.sign(wallets.agent, authorize({ wallets }), 'user', '', NOW, MINUTE),
)

const taken: Promise<RoundOutcome>[] = []
const refused: { session: Session; code: unknown }[] = []
for (const session of sessions)
  try {
    taken.push(session.begin(NOW, []))
  } catch (error) {
    refused.push({ session, code: (error as { code: unknown }).code })
  }
const settled = await Promise.allSettled(taken)

let signed = 0
for (const { session } of refused) {
  const requested = await invite({ wallets }, session)
  const user = accept(wallets, requested)
  const outcomes = await run({ agent: session, user }, { agent: requested.begun })
  if (signatureIn(outcomes.agent).recoveryId === signatureIn(outcomes.user).recoveryId) signed += 1
}

console.log(
  JSON.stringify({
    taken: taken.length,
    fulfilled: settled.filter(({ status }) => status === 'fulfilled').length,
    refused: refused.length,
    codes: [...new Set(refused.map(({ code }) => code))],
    signed,
    rounds: diagnostics().rounds,
  }),
)
