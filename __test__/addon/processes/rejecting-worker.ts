// Sends the errors of the binding to the thread that started it, as a message and as what ends it.
import { parentPort } from 'node:worker_threads'
import { keygenOf, NOW, strangers } from '../../helpers/native-committee.js'

const { agent, user } = keygenOf(strangers())
const round = agent.begin(NOW, [])
agent.dispose()
parentPort?.postMessage(await round.catch((error: unknown) => error))

user.dispose()
user.begin(NOW, [])
