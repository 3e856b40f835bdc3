import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { writeOrdersParquet } from '../../bench/parquet-alone.ts'
import type { ParquetMeasured } from '../../bench/parquet-alone.ts'
import { openDuck } from '../parquet/duckdb-cells.ts'

describe('the measured Parquet writer', () => {
  test('writes the orders that it says: DuckDB finds each once', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
    t.after(() => rm(folder, { recursive: true }))
    const parts: Uint8Array[] = []
    const { rows, fileBytes } = writeOrdersParquet(20_000, { take: (part) => parts.push(part) })
    const file = Buffer.concat(parts)
    assert.deepEqual([rows, file.length], [20_000, fileBytes])
    const path = join(folder, 'orders.parquet')
    await writeFile(path, file)
    const duck = await openDuck()
    t.after(() => duck.close())
    const found = await duck.rows(`
      select count(*), count(distinct order_id), sum(_offset)::bigint, count(discount) > 0, count(_rescued), max(_topic),
        bool_and(quantity between 1 and 10) from read_parquet('${path}')`)
    assert.deepEqual(found, [[20_000n, 20_000n, (20_000n * 19_999n) / 2n, true, 0n, 'orders', true]])
  })

  test('I12: holds a row group, not the file: three times the rows take hardly more memory', async () => {
    const peak = async (rows: number): Promise<ParquetMeasured & { readonly peakBytes: number }> => {
      const program = join(import.meta.dirname, '../../bench/parquet-alone.ts')
      const env = { ...process.env, SLUICE_BENCH_ROWS: String(rows) }
      const args = ['--disable-warning=ExperimentalWarning', program]
      const { stdout } = await promisify(execFile)(process.execPath, args, { env })
      return JSON.parse(stdout) as ParquetMeasured & { readonly peakBytes: number }
    }
    const [small, large] = [await peak(1_200_000), await peak(3_600_000)]
    const [bytes, more] = [large.fileBytes - small.fileBytes, large.peakBytes - small.peakBytes]
    assert.ok(bytes > 80 * 2 ** 20, `${bytes} more bytes of file`)
    assert.ok(more < 50 * 2 ** 20, `${more} more bytes of memory`)
  })
})
