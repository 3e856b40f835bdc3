import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import type { ParquetOptions } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { openDuck } from './duckdb-cells.ts'
import type { FuzzReport } from './fuzz-reader.ts'
import { FUZZ_FIELDS } from './fuzz-reader.ts'

/**
 * Damaged files, read in a process of their own: each gives a refusal by code or rows, in bounded time and memory. Set
 * FUZZ_SEED to repeat a run.
 */

const MUTANTS = 3000
const SLOWEST_MS = 60_000
const MAX_RSS_MB = 700

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-fuzz-'))
})
after(() => rm(folder, { recursive: true }))

const ROWS = Array.from({ length: 400 }, (_, i): Cell[] => [
  BigInt(i) * 1000n,
  i % 3 === 0 ? null : `v${i % 7}`,
  `own ${i}`,
  i % 5 === 0 ? null : BigInt(i * 99) * 10n ** 20n,
  i / 3,
  i % 2 === 0,
  i % 4 === 0 ? null : [i, null, i + 1].slice(0, i % 4),
  new Map<string, Cell>([['k', { a: i % 6 === 0 ? null : i, b: [`x${i}`] }]]),
])

const own = (options: Omit<ParquetOptions, 'fields'>): Uint8Array =>
  writeParquet({ fields: FUZZ_FIELDS, batches: [batchOf(FUZZ_FIELDS, ROWS)], ...options }).bytes

test('no damage to a file ends the process, hangs it or takes memory without bound', async (t) => {
  const samples = [
    own({}),
    own({ codec: 'none', pageBytes: 300, rowGroupRows: 90, bloomFilters: ['own'] }),
    own({ codec: 'snappy', pageBytes: 1000, keyValues: { origin: 'fuzz' } }),
  ]
  const duck = await openDuck()
  for (const options of [
    'compression snappy',
    'compression lz4_raw',
    'compression gzip, parquet_version v2',
    'compression brotli',
  ]) {
    const path = join(folder, 'duck.parquet')
    await duck.run(`copy (select i * 1000 as id, 'v' || (i % 7) as text, 'own ' || i as own, (i * 99)::decimal(38,4) as wide,
      i / 3.0::double as real, i % 2 = 0 as flag, [i::int, null] as list,
      map {'k': {'a': i::int, 'b': ['x' || i]}} as deep from range(400) t(i)) to '${path}' (format parquet, ${options})`)
    samples.push(await readFile(path))
  }
  duck.close()

  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const paths: string[] = []
  for (const [i, sample] of samples.entries()) {
    paths.push(join(folder, `sample-${i}.parquet`))
    await writeFile(paths[i]!, sample)
  }
  const report = await fuzz([String(seed), String(MUTANTS), ...paths])
  t.diagnostic(JSON.stringify(report))
  assert.deepEqual(report.strange, [], `seed ${seed}`)
  assert.equal(report.read + report.refused, samples.length * MUTANTS)
  assert.ok(report.read > MUTANTS / 10 && report.refused > MUTANTS, `seed ${seed}: ${JSON.stringify(report)}`)
  assert.ok(report.slowestMs < SLOWEST_MS, `seed ${seed}: ${report.slowestMs} ms`)
  assert.ok(report.rssMb < MAX_RSS_MB, `seed ${seed}: ${report.rssMb} MB`)
})

async function fuzz(args: readonly string[]): Promise<FuzzReport> {
  const program = join(import.meta.dirname, 'fuzz-reader.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args])
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  assert.equal(code, 0, `seed ${args[0]}: ${err}`)
  return JSON.parse(out) as FuzzReport
}
