import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { ERROR_TABLE } from '../../src/index.js'
import { inDirectory } from '../helpers/stores.js'
import { readText, root, section } from './documents.js'

const page = readText('docs/storage.md')

describe('docs/storage.md', () => {
  it('has an example that runs', async () => {
    const example = /```js\n(.*?)```/s.exec(page)?.[1] ?? ''
    await inDirectory(async (directory) => {
      const code = example
        .replace('/var/lib/agent', directory)
        .replace('wallet/wallet.db', 'w/w.db')
      const args = ['--no-warnings', '--import', join(root, '__test__/docs/sdk-from-source.mjs')]
      const printed = execFileSync(process.execPath, [...args, '--input-type=module', '-e', code], {
        cwd: root,
        encoding: 'utf8',
      })

      expect(printed).toBe("[ 'wallet/1/share' ] 33000\n")
    })
  })

  it('says of every code of a store what it means here', () => {
    const named = section(page, 'Errors')
      .join('\n')
      .match(/STORE_[A-Z_]+/g)
    const codes = Object.keys(ERROR_TABLE).filter((code) => code.startsWith('STORE_'))

    expect(codes.filter((code) => !named?.includes(code))).toEqual([])
  })
})
