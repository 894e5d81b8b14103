/**
 * Sealing to a party as `docs/protocol.md`, G.5, says it, by other libraries than the product's: HPKE (RFC 9180)
 * in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export only.
 */
import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'

const KEM = Buffer.concat([Buffer.from('KEM'), uint16(0x20)])
const HPKE = Buffer.concat([Buffer.from('HPKE'), uint16(0x20), uint16(1), uint16(0xffff)])
const EMPTY = Buffer.alloc(0)
const SECRET_BYTES = 32

/** `encapsulated key 32 ‖ ciphertext ‖ tag 16`. */
export function seal(
  recipient: Uint8Array,
  info: string,
  header: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const encapsulated = rawKey(publicKey)
  const shared = diffieHellman({ privateKey, publicKey: publicX25519(recipient) })
  const kemContext = Buffer.concat([encapsulated, recipient])
  const secret = expand(KEM, extract(KEM, EMPTY, 'eae_prk', shared), 'shared_secret', kemContext)
  const context = Buffer.concat([
    Buffer.of(0),
    extract(HPKE, EMPTY, 'psk_id_hash', EMPTY),
    extract(HPKE, EMPTY, 'info_hash', Buffer.from(info)),
  ])
  const exporter = expand(HPKE, extract(HPKE, secret, 'secret', EMPTY), 'exp', context)
  const key = expand(HPKE, exporter, 'sec', header)
  const options = { authTagLength: 16 }
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), options)
  cipher.setAAD(header, { plaintextLength: body.length })
  const sealed = [cipher.update(body), cipher.final()]
  return Buffer.concat([encapsulated, ...sealed, cipher.getAuthTag()])
}

/** Ed25519 with a secret seed of 32 bytes. */
export function signWithSeed(seed: Uint8Array, message: Uint8Array): Uint8Array {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const key = Buffer.concat([prefix, seed])
  return sign(null, message, createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
}

function extract(suite: Uint8Array, salt: Uint8Array, label: string, input: Uint8Array): Buffer {
  const parts = [Buffer.from('HPKE-v1'), suite, Buffer.from(label), input]
  return createHmac('sha256', salt).update(Buffer.concat(parts)).digest()
}

/** One block of HKDF is all that is ever asked for. */
function expand(suite: Uint8Array, secret: Uint8Array, label: string, info: Uint8Array): Buffer {
  const parts = [uint16(SECRET_BYTES), Buffer.from('HPKE-v1'), suite, Buffer.from(label), info]
  return createHmac('sha256', secret)
    .update(Buffer.concat([...parts, Buffer.of(1)]))
    .digest()
}

function publicX25519(raw: Uint8Array): KeyObject {
  const key = { kty: 'OKP', crv: 'X25519', x: Buffer.from(raw).toString('base64url') }
  return createPublicKey({ key, format: 'jwk' })
}

function rawKey(key: KeyObject): Buffer {
  return Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url')
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
