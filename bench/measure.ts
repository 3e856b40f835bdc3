import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

export const REPOSITORY = resolve(import.meta.dirname, '..')

/** What `bin/sluice` sets. */
const AS_SLUICE_STARTS = {
  NODE_COMPILE_CACHE: join(REPOSITORY, 'node_modules/.cache/compiled'),
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '262144',
}

export interface Measured {
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

/** Runs a program of this repository on this Node and measures that process from start to end. */
export async function measure(
  program: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly scratch: string },
): Promise<Measured> {
  return startProgram(program, options).ended
}

export interface Running {
  readonly ended: Promise<Measured>
  /** Asks it to end (SIGTERM), if it has not. */
  end(): Promise<Measured>
}

/** The same of a program that goes on until it is asked to end. */
export function startProgram(
  program: readonly string[],
  { env, scratch }: { readonly env: Readonly<Record<string, string>>; readonly scratch: string },
): Running {
  const file = join(scratch, 'measured.json')
  const started = process.hrtime.bigint()
  const ending = new AbortController()
  const ended = runProgram(program, { ...env, SLUICE_MEASURE: file }, ending.signal).then(async () => {
    const wallSeconds = Number(process.hrtime.bigint() - started) / 1e9
    const counted = JSON.parse(await readFile(file, 'utf8')) as { cpuSeconds: number; peakBytes: number }
    return { wallSeconds, ...counted }
  })
  return {
    ended,
    end: () => {
      ending.abort()
      return ended
    },
  }
}

/** Runs a program that measures a section of itself and prints it; the peak is the whole process's. */
export async function measureSection(
  program: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const { wallSeconds, cpuSeconds, peakBytes } = JSON.parse(await runProgram(program, env)) as Measured
  return { wallSeconds, cpuSeconds, peakBytes }
}

/** On this Node, as `bin/sluice` starts it; resolves to what it printed. */
export function runProgram(
  program: readonly string[],
  env: Readonly<Record<string, string>> = {},
  ending?: AbortSignal,
): Promise<string> {
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--max-semi-space-size=4',
    '--initial-heap-size=128',
    '--invocation-count-for-turbofan=40000',
    '--no-maglev-escape-analysis',
  ]
  if (env['SLUICE_MEASURE'] !== undefined) args.push('--import', join(REPOSITORY, 'bench/measure-process.ts'))
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [...args, ...program], {
      cwd: REPOSITORY,
      env: { ...AS_SLUICE_STARTS, ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    ending?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', fail)
    child.on('close', (code) =>
      code === 0 ? done(stdout) : fail(new Error(`${program.join(' ')} ended with ${code}\n${stderr}`)),
    )
  })
}

export function median(runs: readonly Measured[]): Measured {
  const middle = (pick: (run: Measured) => number): number => medianOf(runs.map(pick))
  return {
    wallSeconds: middle((run) => run.wallSeconds),
    cpuSeconds: middle((run) => run.cpuSeconds),
    peakBytes: middle((run) => run.peakBytes),
  }
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
