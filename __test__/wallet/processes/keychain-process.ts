/**
 * Does with a real keychain what the argument says, and prints what came of it. Arguments: a directory, what to do, and
 * where `@napi-rs/keyring` is, if it is not where it should be.
 */
import { randomBytes } from 'node:crypto'
import { register } from 'node:module'
import type * as Sdk from '../../../src/index.js'

const [directory = '', task = '', driver = ''] = process.argv.slice(2)
if (driver !== '')
  register(
    `data:text/javascript,${encodeURIComponent(`export async function resolve(specifier, context, next) {
      return await next(specifier === '@napi-rs/keyring' ? ${JSON.stringify(driver)} : specifier, context)
    }`)}`,
  )

// imported when the hook is in place
const sdk: typeof Sdk = await import('../../../src/index.js')
const OPTIONS = { linux: { store: 'secret-service' } } as const

/** The entries of the default service: what the keychain really holds. */
async function entries() {
  const { AsyncEntry, findCredentialsAsync } = await import('@napi-rs/keyring')
  const found = await findCredentialsAsync('mpc-wallet')
  return found.map(({ account }) => ({
    account,
    entry: new AsyncEntry('mpc-wallet', account, OPTIONS),
  }))
}

/** What opening the party of a store gives: its identity key, or the code. */
async function open(name: string, { account = 'agent', service = 'mpc-wallet' } = {}) {
  const store = await sdk.SqliteStore.open({ path: `${directory}/${name}/wallet.db` })
  try {
    const keyWrapper = sdk.keychainKeyWrapper({ account, service })
    const party = await sdk.Party.open({ role: 'agent', store, unlock: { keyWrapper } })
    return Buffer.from(party.identityKey).toString('hex')
  } catch (error) {
    return (error as Sdk.MpcWalletError).code
  } finally {
    await store.close()
  }
}

const tasks: Record<string, () => Promise<unknown>> = {
  open: async () => [await open('first')],
  /** Two stores of one account, each opened twice. */
  twice: async () => {
    const opened = [await open('first'), await open('second'), await open('first')]
    opened.push(await open('second'))
    return { opened, accounts: (await entries()).map(({ account }) => account) }
  },
  /** The wrapper of another account, and of another service. */
  others: async () => [
    await open('first', { account: 'user' }),
    await open('first', { service: 'other' }),
    await open('first'),
  ],
  changed: async () => {
    const outcomes: string[] = []
    const [only] = await entries()
    if (only === undefined) throw new Error('the keychain has no entry')
    const kept = Uint8Array.from((await only.entry.getSecret()) ?? [])
    for (const secret of [randomBytes(32), new Uint8Array(31), new Uint8Array(33)]) {
      await only.entry.setSecret(secret)
      outcomes.push(await open('first'))
    }
    await only.entry.deleteCredential()
    outcomes.push(await open('first'), String((await entries()).length))
    await only.entry.setSecret(kept)
    outcomes.push(await open('first'))
    return outcomes
  },
}
console.log(JSON.stringify(await tasks[task]?.()))
process.exit(0) // the library keeps its connection to the bus
