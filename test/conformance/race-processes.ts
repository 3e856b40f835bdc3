import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { PutOutcome } from '../../src/domain/outcome.ts'
import { writerBytes } from './race-bytes.ts'

const PROCESSES = 5

/** Writers in five processes, started together: what each was told, by its bytes. */
export async function raceProcesses(
  root: string,
  path: string,
  writers: number,
  env: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, PutOutcome>> {
  const each = Math.ceil(writers / PROCESSES)
  const children = Array.from({ length: PROCESSES }, (_, i) => {
    const share = Math.min(each, writers - i * each)
    const args = [join(import.meta.dirname, 'put-writers.ts'), root, path, String(i * each), String(share)]
    return spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  })
  await Promise.all(children.map((child) => once(child.stdout, 'data')))
  const outcomes = new Map<string, PutOutcome>()
  const done = children.map(async (child) => {
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stdin.write('go\n')
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`a writer ended with ${code}`)
    for (const [, writer, outcome] of out.matchAll(/^(\d+) (written|exists)$/gm)) {
      outcomes.set(Buffer.from(writerBytes(Number(writer))).toString(), outcome as PutOutcome)
    }
  })
  await Promise.all(done)
  return outcomes
}
