// Opens a party's store with a key that a KMS keeps: the transit engine of HashiCorp Vault or OpenBao. Run:
//   VAULT_ADDR=https://… VAULT_TOKEN=… node examples/transit-key-wrapper.mjs STORE ROLE KEY
// STORE is the path of the database, KEY an aes256-gcm96 key of the engine. What fails here is UNLOCK_UNAVAILABLE outside.
import { fileURLToPath } from 'node:url'
import { Party, SqliteStore } from '@mpc-wallet/sdk'

const TIMEOUT_MS = 10_000

/** `context` is authenticated, so that what was wrapped for one party does not open for another. */
export function transitKeyWrapper({ url, key, token, context }) {
  const associated_data = Buffer.from(context).toString('base64')
  async function call(action, fields) {
    const response = await fetch(new URL(`/v1/transit/${action}/${encodeURIComponent(key)}`, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-vault-token': token },
      body: JSON.stringify({ ...fields, associated_data }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok) throw new Error(`the engine says ${response.status}`)
    return (await response.json()).data
  }
  return {
    name: 'vault-transit',
    wrap: async (secret) => {
      const plaintext = Buffer.from(secret).toString('base64') // text cannot be wiped: this is once in a store's life
      const { ciphertext } = await call('encrypt', { plaintext })
      return Buffer.from(ciphertext)
    },
    unwrap: async (wrapped) => {
      const { plaintext } = await call('decrypt', { ciphertext: Buffer.from(wrapped).toString() })
      return Buffer.from(plaintext, 'base64') // wiped by the SDK
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path, role, key] = process.argv.slice(2)
  const { VAULT_ADDR: url, VAULT_TOKEN: token } = process.env
  const keyWrapper = transitKeyWrapper({ url, token, key, context: `mpc-wallet/${role}` })
  const store = await SqliteStore.open({ path })
  try {
    const party = await Party.open({ role, store, unlock: { keyWrapper } })
    console.log(party.role, Buffer.from(party.identityKey).toString('hex'))
  } finally {
    await store.close()
  }
}
