import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { openDuckdbEngine } from '../../src/adapters/duckdb/duckdb-engine.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { engineInput } from '../../src/lake/engine-input.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { EngineRow } from '../../src/ports/model-engine.ts'

/** Rows of the corpora's tables that need more than their files tell, against their files read plainly and their logs by eye. */

const CORPORA = resolve(import.meta.dirname, '../../../shared/corpora/delta')
const skip = !existsSync(CORPORA) && `${CORPORA} is absent`

async function rowsOf(name: string): Promise<readonly EngineRow[]> {
  const temporary = await mkdtemp(join(tmpdir(), 'sluice-corpora-'))
  const engine = openDuckdbEngine({ memoryLimitBytes: 128 << 20, threads: 1, tempFolder: temporary })
  try {
    const store = openFilesystemStore(join(CORPORA, name))
    const input = await engineInput({ name: 't', store, snapshot: (await openSnapshot(store))! })
    const [rows] = await engine.ask({ inputs: [input], questions: ['select * exclude (_file) from t order by all'] })
    return rows!
  } finally {
    await engine.close()
    await rm(temporary, { recursive: true, force: true })
  }
}

test('table-with-dv-small: of the values 0 to 9 those two that its DELETE names are gone', { skip }, async () => {
  const wanted = Array.from({ length: 10 }, (_, value) => ({ value })).filter(({ value }) => value !== 0 && value !== 9)
  assert.deepEqual(await rowsOf('table-with-dv-small'), wanted)
})

test(
  'table_with_column_mapping: files know the name column by its physical name, partitions are in the log',
  { skip },
  async () => {
    const files = {
      BME: '8v/part-00001-69b4a452-aeac-4ffa-bf5c-a0c2833d05eb.c000.zstd.parquet',
      BMS: 'BH/part-00000-4d6e745c-8e04-48d9-aa60-438228358f1a.c000.zstd.parquet',
    }
    const wanted: EngineRow[] = []
    for (const [company, path] of Object.entries(files)) {
      const file = await asyncBufferFromFile(join(CORPORA, 'table_with_column_mapping', path))
      const rows = await parquetReadObjects({ file, compressors })
      for (const row of rows) {
        wanted.push({
          'Company Very Short': company,
          'Super Name': String(row['col-3877fd94-0973-4941-ac6b-646849a1ff65']),
        })
      }
    }
    assert.equal(wanted.length, 5)
    const byText = (rows: readonly EngineRow[]): string[] => rows.map((row) => JSON.stringify(row)).sort()
    assert.deepEqual(byText(await rowsOf('table_with_column_mapping')), byText(wanted))
  },
)
