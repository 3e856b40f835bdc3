import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import type { EngineRow } from '../../src/ports/model-engine.ts'
import { CHANGE_FIELDS, model, openLake } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'

/** Merge and SCD2 beyond the engine's memory, with a key that has a fifth of all changes. */

const FIELDS: readonly ColumnField[] = [
  { name: 'id', type: { kind: 'string' }, nullable: true },
  { name: 'note', type: { kind: 'string' }, nullable: true },
  { name: 'changed_at', type: { kind: 'timestamp' }, nullable: true },
  ...CHANGE_FIELDS,
]
const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const MODELS = [
  model(
    'silver.notes',
    'kind: merge\nkey: id\nsequence_by: changed_at\n',
    `select id, note, changed_at, ${CARRIED} from bronze.notes`,
  ),
  model(
    'gold.dim_note',
    'kind: scd2\nkey: id\nsequence_by: changed_at\ntrack: note\nsurrogate_key: note_sk\n',
    `select id, note, changed_at, ${CARRIED} from bronze.notes`,
  ),
]
const MEGABYTE = 2 ** 20
const SMALL = 112 * MEGABYTE

/** Late and repeated changes; one in five is of key 0. A note is some 150 bytes that do not repeat. */
function changes(from: number, to: number): string {
  return `select case when i % 5 = 0 then '0' else cast(hash(i) % 100000 as varchar) end as id,
    md5(i::varchar) || md5((i * 7)::varchar) || md5((i * 13)::varchar) || md5((i * 17)::varchar) as note,
    timestamp '2026-01-01' + to_milliseconds(cast(hash(i * 3) % 5000000 as bigint)) as changed_at,
    'u' as _op, timestamp '2026-01-01' as _record_ts, 0 as _epoch, 0 as _partition, i as _offset from range(${from}, ${to}) r(i)`
}

async function fingerprints(memoryLimitBytes: number, watch: (lake: LakeFixture) => () => void) {
  const lake = await openLake({ bronze: { notes: ['id'] }, memoryLimitBytes })
  const stop = watch(lake)
  try {
    const found: (readonly EngineRow[])[] = []
    for (const [from, to] of [
      [0, 240_000],
      [240_000, 300_000],
    ] as const) {
      await lake.write('bronze.notes', { sql: changes(from, to), fields: FIELDS })
      for (const { error } of await lake.build(MODELS)) assert.equal(error, null, error?.message)
      for (const name of ['silver.notes', 'gold.dim_note']) {
        const sql = `select count(*)::int as rows, sum(hash(columns(c -> not starts_with(c, '_'))))::varchar from t`
        found.push(await lake.rows(name, sql))
      }
    }
    return found
  } finally {
    stop()
    await lake.close()
  }
}

test('a merge and a dimension that do not fit the memory limit are spilled to disk and come to the same rows', async () => {
  let spilled = 0
  const watch = (lake: LakeFixture) => {
    const timer = setInterval(() => {
      const look = readdir(join(lake.folder, 'tmp'), { recursive: true }).catch(() => [])
      void look.then((names) => (spilled += names.filter((name) => name.includes('duckdb_temp')).length))
    }, 10)
    return () => clearInterval(timer)
  }
  const small = await fingerprints(SMALL, watch)
  assert.deepEqual(small, await fingerprints(8 * SMALL, () => () => undefined))
  assert.ok(spilled > 0, 'nothing was spilled: the limit was not reached')
})
