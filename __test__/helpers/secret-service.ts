/** A keychain of its own: gnome-keyring on a session bus that ends with the process that it was made for. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { TYPESCRIPT } from './native-process.js'
import { directoryOf } from './stores.js'

const SCRIPT = fileURLToPath(new URL('../wallet/processes/keychain-process.ts', import.meta.url))
const DEADLINE_MS = 60_000
/** Starts the daemon, with the password on its standard input if there is one, and then the command. */
const SESSION = `
if [ -n "$PASSWORD" ]; then printf %s "$PASSWORD" | gnome-keyring-daemon --unlock --components=secrets
else gnome-keyring-daemon --start --components=secrets; fi >/dev/null 2>&1
exec "$@"`

/** Whether this machine has what such a keychain needs. */
export const hasSecretService = ['dbus-run-session', 'gnome-keyring-daemon'].every(
  (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0,
)

/** Runs a task of the script beside a keychain whose files are in the directory. */
export function besideKeychain(directory: string, task: string, { locked = false } = {}): unknown {
  const home = directoryOf(directory, 'home')
  const runtime = `${directory}/runtime`
  mkdirSync(runtime, { recursive: true, mode: 0o700 })
  const node = ['--no-warnings', '--import', pathToFileURL(TYPESCRIPT).href, SCRIPT]
  const command = [process.execPath, ...node, directory, task]
  const { status, stdout, stderr } = spawnSync(
    'dbus-run-session',
    ['--', 'sh', '-c', SESSION, 'sh', ...command],
    {
      env: {
        ...process.env,
        HOME: home,
        XDG_RUNTIME_DIR: runtime,
        XDG_DATA_HOME: `${home}/share`,
        PASSWORD: locked ? '' : 'of the login',
      },
      encoding: 'utf8',
      timeout: DEADLINE_MS,
    },
  )
  if (status !== 0) throw new Error(`the process beside the keychain failed: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
