import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { createInputView } from '../../../src/adapters/duckdb/input-view.ts'
import { OpenViews } from '../../../src/adapters/duckdb/open-views.ts'
import { stageOutput } from '../../../src/adapters/duckdb/stage-output.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import type { EngineFile, EngineInput } from '../../../src/ports/model-engine.ts'

const FIELDS: readonly ColumnField[] = [
  { name: 'i', type: { kind: 'int32' }, nullable: true },
  { name: 'part', type: { kind: 'string' }, nullable: true },
]
/** A slice ends with the first partition that has a file. */
const NO_MEMORY = 1

test('a result in slices has every row once, in one file a partition, whether slices are few or many', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-slices-'))
  const instance = await DuckDBInstance.create(':memory:', { external_threads: '0' })
  const connection = await instance.connect()
  try {
    for (const [at, count] of [0, 1, 3, 4, 5, 12].entries()) {
      const files: EngineFile[] = []
      for (let part = 0; part < count; part += 1) {
        const localFile = join(folder, `in-${at}-${part}.parquet`)
        await connection.run(`copy (select cast(i as integer) as i from range(${part + 2}) r(i)) to '${localFile}'`)
        files.push({ path: `p${part}`, localFile, partitionValues: { part: part === 0 ? null : `'${part}` } })
      }
      const input: EngineInput = { name: `t${at}`, fields: FIELDS, partitionColumns: ['part'], files }
      await createInputView(connection, input)
      const views = new OpenViews(connection, [input], NO_MEMORY)
      // in partitions that the view has, and in two that it has not
      const others = `select cast(100 + i as integer) as i, case when i = 0 then null else concat('''', cast(i as varchar)) end as part from range(${count + 2}) r(i)`
      const output = {
        sql: `select i, part from t${at} k where i <> 1 union all ${others}`,
        fields: FIELDS,
        partitionBy: ['part'],
        folder: join(folder, `out-${at}`),
        targetFileBytes: 1,
      }
      const slices = { view: `t${at}`, keeps: 'k.i <> 1', others }
      await mkdir(output.folder)
      const staged = await stageOutput(connection, { ...output, slices }, views)
      const told = staged.files.map(({ partitionValues, rows }) => `${partitionValues['part'] ?? '-'} ${rows}`)
      const whole = (
        await connection.runAndReadAll(`select coalesce(part, '-'), count(*) from (${output.sql}) group by 1`)
      )
        .getRows()
        .map(([part, rows]) => `${String(part)} ${String(rows)}`)
      assert.deepEqual(told.toSorted(), whole.toSorted())
      const list = staged.files.map(({ localFile }) => `'${localFile}'`).join(', ')
      const read = await connection.runAndReadAll(
        `select i from read_parquet([${list}], hive_partitioning=false) order by 1`,
      )
      const wanted = await connection.runAndReadAll(`select i from (${output.sql}) order by 1`)
      assert.deepEqual(read.getRows(), wanted.getRows())
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
    await rm(folder, { recursive: true, force: true })
  }
})
