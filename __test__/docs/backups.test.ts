import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { inDirectory } from '../helpers/stores.js'
import { readText, root } from './documents.js'

const page = readText('docs/backups.md')

const BEFORE = `
import { createTestCommittee } from '@mpc-wallet/sdk/testing'
const committee = await createTestCommittee()
const wallet = committee.agent
const [password, storeUnlock] = ['of the file', { password: 'of the store' }]
const address = wallet.address('evm')
`

/** The machine is gone, and the other two are ready to refresh. */
const LOST = `
await committee.agent.close()
const [{ identityKey }] = committee.user.parties
const transport = committee.network.connect(identityKey)
const others = [committee.user.refresh(), committee.recovery.refresh()]
`

const AFTER = `
await Promise.all(others)
console.log(String(restored.epoch), restored.address('evm') === address)
await restored.close()
await store.close()
await committee.close()
`

describe('docs/backups.md', () => {
  it('has an example that runs, from the backup to the refresh', async () => {
    const example = /```js\n(.*?)```/s.exec(page)?.[1] ?? ''
    await inDirectory(async (directory) => {
      const code = `${BEFORE}${example}${AFTER}`
        .replaceAll('/media/stick', directory)
        .replace('/var/lib/agent/wallet', join(directory, 'wallet'))
        .replace('// on the new machine', LOST)
      const args = ['--no-warnings', '--import', join(root, '__test__/docs/sdk-from-source.mjs')]
      const printed = execFileSync(process.execPath, [...args, '--input-type=module', '-e', code], {
        cwd: root,
        encoding: 'utf8',
      })

      expect(printed).toBe('current\n2 true\n')
    })
  })
})
