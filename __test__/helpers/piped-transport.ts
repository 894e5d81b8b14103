/** One party's transport over a pair of pipes: the network is in another process. */
import type { Readable, Writable } from 'node:stream'
import type { Delivery, SessionInvitation, Transport } from '../../src/index.js'
import { readMessages, writeMessage } from './native-pipe.js'

type Asked =
  | { readonly kind: 'open'; readonly descriptor: Uint8Array; readonly signature: Uint8Array }
  | { readonly kind: 'send'; readonly envelope: Uint8Array }
  | { readonly kind: 'invitations' }
  | { readonly kind: 'subscribe'; readonly sessionId: Uint8Array; readonly after: bigint }

/** Every message carries the number of the question that it belongs to. */
interface Question {
  readonly question: number
  readonly asked: Asked
}

interface Answer {
  readonly question: number
  readonly item?: SessionInvitation | Delivery
}

/** The end of the party. */
export class PipedTransport implements Transport {
  readonly #output: Writable
  readonly #open = new Map<number, (answer: Answer | undefined) => void>()
  #questions = 0

  constructor({ input, output }: { input: Readable; output: Writable }) {
    this.#output = output
    void this.#listen(input)
  }

  async open(descriptor: Uint8Array, signature: Uint8Array): Promise<void> {
    await this.#ask({ kind: 'open', descriptor, signature })
  }

  async send(envelope: Uint8Array): Promise<void> {
    await this.#ask({ kind: 'send', envelope })
  }

  invitations(): AsyncIterable<SessionInvitation> {
    return this.#follow<SessionInvitation>({ kind: 'invitations' })
  }

  subscribe(sessionId: Uint8Array, after = 0n): AsyncIterable<Delivery> {
    return this.#follow<Delivery>({ kind: 'subscribe', sessionId, after })
  }

  async close(): Promise<void> {
    for (const hear of this.#open.values()) hear(undefined)
  }

  async #listen(input: Readable): Promise<void> {
    for await (const message of readMessages(input)) {
      const answer = message as Answer // written by `serveTransport`
      this.#open.get(answer.question)?.(answer)
    }
    await this.close()
  }

  #say(asked: Asked, hear: (answer: Answer | undefined) => void): number {
    this.#questions += 1
    this.#open.set(this.#questions, hear)
    writeMessage(this.#output, { question: this.#questions, asked } satisfies Question)
    return this.#questions
  }

  async #ask(asked: Asked): Promise<void> {
    await new Promise<void>((resolve) => {
      const question = this.#say(asked, () => {
        this.#open.delete(question)
        resolve()
      })
    })
  }

  #follow<Item>(asked: Asked): AsyncIterableIterator<Item> {
    const items: Item[] = []
    let ended = false
    let wake = (): void => {}
    const question = this.#say(asked, (answer) => {
      if (answer?.item === undefined) ended = true
      else items.push(answer.item as Item) // what was asked for
      wake()
    })
    const end = (): void => {
      ended = true
      this.#open.delete(question)
      wake()
    }
    return {
      next: async () => {
        while (items.length === 0 && !ended)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        const value = items.shift()
        return value === undefined ? { done: true, value } : { done: false, value }
      },
      return: async () => {
        end()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
}

/** The end of the network: does what the party asks for, until its process ends. */
export async function serveTransport(
  transport: Transport,
  { input, output }: { input: Readable; output: Writable },
): Promise<void> {
  output.on('error', () => {}) // the party was killed
  const follow = async (question: number, items: AsyncIterable<SessionInvitation | Delivery>) => {
    for await (const item of items) writeMessage(output, { question, item } satisfies Answer)
  }
  for await (const message of readMessages(input)) {
    const { question, asked } = message as Question // written by `PipedTransport`
    if (asked.kind === 'invitations') void follow(question, transport.invitations())
    else if (asked.kind === 'subscribe')
      void follow(question, transport.subscribe(asked.sessionId, asked.after))
    else {
      if (asked.kind === 'open') await transport.open(asked.descriptor, asked.signature)
      else await transport.send(asked.envelope)
      writeMessage(output, { question } satisfies Answer)
    }
  }
}
