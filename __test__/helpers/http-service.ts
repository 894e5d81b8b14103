import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a service on this machine was asked. */
export interface Asked {
  readonly method: string
  readonly url: string
  readonly body: string
}

/** What it answers; `undefined` never answers. */
export type Answer = (asked: Asked) => { status: number; body?: unknown } | undefined

/** A real HTTP server on a port of the system's choice, until `close`. */
export async function httpService(answer: Answer) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const one = { method: request.method ?? '', url: request.url ?? '', body: await text(request) }
    asked.push(one)
    const answered = answer(one)
    if (answered === undefined) return
    response.writeHead(answered.status, { 'content-type': 'application/json' })
    response.end(answered.body === undefined ? '' : JSON.stringify(answered.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server has no other address
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
