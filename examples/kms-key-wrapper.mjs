// Keeps the key of a party's records in a key-management service: what opens the store is then the right to use a
// key there, and nothing on the disk of this machine. `kms` is a client with the methods of the `KMS` class of
// @aws-sdk/client-kms:
//
//   const keyWrapper = kmsKeyWrapper({ kms: new KMS(), keyId: 'alias/agent-wallet', party: 'agent' })
//   const party = await Party.open({ role: PartyRole.Agent, store, unlock: { keyWrapper } })
//
// Whoever may call Decrypt with that key opens the store: let only this party's process do it, and watch the calls.

/** `party` is authenticated with the key, so that one party's wrapped key does not open as another's. */
export function kmsKeyWrapper({ kms, keyId, party }) {
  const place = { KeyId: keyId, EncryptionContext: { purpose: 'mpc-wallet', party } }
  return {
    name: 'aws-kms',
    async wrap(key) {
      const { CiphertextBlob } = await kms.encrypt({ ...place, Plaintext: key })
      return CiphertextBlob
    },
    async unwrap(wrapped) {
      const { Plaintext } = await kms.decrypt({ ...place, CiphertextBlob: wrapped })
      return Plaintext
    },
  }
}
