import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { writeDataFile } from '../../src/lake/data-file.ts'
import type { NewFile } from '../../src/lake/data-file.ts'
import { storePath } from '../../src/lake/log/file-key.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import { readParquetRows } from '../parquet/whole-file.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { batchOf } from '../parquet/build-columns.ts'
import type { Cell } from '../parquet/build-columns.ts'
import { ARROW_CELLS, arrowCell } from '../services/arrow-cells.ts'
import { findPython } from '../services/python.ts'
import { dataFile, FIELDS as LONGS, openTable, PARTITIONS as DAYS, step } from './table-steps.ts'

const found = await findPython()

const field = (name: string, type: ColumnType): ColumnField => ({ name, type, nullable: true })
const FIELDS: readonly ColumnField[] = [
  field('id', { kind: 'int64' }),
  field('small', { kind: 'int32' }),
  field('amount', { kind: 'decimal', precision: 12, scale: 3 }),
  field('wide', { kind: 'decimal', precision: 38, scale: 10 }),
  field('ratio', { kind: 'float64' }),
  field('flag', { kind: 'boolean' }),
  field('name', { kind: 'string' }),
  field('raw', { kind: 'binary' }),
  field('born', { kind: 'date' }),
  field('seen', { kind: 'timestamp' }),
  field('tags', { kind: 'list', element: { kind: 'string' }, elementNullable: true }),
  field('props', { kind: 'map', value: { kind: 'int64' }, valueNullable: true }),
  field('address', {
    kind: 'struct',
    fields: [
      field('street', { kind: 'string' }),
      field('codes', { kind: 'list', element: { kind: 'int32' }, elementNullable: true }),
    ],
  }),
  field('region', { kind: 'string' }),
  field('day', { kind: 'date' }),
]
const PARTITIONS = ['region', 'day']
const REGIONS = [
  'plain',
  'a b',
  'ü/é',
  "it's",
  '100%',
  'x=y&z',
  'q"?#:',
  'back\\slash',
  'a%20b',
  '{c}[d]',
  '\u{1f600}',
  null,
]

type Row = readonly Cell[]

function rowOf(id: number, region: string | null): Row {
  const n = BigInt(id)
  if (id % 5 === 4) return [n, ...Array<null>(12).fill(null), region, null]
  return [
    n,
    id * 3 - 50,
    n * 1001n - 7000n,
    (n - 3n) * 10n ** 30n + 1n,
    id / 3,
    id % 2 === 0,
    `name ${id} ${'é'.repeat(id)}`,
    Uint8Array.of(id, 255, 0),
    id - 10,
    1_700_000_000_000_001n + n * 999n,
    id % 3 === 0 ? [] : [`t${id}`, null],
    new Map([
      ['k', n],
      ['none', null],
    ]),
    { street: `s${id}`, codes: id % 2 === 0 ? null : [id, null] },
    region,
    19_000 + (id % 2),
  ]
}

const dayText = (days: Cell): string | null =>
  days === null ? null : new Date((days as number) * 86_400_000).toISOString().slice(0, 10)

/** A file for each partition of the rows. */
async function filesOf(store: ObjectStore, rows: readonly Row[]): Promise<NewFile[]> {
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.at(-2), row.at(-1)]))
  const files: NewFile[] = []
  for (const group of groups.values()) {
    const [region, day] = [group[0]!.at(-2) as string | null, dayText(group[0]!.at(-1)!)]
    files.push(
      await writeDataFile({
        store,
        batches: [batchOf(FIELDS, group)],
        fields: FIELDS,
        partitionColumns: PARTITIONS,
        partitionValues: { region, day },
        unstated: new Set<string>(),
        newId: () => randomUUID(),
      }),
    )
  }
  return files
}

async function freshStore(t: TestContext): Promise<ObjectStore> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-deltalake-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  return openFilesystemStore(root)
}

const appended = (store: ObjectStore, snapshot: Snapshot | null, adds: readonly NewFile[], txns: object = {}) =>
  step(store, snapshot, {
    ...(snapshot === null ? { create: { fields: FIELDS, partitionColumns: PARTITIONS, configuration: {} } } : {}),
    adds,
    txns: new Map(Object.entries(txns) as [string, bigint][]),
  })

