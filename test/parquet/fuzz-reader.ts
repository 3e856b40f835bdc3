import { readFileSync } from 'node:fs'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { readParquetColumns } from './whole-file.ts'

/** A program: `fuzz-reader.ts SEED MUTANTS FILE…` reads as many damaged copies of each file and prints what came of it. */

export interface FuzzReport {
  read: number
  refused: number
  /** Errors that are not a refusal of the file. */
  strange: string[]
  slowestMs: number
  rssMb: number
}

const field = (name: string, type: ColumnType): ColumnField => ({ name, type, nullable: true })
const INT32: ColumnType = { kind: 'int32' }
const STRING: ColumnType = { kind: 'string' }
const DEEP: ColumnType = {
  kind: 'struct',
  fields: [field('a', INT32), field('b', { kind: 'list', element: STRING, elementNullable: true })],
}

export const FUZZ_FIELDS: readonly ColumnField[] = [
  field('id', { kind: 'int64' }),
  field('text', STRING),
  field('own', STRING),
  field('wide', { kind: 'decimal', precision: 38, scale: 4 }),
  field('real', { kind: 'float64' }),
  field('flag', { kind: 'boolean' }),
  field('list', { kind: 'list', element: INT32, elementNullable: true }),
  field('deep', { kind: 'map', value: DEEP, valueNullable: true }),
]

/** Far above what the samples need, far below what a claim of theirs could ask for. */
const LIMITS = { footerBytes: 2 ** 22, groupValues: 2 ** 22, groupBytes: 2 ** 26 }

function randomSource(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Half of all damage is done to the footer, which decides what the rest means. */
function mutate(sample: Buffer, others: readonly Buffer[], random: (below: number) => number): Buffer {
  const footer = sample.readUInt32LE(sample.length - 8) + 8
  const place = (): number =>
    random(2) === 0 ? sample.length - 8 - random(footer - 8) : 4 + random(sample.length - footer - 4)
  const bytes = Buffer.from(sample)
  switch (random(6)) {
    case 0: {
      const [at, size] = [place(), 1 + random(40)]
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(at + size, bytes.length - 8))])
    }
    case 1: {
      const [at, size] = [place(), 1 + random(40)]
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + size), bytes.subarray(at)])
    }
    case 2: {
      const at = place()
      bytes.fill([0x00, 0xff, 0x7f, 0x80][random(4)]!, at, Math.min(at + 1 + random(9), bytes.length - 4))
      return bytes
    }
    case 3: {
      const other = others[random(others.length)]!
      const from = random(other.length - 64)
      other.copy(bytes, place(), from, from + 1 + random(60))
      return bytes
    }
    default:
      for (let changes = 1 + random(5); changes > 0; changes -= 1) bytes[place()] = random(256)
      return bytes
  }
}

async function run([seedText = '', mutantsText = '', ...paths]: readonly string[]): Promise<FuzzReport> {
  const samples = paths.map((path) => readFileSync(path))
  const random = randomSource(Number(seedText))
  const report: FuzzReport = { read: 0, refused: 0, strange: [], slowestMs: 0, rssMb: 0 }
  for (const [i, sample] of samples.entries()) {
    for (let mutant = 0; mutant < Number(mutantsText); mutant += 1) {
      const source = mutate(sample, samples, random)
      const started = performance.now()
      try {
        await readParquetColumns({ source, name: 'mutant', limits: LIMITS })
        report.read += 1
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'FILE_CORRUPT') report.refused += 1
        else report.strange.push(`sample ${i}, mutant ${mutant}: ${String(error)}`)
      }
      report.slowestMs = Math.max(report.slowestMs, performance.now() - started)
    }
  }
  report.rssMb = Math.round(process.resourceUsage().maxRSS / 1024)
  return report
}

if (import.meta.main) process.stdout.write(JSON.stringify(await run(process.argv.slice(2))))
