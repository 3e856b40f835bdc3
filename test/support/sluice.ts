import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Runs the real command line, as a user does, in a process of its own. */

export const REPOSITORY = resolve(import.meta.dirname, '../..')
const MAIN = join(REPOSITORY, 'src/main.ts')
const FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=4',
  '--initial-heap-size=128',
  '--invocation-count-for-turbofan=40000',
  '--no-maglev-escape-analysis',
]

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Modules loaded before the program, to watch or kill it from within. */
  readonly preload?: readonly string[]
  readonly started?: (child: ChildProcess) => void
}

export function sluice(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((done, fail) => {
    const preload = (options.preload ?? []).flatMap((module) => ['--import', module])
    const child = spawn(process.execPath, [...FLAGS, ...preload, MAIN, ...args], {
      cwd: options.cwd ?? REPOSITORY,
      env: { ...process.env, SLUICE_CONFIG: '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    options.started?.(child)
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', fail)
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }))
  })
}

/** Runs and returns the `--json` document; throws with everything that was printed where the exit code is another. */
export async function sluiceJson<T>(
  args: readonly string[],
  options: RunOptions & { readonly exit?: number } = {},
): Promise<T> {
  const ended = await sluice([...args, '--json'], options)
  if (ended.code !== (options.exit ?? 0)) {
    throw new Error(
      `sluice ${args.join(' ')} ended with ${ended.code ?? ended.signal}\n${gravest(ended)}\n${ended.stdout}\n${ended.stderr}`,
    )
  }
  return JSON.parse(ended.stdout) as T
}

/** What tells why, before all that may be cut off where it is shown. */
function gravest({ stdout, stderr }: Ended): string {
  const reasons = [...stdout.matchAll(/"code":\s*"[A-Z_]+",\s*"message":\s*"(?:[^"\\]|\\.)*"/g)].map(
    ([reason]) => reason,
  )
  const lines = stderr.split('\n').filter((line) => /"level":"(warn|error|fatal)"|^error/.test(line))
  return [...reasons, ...lines].join('\n')
}

export async function temporaryFolder(name: string): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `sluice-${name}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
