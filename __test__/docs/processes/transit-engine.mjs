// A key-management service on loopback, as far as encryption and decryption of the transit engine of HashiCorp Vault go:
// AES-256-GCM keys that never leave this process. Prints its address; ends when its standard input does.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

const NONCE = 12
const TAG = 16
const PREFIX = 'vault:v1:'
const token = process.argv[2]
const keys = new Map([
  ['agent-key', randomBytes(32)],
  ['another-key', randomBytes(32)],
])

function encrypt(key, { plaintext, associated_data }) {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(associated_data, 'base64'))
  const sealed = [nonce, cipher.update(plaintext, 'base64'), cipher.final(), cipher.getAuthTag()]
  return { ciphertext: PREFIX + Buffer.concat(sealed).toString('base64') }
}

function decrypt(key, { ciphertext, associated_data }) {
  const sealed = Buffer.from(ciphertext.slice(PREFIX.length), 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE))
  decipher.setAAD(Buffer.from(associated_data, 'base64'))
  decipher.setAuthTag(sealed.subarray(-TAG))
  const opened = [decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()]
  return { plaintext: Buffer.concat(opened).toString('base64') }
}

const ACTIONS = { encrypt, decrypt }

async function answer(request) {
  if (request.headers['x-vault-token'] !== token) return [403, { errors: ['permission denied'] }]
  const [, action, name] = /^\/v1\/transit\/(\w+)\/([\w-]+)$/.exec(request.url) ?? []
  const key = keys.get(name)
  if (key === undefined || !(action in ACTIONS)) return [404, { errors: [] }]
  try {
    const body = Buffer.concat(await request.toArray()).toString()
    return [200, { data: ACTIONS[action](key, JSON.parse(body)) }]
  } catch {
    return [400, { errors: ['cipher: message authentication failed'] }]
  }
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request)
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
process.stdin.on('end', () => process.exit(0)).resume()
