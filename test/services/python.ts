import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/**
 * Python with the libraries that other engines are judged by, in a virtual environment kept under the user's cache
 * folder, one for each list of requirements. Safe for tests that run at once: one of them makes it, the others wait.
 */

const REQUIREMENTS = ['deltalake==1.6.6', 'pyarrow==22.0.0']
const OLDEST = [3, 10] as const
const LOCK_POLL_MS = 250
/** Longer than any installation takes; a lock older than this is of a process that hangs. */
const LOCK_LIMIT_MS = 10 * 60_000

const run = promisify(execFile)

export interface Python {
  /** Runs a script with arguments (`sys.argv[1:]`) and returns what it printed, as JSON. Throws with its stderr. */
  json(script: string, ...args: readonly string[]): Promise<unknown>
}

export type PythonFound = { readonly python: Python; readonly skip: false } | { readonly skip: string }

/** Pass `skip` on to `test`: the reason why Python cannot be had, or false. With `CI=true` a missing one throws. */
export async function findPython(): Promise<PythonFound> {
  try {
    const binary = await readyEnvironment(await findInterpreter())
    return { skip: false, python: { json: (script, ...args) => runJson(binary, script, args) } }
  } catch (error) {
    if (!(error instanceof Missing) || process.env['CI'] === 'true') throw error
    return { skip: error.message }
  }
}

class Missing extends Error {}

async function findInterpreter(): Promise<string> {
  const seen: string[] = []
  for (const name of ['python3', 'python']) {
    try {
      const { stdout } = await run(name, ['-c', 'import sys; print(sys.version_info[0], sys.version_info[1])'])
      const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number)
      if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return name
      seen.push(`${name} is ${major}.${minor}`)
    } catch {
      seen.push(`${name} is not there`)
    }
  }
  throw new Missing(`needs Python ${OLDEST.join('.')} or newer: ${seen.join(', ')}`)
}

async function readyEnvironment(interpreter: string): Promise<string> {
  const { stdout: version } = await run(interpreter, ['-c', 'import sys; print(sys.version)'])
  const hash = createHash('sha256')
    .update([version, ...REQUIREMENTS].join('\n'))
    .digest('hex')
    .slice(0, 16)
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-test')
  const folder = join(cache, `venv-${hash}`)
  const binary = pythonIn(folder)
  await mkdir(cache, { recursive: true })
  const release = await lock(`${folder}.lock`, () => exists(binary))
  if (release === null) return binary
  const fresh = `${folder}.new-${process.pid}`
  try {
    await run(interpreter, ['-m', 'venv', fresh])
    await run(pythonIn(fresh), ['-m', 'pip', 'install', '--quiet', '--only-binary=:all:', ...REQUIREMENTS])
    // An environment may move as long as it is started by its interpreter, as it is here.
    await rename(fresh, folder)
    return binary
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : ''
    throw new Missing(`needs ${REQUIREMENTS.join(' and ')}, which could not be installed: ${stderr}`, { cause: error })
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await release()
  }
}

function pythonIn(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
}

/** Null once `done`, else the lock's release. The lock of a process that is gone is taken over. */
async function lock(path: string, done: () => Promise<boolean>): Promise<(() => Promise<void>) | null> {
  for (;;) {
    if (await done()) return null
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' })
      return () => rm(path, { force: true })
    } catch {
      if (await isStale(path)) await rm(path, { force: true })
      else await sleep(LOCK_POLL_MS)
    }
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    if (Date.now() - mtimeMs > LOCK_LIMIT_MS) return true
    if (text !== '') process.kill(Number(text), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function runJson(binary: string, script: string, args: readonly string[]): Promise<unknown> {
  const child = spawn(binary, ['-', ...args], { env: { ...process.env, TZ: 'UTC', PYTHONIOENCODING: 'utf-8' } })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  child.stdin.end(script)
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`Python ended with ${String(code)}:\n${err}`)
  return JSON.parse(out) as unknown
}
