// Writes the backups of this version into a folder named after it: `node make-backup.mjs`, after
// `npm run build:ts`. Once per release; what a release left here is never written again.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import manifest from '@mpc-wallet/sdk/package.json' with { type: 'json' }
import { createTestCommittee } from '@mpc-wallet/sdk/testing'

const folder = fileURLToPath(new URL(`${manifest.version}/backup`, import.meta.url))
const committee = await createTestCommittee()
const { user } = committee
const { file } = await user.backup({ unlock: { password: 'golden' }, unlockCost: 'standard' })
const onPaper = await user.backupWithWords()
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'password.backup'), file)
writeFileSync(join(folder, 'words.backup'), onPaper.file)
const { walletId, role, epoch } = user
const about = { walletId, role, epoch: Number(epoch), words: onPaper.words }
writeFileSync(join(folder, 'backup.json'), `${JSON.stringify(about, null, 2)}\n`)
await committee.close()
