import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

export const REPOSITORY = resolve(import.meta.dirname, '..')

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
  const file = join(options.scratch, 'measured.json')
  const started = process.hrtime.bigint()
  await new Promise<void>((done, fail) => {
    const args = [
      '--disable-warning=ExperimentalWarning',
      '--max-semi-space-size=4',
      '--import',
      join(REPOSITORY, 'bench/measure-process.ts'),
      ...program,
    ]
    const child = spawn(process.execPath, args, {
      cwd: REPOSITORY,
      env: { ...process.env, ...options.env, SLUICE_MEASURE: file },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', fail)
    child.on('close', (code) =>
      code === 0 ? done() : fail(new Error(`${program.join(' ')} ended with ${code}\n${stderr}`)),
    )
  })
  const wallSeconds = Number(process.hrtime.bigint() - started) / 1e9
  const counted = JSON.parse(await readFile(file, 'utf8')) as { cpuSeconds: number; peakBytes: number }
  return { wallSeconds, ...counted }
}

export function median(runs: readonly Measured[]): Measured {
  const middle = (pick: (run: Measured) => number): number => {
    const sorted = runs.map(pick).sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)]!
  }
  return {
    wallSeconds: middle((run) => run.wallSeconds),
    cpuSeconds: middle((run) => run.cpuSeconds),
    peakBytes: middle((run) => run.peakBytes),
  }
}
