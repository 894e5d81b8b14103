// One party in a process of its own: hears messages on standard input and says its own on standard output.
import type { Role } from '#native'
import { Party, type ToParty } from '../../helpers/native-party.js'
import { readMessages, writeMessage } from '../../helpers/native-pipe.js'

const party = new Party(process.argv[2] as Role, (message) => writeMessage(process.stdout, message))

for await (const message of readMessages(process.stdin)) party.tell(message as ToParty)
