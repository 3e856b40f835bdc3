import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import type { StoredColumn } from '../../../src/domain/stored-column.ts'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import { modelEngineConformance } from '../../conformance/model-engine.ts'

modelEngineConformance('duckdb', async (tempFolder) =>
  openDuckdbEngine({ memoryLimitBytes: 256 << 20, threads: 2, tempFolder }),
)

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-duckdb-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('a result larger than the target is several files, and what was spilled is gone after', () =>
  inFolder(async (folder) => {
    const engine = openDuckdbEngine({ memoryLimitBytes: 96 << 20, threads: 2, tempFolder: join(folder, 'temp') })
    await mkdir(join(folder, 'out'))
    const staged = await engine.stage({
      inputs: [],
      steps: [
        {
          name: 's',
          sql: 'select i, md5(cast(i as varchar)) as m, md5(cast(i + 1 as varchar)) as n from range(1200000) r(i)',
        },
      ],
      probes: [],
      output: {
        sql: 'select * from s',
        fields: null,
        partitionBy: [],
        folder: join(folder, 'out'),
        targetFileBytes: 4 << 20,
      },
    })
    assert.equal(staged.rows, 1_200_000)
    assert.ok(staged.files.length > 1)
    assert.deepEqual(await readdir(join(folder, 'temp')), [])
    await engine.close()
  }))

test('each partition has one file, however many there are', () =>
  inFolder(async (folder) => {
    const engine = openDuckdbEngine({ memoryLimitBytes: 256 << 20, threads: 2, tempFolder: join(folder, 'temp') })
    const staged = await engine.stage({
      inputs: [],
      steps: [],
      probes: [],
      output: {
        sql: 'select i, i % 150 as p from range(300000) r(i)',
        fields: null,
        partitionBy: ['p'],
        folder,
        targetFileBytes: 1 << 26,
      },
    })
    assert.equal(staged.files.length, 150)
    assert.equal(staged.rows, 300_000)
    await engine.close()
  }))

const INT = { kind: 'int32' } as const
const MAPPED: readonly ColumnField[] = [
  { name: 'number', type: INT, nullable: true },
  {
    name: 'deep',
    type: {
      kind: 'struct',
      fields: [
        { name: 'Inner Text', type: { kind: 'string' }, nullable: true },
        {
          name: 'items',
          type: {
            kind: 'list',
            element: { kind: 'struct', fields: [{ name: 'size', type: INT, nullable: true }] },
            elementNullable: true,
          },
          nullable: true,
        },
      ],
    },
    nullable: true,
  },
  {
    name: 'by_key',
    type: {
      kind: 'map',
      value: { kind: 'struct', fields: [{ name: 'q', type: INT, nullable: true }] },
      valueNullable: true,
    },
    nullable: true,
  },
  { name: 'at', type: { kind: 'timestamp' }, nullable: true },
]
const column = (name: string, id: number, inside: readonly StoredColumn[] = []): StoredColumn => ({
  name,
  storedName: `col-${id}`,
  id,
  inside,
})
const STORED: readonly StoredColumn[] = [
  column('number', 1),
  column('deep', 2, [column('Inner Text', 3), column('items', 4, [column('size', 5)])]),
  column('by_key', 6, [column('q', 7)]),
  column('at', 8),
]
const WHOLE = {
  number: 1,
  deep: { 'Inner Text': 'a', items: [{ size: 3 }, null] },
  by_key: { k: { q: 4 } },
  at: '2026-01-01T00:00:00.000Z',
}

async function mappedRows(folder: string, by: 'name' | 'id', copies: readonly string[]): Promise<readonly unknown[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  for (const [at, copy] of copies.entries())
    await connection.run(copy.replace('TARGET', `'${join(folder, `${at}.parquet`)}'`))
  connection.closeSync()
  instance.closeSync()
  const engine = openDuckdbEngine({ memoryLimitBytes: 256 << 20, threads: 1, tempFolder: join(folder, 'temp') })
  const files = copies.map((_, at) => ({
    path: `${at}`,
    localFile: join(folder, `${at}.parquet`),
    partitionValues: {},
  }))
  const input = { name: 't', fields: MAPPED, partitionColumns: [], files, stored: { by, columns: STORED } }
  try {
    const [rows] = await engine.ask({ inputs: [input], questions: ['select * exclude (_file) from t order by number'] })
    return rows!
  } finally {
    await engine.close()
  }
}

test('columns are found by the names that files have for them, fields within structs, lists and maps too; what a file lacks is null', () =>
  inFolder(async (folder) => {
    const rows = await mappedRows(folder, 'name', [
      `copy (select 1::int as "col-1", {'col-3': 'a', 'col-4': [{'col-5': 3}, null]} as "col-2", map {'k': {'col-7': 4}} as "col-6",
        timestamptz '2026-01-01 00:00:00+00' as "col-8", 99 as number, 'dropped' as at) to TARGET`,
      // an older file: before `items`, `by_key` and `at`
      `copy (select 2::int as "col-1", {'col-3': 'b'} as "col-2") to TARGET`,
      `copy (select 3::int as "col-1", null::struct("col-3" varchar) as "col-2", map {}::map(varchar, struct("col-7" int)) as "col-6") to TARGET`,
    ])
    assert.deepEqual(rows, [
      WHOLE,
      { number: 2, deep: { 'Inner Text': 'b', items: null }, by_key: null, at: null },
      { number: 3, deep: null, by_key: {}, at: null },
    ])
  }))

test('columns are found by their ids, whatever each file calls them', () =>
  inFolder(async (folder) => {
    const ids = (names: readonly string[]): string =>
      `(field_ids {${names[0]}: 1, ${names[1]}: {__duckdb_field_id: 2, ${names[2]}: 3, ${names[3]}: {__duckdb_field_id: 4, element: {__duckdb_field_id: 44, ${names[4]}: 5}}}, ${names[5]}: {__duckdb_field_id: 6, key: 45, value: {__duckdb_field_id: 46, ${names[6]}: 7}}, ${names[7]}: 8})`
    const row = (names: readonly string[], n: number): string =>
      `copy (select ${n}::int as ${names[0]}, {'${names[2]}': 'a', '${names[4] === names[3] ? 'x' : names[3]}': [{'${names[4]}': 3}, null]} as ${names[1]},
        map {'k': {'${names[6]}': 4}} as ${names[5]}, timestamptz '2026-01-01 00:00:00+00' as ${names[7]}) to TARGET ${ids(names)}`
    const rows = await mappedRows(folder, 'id', [
      row(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], 1),
      // the names of other columns
      row(['by_key', 'number', 'q', 'size', 'items', 'deep', 'h', 'moment'], 2),
      `copy (select 3::int as other, 5 as number) to TARGET (field_ids {other: 1})`,
    ])
    assert.deepEqual(rows, [WHOLE, { ...WHOLE, number: 2 }, { number: 3, deep: null, by_key: null, at: null }])
  }))

test('a file without ids is refused by name where columns are found by them', () =>
  inFolder((folder) =>
    assert.rejects(mappedRows(folder, 'id', ['copy (select 1 as number) to TARGET']), {
      code: 'TABLE_UNSUPPORTED',
      message: /file 0 has no field ids/,
    }),
  ))
