import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../../src/domain/model.ts'
import { modelLineage } from '../../../src/transform/rows/model-lineage.ts'

const MODEL: ModelDefinition = {
  layer: 'gold',
  table: 'f',
  kind: 'merge',
  description: null,
  sql: '',
  sqlFile: 'f.sql',
  yamlFile: 'f.yaml',
  key: ['id'],
  sequenceBy: null,
  tieBreak: [],
  track: [],
  surrogateKey: null,
  lookups: [],
  rowLookups: [],
  derive: [],
  partitionBy: [],
  over: null,
}

const fields = (...names: string[]): ColumnField[] =>
  names.map((name) => ({ name, type: { kind: 'string' }, nullable: true }))

function read(
  model: Partial<ModelDefinition>,
  columns: readonly string[],
  inputs: Readonly<Record<string, readonly string[]>>,
): { readonly columns: Record<string, string>; readonly rows: string } {
  const lineage = modelLineage({
    model: { ...MODEL, ...model },
    dimensionKeys: (model.lookups ?? []).map(({ dimension }) => `${dimension.table}_key`),
    fields: fields(...columns),
    inputs: new Map(Object.entries(inputs).map(([table, names]) => [table, fields(...names)])),
  })
  const text = (
    origins: readonly { readonly table: string; readonly column: string; readonly how: string }[],
  ): string => origins.map(({ table, column, how }) => `${table}.${column} ${how}`).join(', ')
  return {
    columns: Object.fromEntries([...lineage.columns].map(([name, origins]) => [name, text(origins)])),
    rows: text(lineage.rows),
  }
}

test('a versioned dimension: key and validity come from the key and the time of change; our own columns are left out', () => {
  const { columns } = read(
    { kind: 'scd2', sql: 'select ID as id, city, ts, _op from bronze.c', sequenceBy: 'ts', surrogateKey: 'c_sk' },
    ['c_sk', 'id', 'city', 'valid_from', 'valid_to', 'is_current', '_deleted'],
    { 'bronze.c': ['ID', 'city', 'ts', '_op'] },
  )
  assert.deepEqual(columns, {
    c_sk: 'bronze.c.ID transformation, bronze.c.ts transformation',
    id: 'bronze.c.ID identity',
    city: 'bronze.c.city identity',
    valid_from: 'bronze.c.ts transformation',
    valid_to: 'bronze.c.ts transformation',
    is_current: 'bronze.c.ts transformation',
  })
})

test('a looked-up key is the dimension’s; what it is looked up by decides it', () => {
  const found = read(
    {
      sql: 'select id, cust, at from silver.o',
      lookups: [
        {
          dimension: { layer: 'gold', table: 'dim' },
          on: [{ fact: 'cust', dimension: 'customer_id' }],
          at: 'at',
          as: 'customer_sk',
        },
      ],
    },
    ['id', 'customer_sk'],
    { 'silver.o': ['id', 'cust', 'at'], 'gold.dim': ['dim_key', 'customer_id'] },
  )
  assert.equal(found.columns['customer_sk'], 'gold.dim.dim_key identity')
  assert.equal(found.rows, 'gold.dim.customer_id join, silver.o.cust join, silver.o.at join')
})

test('columns taken from another table are its own, and what is worked out comes from all that it names', () => {
  const found = read(
    {
      sql: 'select id, quantity * price as amount, currency, day from bronze.o',
      rowLookups: [
        {
          table: { layer: 'silver', table: 'fx' },
          on: [{ own: 'currency', other: 'currency' }],
          at: { own: 'day', other: 'day' },
          tieBreak: [],
          take: [{ column: 'rate', as: 'fx_rate' }],
          warnsIfNone: true,
        },
      ],
      derive: [
        { name: 'eur', sql: 'amount * fx_rate' },
        { name: 'twice', sql: 'eur * 2' },
      ],
    },
    ['id', 'amount', 'fx_rate', 'eur', 'twice'],
    { 'bronze.o': ['id', 'quantity', 'price', 'currency', 'day'], 'silver.fx': ['currency', 'day', 'rate'] },
  )
  const eur = 'bronze.o.quantity transformation, bronze.o.price transformation, silver.fx.rate transformation'
  assert.deepEqual(found.columns, {
    id: 'bronze.o.id identity',
    amount: 'bronze.o.quantity transformation, bronze.o.price transformation',
    fx_rate: 'silver.fx.rate identity',
    eur,
    twice: eur,
  })
  assert.equal(found.rows, 'silver.fx.currency join, bronze.o.currency join, silver.fx.day join, bronze.o.day join')
})

test('a calendar is made from the days that it covers', () => {
  const model = { kind: 'calendar', over: { table: { layer: 'silver', table: 'o' }, column: 'at' } } as const
  assert.deepEqual(read(model, ['date_sk'], { 'silver.o': ['at'] }), {
    columns: { date_sk: 'silver.o.at transformation' },
    rows: '',
  })
})
