import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { TYPESCRIPT } from '../helpers/native-process.js'
import { DURABLE, type DurableBackend, inDirectory } from '../helpers/stores.js'

const SCRIPT = fileURLToPath(new URL('processes/store-process.ts', import.meta.url))

/** Runs a task of the script behind a shell that prepares its surroundings. */
function behind(
  shell: string,
  { name }: DurableBackend,
  directory: string,
  task: string,
): string[] {
  const node = [process.execPath, '--no-warnings', '--import', pathToFileURL(TYPESCRIPT).href]
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-c', `${shell} && exec "$@"`, 'sh', ...node, SCRIPT, name, directory, task],
    { encoding: 'utf8', env: { ...process.env, DIRECTORY: directory } },
  )
  if (status !== 0) throw new Error(stderr)
  return stdout.trim().split('\n')
}

describe.each(DURABLE)('a $name store on a full disk', (backend) => {
  it('keeps nothing of a batch that has no room, and goes on with what has', async () => {
    await inDirectory(async (directory) => {
      const mounted = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', directory])
      if (mounted.status !== 0) {
        process.stderr.write('SKIPPED: this user may not mount a small file system\n')
        return
      }
      const disk = join(directory, 'disk')
      mkdirSync(disk)
      const lines = behind(
        // in a namespace of its own, so that the mount goes with the process
        'test "$MOUNTED" || exec env MOUNTED=1 unshare -m sh -c \'mount -t tmpfs -o size=2m,mode=700 tmpfs "$DIRECTORY" && exec "$@"\' sh "$@"',
        backend,
        disk,
        'fill the disk',
      )

      expect(lines).toEqual(['STORE_FULL', 'done', 'after,small'])
    })
  })

  it('keeps nothing of a batch that passes the limit of a file, and opens again', async () => {
    await inDirectory(async (directory) => {
      // blocks of 512 or 1 024 bytes; a value of the batch has 1 MiB
      const lines = behind('ulimit -f 900', backend, directory, 'fill the disk')

      // SQLite does not say why a write failed; then nobody knows its outcome before it is opened again
      expect(lines).toEqual(
        backend.name === 'file'
          ? ['STORE_FULL', 'done', 'after,small']
          : ['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE', 'small'],
      )
    })
  })
})
