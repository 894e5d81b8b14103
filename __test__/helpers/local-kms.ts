/** A key-management service on this machine: AES-256-GCM under keys that it gives to nobody. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyWrapper } from '../../src/index.js'

/** The example in plain JavaScript. */
interface Example {
  kmsKeyWrapper(parameters: {
    readonly kms: LocalKms
    readonly keyId: string
    readonly party: string
  }): KeyWrapper
}

const EXAMPLE: string = '../../examples/kms-key-wrapper.mjs'
export const { kmsKeyWrapper } = (await import(EXAMPLE)) as Example // what it exports

interface Place {
  readonly KeyId: string
  readonly EncryptionContext: Readonly<Record<string, string>>
}

const NONCE = 12
const TAG = 16

export class LocalKms {
  readonly #keys = new Map<string, Uint8Array>()
  /** Calls of decrypt so far. */
  decryptions = 0

  constructor(keys: Readonly<Record<string, Uint8Array>>) {
    for (const [id, key] of Object.entries(keys)) this.#keys.set(id, key)
  }

  async encrypt({ Plaintext, ...place }: Place & { readonly Plaintext: Uint8Array }) {
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv('aes-256-gcm', this.#key(place), nonce).setAAD(context(place))
    const ciphertext = [cipher.update(Plaintext), cipher.final()]
    return { CiphertextBlob: Buffer.concat([nonce, ...ciphertext, cipher.getAuthTag()]) }
  }

  async decrypt({ CiphertextBlob, ...place }: Place & { readonly CiphertextBlob: Uint8Array }) {
    this.decryptions += 1
    const [nonce, body, tag] = [
      CiphertextBlob.subarray(0, NONCE),
      CiphertextBlob.subarray(NONCE, -TAG),
      CiphertextBlob.subarray(-TAG),
    ]
    const decipher = createDecipheriv('aes-256-gcm', this.#key(place), nonce)
    decipher.setAAD(context(place)).setAuthTag(tag)
    return { Plaintext: Buffer.concat([decipher.update(body), decipher.final()]) }
  }

  #key({ KeyId }: Place): Uint8Array {
    const key = this.#keys.get(KeyId)
    if (key === undefined) throw new Error(`no key ${KeyId}`)
    return key
  }
}

function context({ EncryptionContext }: Place): Uint8Array {
  return Buffer.from(JSON.stringify(Object.entries(EncryptionContext).sort()))
}
