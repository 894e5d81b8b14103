/** The agent in this process, the user and the recovery guardian each in one of its own, and pipes between them. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { type PayloadInput, type Role, readDescriptor } from '#native'
import { type Each, ROLES } from './native-committee.js'
import { isInvitation, recipientOf, sessionOf } from './native-envelope.js'
import { type FromParty, type Opened, Party, type ToParty } from './native-party.js'
import { readMessages, writeMessage } from './native-pipe.js'
import { start } from './native-process.js'

type Kind = FromParty['kind']
type Said<Wanted extends Kind> = Extract<FromParty, { kind: Wanted }>

/** What making a wallet gave at each party. */
export interface Made {
  readonly processes: readonly number[]
  readonly words: readonly (readonly string[])[]
  readonly wallets: readonly Said<'wallet'>[]
}

/** What a party asked another to sign. */
export interface Asking {
  readonly initiator: Role
  readonly cosigner: Role
  readonly payload: PayloadInput
  readonly path: number[]
  readonly memo: string
}

/** Carries what the parties say, and looks at nothing but the headers of envelopes. */
export class ThreeProcesses {
  readonly #parties: Each<(message: ToParty) => void>
  readonly #children: ChildProcess[] = []
  readonly #opened = new Map<string, Opened>()
  readonly #unread: { readonly role: Role; readonly message: FromParty }[] = []
  readonly #changes = new EventTarget()
  #cards: Uint8Array[] = []
  #failure: Error | undefined

  constructor() {
    const agent = new Party('agent', (message) => this.#hear('agent', message))
    this.#parties = {
      agent: (message) => agent.tell(message),
      user: this.#startProcess('user'),
      recovery: this.#startProcess('recovery'),
    }
  }

  async makeWallet(): Promise<Made> {
    const cards = await this.#fromEach('card')
    this.#cards = cards.map(({ card }) => card)
    this.#parties.agent({ kind: 'start key generation', cards: this.#cards })
    const words = await this.#fromEach('words')
    for (const role of ROLES) this.#parties[role]({ kind: 'words confirmed' })
    return {
      processes: cards.map(({ process }) => process),
      words: words.map((said) => said.words),
      wallets: await this.#fromEach('wallet'),
    }
  }

  async sign({ initiator, cosigner, ...wish }: Asking) {
    this.#parties[initiator]({ kind: 'sign', cosigner, ...wish })
    const asked = await this.#heard(cosigner, 'asked')
    const [atInitiator, atCosigner] = await Promise.all([
      this.#heard(initiator, 'signature'),
      this.#heard(cosigner, 'signature'),
    ])
    return { asked, atInitiator: atInitiator.signature, atCosigner: atCosigner.signature }
  }

  /** Closes the pipes, and returns how the processes ended by themselves. */
  async end(): Promise<unknown[]> {
    return await Promise.all(
      this.#children.map(async (child) => {
        child.stdin?.end()
        const [code, signal] =
          child.exitCode === null ? await once(child, 'exit') : [child.exitCode, child.signalCode]
        return { code, signal }
      }),
    )
  }

  #startProcess(role: Role): (message: ToParty) => void {
    const child = start('party.ts', { arguments: [role] })
    const { stdin, stdout, stderr } = child
    if (!stdin || !stdout || !stderr) throw new Error('a process without pipes')
    this.#children.push(child)
    stderr.on('data', (text) => this.#fail(new Error(`the ${role}: ${text}`)))
    child.on('error', (error) => this.#fail(error))
    const listen = async (): Promise<void> => {
      for await (const message of readMessages(stdout)) this.#hear(role, message as FromParty)
    }
    listen().catch((error) => this.#fail(error))
    return (message) => writeMessage(stdin, message)
  }

  #hear(role: Role, message: FromParty): void {
    if (message.kind === 'failed') {
      this.#fail(new Error(`the ${role}: ${message.code} ${message.message}`))
    } else if (message.kind === 'opened') {
      const { kind, sessionId } = readDescriptor(message.opened.descriptor)
      this.#opened.set(Buffer.from(sessionId).toString('hex'), message.opened)
      if (kind === 'keygen') this.#invite(role, message.opened)
    } else if (message.kind === 'envelope') {
      this.#carry(message.envelope)
    } else {
      this.#unread.push({ role, message })
      this.#changes.dispatchEvent(new Event('change'))
    }
  }

  #invite(initiator: Role, opened: Opened): void {
    for (const role of ROLES)
      if (role !== initiator)
        this.#parties[role]({ kind: 'join key generation', cards: this.#cards, opened })
  }

  #carry(envelope: Uint8Array): void {
    const opened = this.#opened.get(sessionOf(envelope))
    const tell = this.#parties[recipientOf(envelope)]
    if (opened === undefined) this.#fail(new Error('an envelope of no session'))
    else if (isInvitation(envelope)) tell({ kind: 'invitation', opened, round0: envelope })
    else tell({ kind: 'envelope', envelope })
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#changes.dispatchEvent(new Event('change'))
  }

  async #fromEach<Wanted extends Kind>(kind: Wanted): Promise<Said<Wanted>[]> {
    return await Promise.all(ROLES.map((role) => this.#heard(role, kind)))
  }

  /** The next thing of a kind that a party says. */
  async #heard<Wanted extends Kind>(role: Role, kind: Wanted): Promise<Said<Wanted>> {
    for (;;) {
      if (this.#failure) throw this.#failure
      const position = this.#unread.findIndex(
        (one) => one.role === role && one.message.kind === kind,
      )
      const [found] = position < 0 ? [] : this.#unread.splice(position, 1)
      if (found) return found.message as Said<Wanted> // its kind was just compared
      await once(this.#changes, 'change')
    }
  }
}