const READ = `${ARROW_CELLS}
import deltalake, pyarrow.compute as pc
path, apps, filters = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
dt = deltalake.DeltaTable(path)
table = dt.to_pyarrow_table().sort_by('id' if 'id' in dt.to_pyarrow_dataset().schema.names else 'n')
counts = [dt.to_pyarrow_table(filters=[(c, op, eval(v))]).num_rows for c, op, v in filters]
print(json.dumps({
  'version': dt.version(),
  'schema': json.loads(dt.schema().to_json())['fields'],
  'partitions': dt.metadata().partition_columns,
  'rows': columns(table),
  'names': table.schema.names,
  'sums': [str(pc.sum(table[c]).as_py()) for c in table.schema.names if pa.types.is_integer(table[c].type) or pa.types.is_decimal(table[c].type)],
  'txns': [dt.transaction_version(a) for a in apps],
  'counts': counts,
}))
`

interface Seen {
  readonly version: number
  readonly schema: readonly { readonly name: string; readonly type: unknown; readonly nullable: boolean }[]
  readonly partitions: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
  readonly names: readonly string[]
  readonly sums: readonly string[]
  readonly txns: readonly (number | null)[]
  readonly counts: readonly number[]
}

type Filter = readonly [column: string, operator: string, python: string]

async function see(store: ObjectStore, apps: readonly string[] = [], filters: readonly Filter[] = []): Promise<Seen> {
  assert.ok(found.skip === false)
  return (await found.python.json(READ, store.uri, JSON.stringify(apps), JSON.stringify(filters))) as Seen
}

function assertRows({ rows, names }: Seen, expected: readonly Row[]): void {
  const sorted = expected.toSorted((a, b) => Number(a[0]) - Number(b[0]))
  for (const [c, { name, type }] of FIELDS.entries()) {
    assert.deepEqual(
      rows[names.indexOf(name)],
      sorted.map((row) => arrowCell(type, row[c]!)),
      name,
    )
  }
  assert.equal(names.length, FIELDS.length)
}

