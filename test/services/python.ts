import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { keptFolder, Missing } from './cache.ts'

/**
 * Python with the libraries that other engines are judged by, in a virtual environment kept under the user's cache
 * folder, one for each list of requirements.
 */

const REQUIREMENTS = ['deltalake==1.6.6', 'pyarrow==22.0.0']
const OLDEST = [3, 10] as const

const run = promisify(execFile)

export interface Python {
  /** Runs a script with arguments (`sys.argv[1:]`) and returns what it printed, as JSON. Throws with its stderr. */
  json(script: string, ...args: readonly string[]): Promise<unknown>
}

export type PythonFound = { readonly python: Python; readonly skip: false } | { readonly skip: string }

/** Pass `skip` on to `test`: the reason why Python cannot be had, or false. With `CI=true` a missing one throws. */
export async function findPython(requirements: readonly string[] = REQUIREMENTS): Promise<PythonFound> {
  try {
    const binary = await readyEnvironment(requirements)
    return { skip: false, python: { json: (script, ...args) => runJson(binary, script, args) } }
  } catch (error) {
    if (!(error instanceof Missing) || process.env['CI'] === 'true') throw error
    return { skip: error.message }
  }
}

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

/** The interpreter of an environment that has `requirements`, made where it is not there. Throws `Missing`. */
export async function readyEnvironment(requirements: readonly string[]): Promise<string> {
  const interpreter = await findInterpreter()
  const { stdout: version } = await run(interpreter, ['-c', 'import sys; print(sys.version)'])
  const folder = await keptFolder('venv', [version, ...requirements], async (fresh) => {
    try {
      await run(interpreter, ['-m', 'venv', fresh])
      // Of pyspark there is only a source archive: plain Python and Java, nothing to compile.
      const kinds = ['--only-binary=:all:', '--no-binary=pyspark']
      await run(pythonIn(fresh), ['-m', 'pip', 'install', '--quiet', ...kinds, ...requirements])
    } catch (error) {
      const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : ''
      throw new Missing(`needs ${requirements.join(' and ')}, which could not be installed: ${stderr}`, {
        cause: error,
      })
    }
  })
  // An environment may move as long as it is started by its interpreter, as it is here.
  return pythonIn(folder)
}

function pythonIn(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
}

/** At once: threads of an extension that still run would abort an interpreter that clears up after itself. */
const LEAVE = 'import os, sys\nsys.stdout.flush()\nsys.stderr.flush()\nos._exit(0)\n'

async function runJson(binary: string, script: string, args: readonly string[]): Promise<unknown> {
  const child = spawn(binary, ['-', ...args], { env: { ...process.env, TZ: 'UTC', PYTHONIOENCODING: 'utf-8' } })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  child.stdin.end(`${script}\n${LEAVE}`)
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`Python ended with ${String(code)}:\n${err}`)
  return JSON.parse(out) as unknown
}
