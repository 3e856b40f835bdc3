import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measure, REPOSITORY, type Measured } from './measure.ts'

/**
 * The retail example from files to gold, a second run with nothing new, ingest alone on one and on four times the input,
 * and plain DuckDB over the same files, in turn.
 */
const DATA = process.env['RETAIL_DATA'] ?? join(REPOSITORY, '../shared/data/online-retail')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const MAIN = join(REPOSITORY, 'src/main.ts')
const TIMES = 4

export interface RetailRow {
  readonly what: string
  readonly runs: Measured[]
}

export async function measureRetail(runs: number): Promise<RetailRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const four = join(scratch, 'data-times-4')
    await mkdir(four)
    for (const name of await readdir(DATA)) {
      if (!name.endsWith('.csv.gz')) continue
      for (let i = 0; i < TIMES; i += 1) await cp(join(DATA, name), join(four, `${i}-${name}`))
    }
    const whole: RetailRow = { what: 'run: files → topic → bronze → silver → gold', runs: [] }
    const again: RetailRow = { what: 'run again, nothing new', runs: [] }
    const connect: RetailRow = { what: 'connect alone', runs: [] }
    const ingest: RetailRow = { what: 'ingest alone', runs: [] }
    const ingestFour: RetailRow = { what: `ingest alone, ${TIMES} × the input`, runs: [] }
    const plain: RetailRow = { what: 'plain DuckDB over the same files, to a deduplicated table', runs: [] }
    for (let i = 0; i < runs; i += 1) {
      const lake = join(scratch, `lake-${i}`)
      const verb = (words: readonly string[], at: string, data: string): Promise<Measured> =>
        measure([MAIN, ...words, '--config', CONFIG], { env: { LAKE: at, RETAIL_DATA: data }, scratch })
      whole.runs.push(await verb(['run'], lake, DATA))
      again.runs.push(await verb(['run'], lake, DATA))
      connect.runs.push(await verb(['connect'], `${lake}-parts`, DATA))
      ingest.runs.push(await verb(['ingest'], `${lake}-parts`, DATA))
      await verb(['connect'], `${lake}-four`, four)
      ingestFour.runs.push(await verb(['ingest'], `${lake}-four`, four))
      plain.runs.push(
        await measure([join(REPOSITORY, 'bench/plain-duckdb.ts')], {
          env: { RETAIL_DATA: DATA, SCRATCH: scratch },
          scratch,
        }),
      )
      for (const each of [lake, `${lake}-parts`, `${lake}-four`])
        for (const part of [each, `${each}.state`]) await rm(part, { recursive: true, force: true })
    }
    return [whole, again, connect, ingest, ingestFour, plain]
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