describe('deltalake and our kernel agree', () => {
  test(
    'on rows, schema, sums and transaction versions, through appends and a replace',
    { skip: found.skip },
    async (t) => {
      const store = await freshStore(t)
      const first = REGIONS.flatMap((region, i) => [rowOf(i * 2, region), rowOf(i * 2 + 1, region)])
      let table = await appended(store, null, await filesOf(store, first), { 'sluice/orders/0': 12n })
      const second = [rowOf(90, 'plain'), rowOf(91, 'back\\slash'), rowOf(94, null)]
      table = await appended(store, table, await filesOf(store, second), {
        'sluice/orders/0': 15n,
        'sluice/orders/1': 2n ** 53n - 1n,
      })
      assertRows(await see(store), [...first, ...second])

      // One partition is replaced whole.
      const gone = [...table.files.values()].filter((file) => file.partitionValues['region'] === 'a%20b')
      assert.ok(gone.length > 0)
      const changed = [rowOf(200, 'a%20b')]
      table = await step(store, table, {
        adds: await filesOf(store, changed),
        removes: gone,
        reads: 'removed-files',
        operation: { name: 'WRITE', parameters: { mode: 'Overwrite' }, metrics: {} },
      })
      const rows = [...first.filter((row) => row.at(-2) !== 'a%20b'), ...second, ...changed]
      const seen = await see(store, ['sluice/orders/0', 'sluice/orders/1', 'sluice/orders/2'])
      assertRows(seen, rows)
      assert.equal(seen.version, table.version)
      assert.deepEqual(seen.txns, [15, 2 ** 53 - 1, null])
      assert.deepEqual(seen.partitions, PARTITIONS)
      const sum = (name: string): bigint => {
        const at = FIELDS.findIndex((other) => other.name === name)
        return rows.reduce((total, row) => total + BigInt((row[at] ?? 0) as bigint | number), 0n)
      }
      assert.deepEqual(
        seen.sums.map((text) => BigInt(text.replace('.', ''))),
        [sum('id'), sum('small'), sum('amount'), sum('wide')],
      )
      assert.deepEqual(
        seen.schema.map(({ name, type }) => (typeof type === 'string' ? `${name} ${type}` : name)),
        [
          'id long',
          'small integer',
          'amount decimal(12,3)',
          'wide decimal(38,10)',
          'ratio double',
          'flag boolean',
          'name string',
          'raw binary',
          'born date',
          'seen timestamp',
          'tags',
          'props',
          'address',
          'region string',
          'day date',
        ],
      )
    },
  )

  test('on the statistics of the log, those of fields inside a struct too', { skip: found.skip }, async (t) => {
    assert.ok(found.skip === false)
    const store = await freshStore(t)
    const rows = [0, 2, 12, 14].map((id) => rowOf(id, 'plain'))
    await appended(store, null, await filesOf(store, rows))
    const script = `
import deltalake, json, sys
import pyarrow as pa
table = pa.table(deltalake.DeltaTable(sys.argv[1]).get_add_actions(flatten=True)).sort_by([('num_records', 'descending')])
print(json.dumps({name: table[name].to_pylist() for name in table.column_names if name.split('.', 1)[-1] in sys.argv[2:]}))`
    const [street, codes] = ['address.street', 'address.codes']
    const seen = await found.python.json(script, store.uri, 'num_records', 'small', street, codes)
    assert.deepEqual(seen, {
      // The row of nulls has a partition of its own.
      num_records: [3, 1],
      'null_count.small': [0, 1],
      'min.small': [-50, null],
      'max.small': [-14, null],
      [`null_count.${street}`]: [0, 1],
      [`min.${street}`]: ['s0', null],
      [`max.${street}`]: ['s2', null],
      [`null_count.${codes}`]: [3, 1],
    })
  })

  test('on which files a filter needs: our statistics never hide a row', { skip: found.skip }, async (t) => {
    const store = await freshStore(t)
    let table: Snapshot | null = null
    const rows: Row[] = []
    for (let id = 0; id < 12; id += 1) {
      const row = rowOf(id, REGIONS[id]!)
      rows.push(row)
      table = await appended(store, table, await filesOf(store, [row]))
    }
    const at = (name: string): number => FIELDS.findIndex((other) => other.name === name)
    const present = rows.filter((row) => row[1] !== null)
    const filters: [Filter, number][] = []
    for (const row of present) {
      const id = Number(row[0])
      filters.push([['id', '==', String(id)], 1])
      filters.push([['name', '==', JSON.stringify(row[at('name')])], 1])
      filters.push([
        ['name', '>=', JSON.stringify(row[at('name')])],
        present.filter((other) => (other[at('name')] as string) >= (row[at('name')] as string)).length,
      ])
      filters.push([['amount', '==', `decimal.Decimal(${row[at('amount')] as bigint}) / 1000`], 1])
      filters.push([
        ['born', '==', `datetime.date(1970, 1, 1) + datetime.timedelta(days=${row[at('born')] as number})`],
        1,
      ])
      filters.push([['seen', '==', `EPOCH + datetime.timedelta(microseconds=${row[at('seen')] as bigint})`], 1])
      filters.push([['ratio', '>=', `${id} / 3`], present.filter((other) => Number(other[0]) >= id).length])
    }
    for (const region of REGIONS) if (region !== null) filters.push([['region', '==', JSON.stringify(region)], 1])
    const { counts } = await see(
      store,
      [],
      filters.map(([filter]) => filter),
    )
    for (const [i, [filter, expected]] of filters.entries()) assert.equal(counts[i], expected, filter.join(' '))
  })

  for (const [parts, configuration] of [
    [1, {}],
    [4, { 'sluice.checkpointPartActions': '30' }],
  ] as const) {
    test(`when the log before a checkpoint of ours in ${parts} is gone`, { skip: found.skip }, (t) =>
      readCheckpoint(t, parts, configuration),
    )
  }

  async function readCheckpoint(t: TestContext, parts: number, configuration: Record<string, string>): Promise<void> {
    const store = await freshStore(t)
    const create = { fields: LONGS, partitionColumns: DAYS, configuration }
    let table = await step(store, null, { create })
    for (let i = 1; i <= 103; i += 1) {
      table = await step(store, table, {
        adds: [await dataFile(store, [i], i % 2 === 0 ? 'even %' : null)],
        txns: new Map([['app', BigInt(i)]]),
      })
    }
    const log = join(store.uri, '_delta_log')
    const names = await readdir(log)
    const written = names.filter((name) => name.startsWith('00000000000000000100.checkpoint.'))
    assert.equal(written.length, parts, names.join(' '))
    for (const name of names) if (name.endsWith('.json') && name < '00000000000000000100') await unlink(join(log, name))
    const seen = await see(store, ['app'])
    assert.equal(seen.version, 103)
    assert.deepEqual(seen.txns, [103])
    const numbers = Array.from({ length: 103 }, (_, i) => i + 1)
    assert.deepEqual(seen.rows, [numbers.map(String), numbers.map((n) => (n % 2 === 0 ? 'even %' : null))])
    const again = await openTable(store)
    assert.equal(again.files.size, 103)
    assert.equal(again.txns.get('app'), 103n)
  }

  test(
    'on what the other wrote: deltalake appends and checkpoints, our kernel reads on and commits',
    { skip: found.skip },
    async (t) => {
      assert.ok(found.skip === false)
      const store = await freshStore(t)
      const ours = [rowOf(0, 'a b'), rowOf(1, 'ü/é'), rowOf(2, null)]
      await appended(store, null, await filesOf(store, ours), { mine: 5n })
      await found.python.json(
        `${ARROW_CELLS}
import deltalake
path = sys.argv[1]
dt = deltalake.DeltaTable(path)
table = dt.to_pyarrow_table()
ids = pa.array([i.as_py() + 100 for i in table['id']], pa.int64())
more = table.set_column(table.schema.get_field_index('id'), 'id', ids)
properties = deltalake.CommitProperties(app_transactions=[deltalake.Transaction('theirs', 7)])
deltalake.write_deltalake(dt, more, mode='append', commit_properties=properties)
dt.update_incremental()
dt.create_checkpoint()
dt.delete("id = 101")
print('null')`,
        store.uri,
      )
      const table = await openTable(store)
      assert.equal(table.version, 2)
      assert.equal(table.txns.get('mine'), 5n)
      assert.equal(table.txns.get('theirs'), 7n)
      const copies = ours.map((row): Row => [(row[0] as bigint) + 100n, ...row.slice(1)]).filter(([id]) => id !== 101n)
      assert.deepEqual(await kernelRows(store, table), [...ours, ...copies].map(textOf))

      const last = await appended(store, table, await filesOf(store, [rowOf(300, "it's")]), { theirs: 8n })
      const seen = await see(store, ['mine', 'theirs'])
      assert.equal(seen.version, last.version)
      assert.deepEqual(seen.txns, [5, 8])
      assertRows(seen, [...ours, ...copies, rowOf(300, "it's")])
    },
  )
})

test(
  'deltalake deletes, updates, compacts and clusters rows of partitions of any name, and doubles none',
  { skip: found.skip },
  async (t) => {
    assert.ok(found.skip === false)
    const store = await freshStore(t)
    const days = [
      ...REGIONS,
      'a+b,c;d@e$f!(g)*h',
      '<i>|`^',
      '+',
      ',',
      ';',
      '@',
      '$',
      '&',
      '!',
      '(',
      ')',

      '-',
      '_',
      '.',
      '%',
      '%26',
      '%2B',
    ]
    let table = await step(store, null)
    const rows: (readonly [bigint, string | null])[] = []
    for (const ids of [0, 1]) {
      const adds = await Promise.all(days.map((day, i) => dataFile(store, [i * 10 + ids, i * 10 + 5 + ids], day)))
      table = await step(store, table, { adds })
      rows.push(...days.flatMap((day, i) => [0, 5].map((n) => [BigInt(i * 10 + n + ids), day] as const)))
    }
    const script = `
import deltalake, sys
import json
path = sys.argv[1]
deltalake.DeltaTable(path).delete('n % 10 = 0')
deltalake.DeltaTable(path).update(predicate='n % 10 = 1', updates={'n': 'n + 1000'})
for act in [lambda o: o.compact(), lambda o: o.z_order(['n'])]:
    act(deltalake.DeltaTable(path).optimize)
table = deltalake.DeltaTable(path).to_pyarrow_table()
print(json.dumps(sorted(str(n) for n in table['n'].to_pylist())))`
    const expected = rows.flatMap(([n]) => (n % 10n === 0n ? [] : [String(n % 10n === 1n ? n + 1000n : n)])).sort()
    assert.deepEqual(await found.python.json(script, store.uri), expected)
    const after = await openTable(store)
    assert.equal(after.version, table.version + 4)
    assert.equal(
      [...after.files.values()].reduce((sum, file) => sum + file.rows!, 0),
      expected.length,
    )
  },
)

/** The rows that our own snapshot and reader find, as text, in the order of their ids. */
async function kernelRows(store: ObjectStore, table: Snapshot): Promise<unknown[]> {
  const rows: Row[] = []
  for (const file of table.files.values()) {
    const source = await store.read(storePath(file.path))
    assert.ok(source !== null, file.path)
    const { region = null, day = null } = file.partitionValues
    for await (const row of readParquetRows({ source, name: file.path })) {
      const stored = FIELDS.slice(0, -2).map(({ name }) => (row[name] ?? null) as Cell)
      rows.push([...stored, region, day === null ? null : Date.parse(day) / 86_400_000])
    }
  }
  return rows.toSorted((a, b) => Number(a[0]) - Number(b[0])).map(textOf)
}

function textOf(row: Row): unknown {
  return FIELDS.map(({ type }, c) => arrowCell(type, row[c]!))
}
