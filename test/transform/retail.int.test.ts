import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { engineInput } from '../../src/lake/engine-input.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { loadModels } from '../../src/settings/model-file.ts'
import { openLake } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'

/**
 * The retail example's models over a bronze table written here, against a plain reading of the raw files in
 * JavaScript: no SQL and no engine on that side.
 */

const ROOT = resolve(import.meta.dirname, '../..')
const DATA = process.env['RETAIL_DATA'] ?? resolve(ROOT, '../shared/data/online-retail')
const skip = existsSync(DATA) ? false : `the retail data is not at ${DATA}`
if (skip !== false && process.env['CI'] === 'true') throw new Error(skip)

type Line = Record<
  'InvoiceNo' | 'StockCode' | 'Description' | 'Quantity' | 'InvoiceDate' | 'UnitPrice' | 'CustomerID' | 'Country',
  string
>

function field(name: string, type: ColumnType): ColumnField {
  return { name, type, nullable: true }
}

const FIELDS: readonly ColumnField[] = [
  field('InvoiceNo', { kind: 'string' }),
  field('StockCode', { kind: 'string' }),
  field('Description', { kind: 'string' }),
  field('Quantity', { kind: 'int32' }),
  field('InvoiceDate', { kind: 'timestamp' }),
  field('UnitPrice', { kind: 'decimal', precision: 12, scale: 3 }),
  field('CustomerID', { kind: 'int64' }),
  field('Country', { kind: 'string' }),
  field('_op', { kind: 'string' }),
  field('_record_ts', { kind: 'timestamp' }),
  field('_epoch', { kind: 'int32' }),
  field('_partition', { kind: 'int32' }),
  field('_offset', { kind: 'int64' }),
]

function readLines(): readonly Line[] {
  return readdirSync(DATA)
    .filter((name) => name.endsWith('.csv.gz'))
    .toSorted()
    .flatMap((name) => parse(gunzipSync(readFileSync(join(DATA, name))), { columns: true }) as Line[])
}

/** Versions of each key: a walk over the greatest event a time. */
function versionsOf(events: readonly { key: string; at: string; value: string; invoice: string }[]) {
  const byKey = Map.groupBy(events, (event) => event.key)
  const versions = new Map<string, { from: string; value: string }[]>()
  for (const [key, all] of byKey) {
    const greatest = new Map<string, { value: string; invoice: string }>()
    for (const event of all) {
      const standing = greatest.get(event.at)
      const isGreater =
        standing === undefined ||
        event.invoice > standing.invoice ||
        (event.invoice === standing.invoice && event.value > standing.value)
      if (isGreater) greatest.set(event.at, event)
    }
    const own: { from: string; value: string }[] = []
    for (const [at, { value }] of [...greatest].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      if (own.at(-1)?.value !== value) own.push({ from: at, value })
    }
    versions.set(key, own)
  }
  return versions
}

function expected(lines: readonly Line[]) {
  const distinct = [...new Map(lines.map((line) => [JSON.stringify(Object.values(line)), line])).values()]
  const milli = (price: string): bigint => BigInt(Math.round(Number(price) * 1000))
  const products = versionsOf(
    lines.flatMap(({ StockCode, Description, InvoiceDate, InvoiceNo }) => {
      const value = Description.replaceAll(/ +/g, ' ').replaceAll(/^ | $/g, '').toUpperCase()
      return value === '' ? [] : [{ key: StockCode, at: InvoiceDate, value, invoice: InvoiceNo }]
    }),
  )
  const customers = versionsOf(
    lines.flatMap(({ CustomerID, Country, InvoiceDate, InvoiceNo }) =>
      CustomerID === '' ? [] : [{ key: CustomerID, at: InvoiceDate, value: Country, invoice: InvoiceNo }],
    ),
  )
  const isUnknown = (versions: Map<string, { from: string }[]>, key: string, at: string): boolean =>
    !(versions.get(key) ?? []).some(({ from }) => from <= at)
  return {
    rows: distinct.length,
    quantity: distinct.reduce((sum, line) => sum + BigInt(line.Quantity), 0n),
    revenue: distinct.reduce((sum, line) => sum + BigInt(line.Quantity) * milli(line.UnitPrice), 0n),
    products: [...products.values()].reduce((sum, own) => sum + own.length, 0),
    codes: products.size,
    customerVersions: [...customers.values()].reduce((sum, own) => sum + own.length, 0),
    customers: customers.size,
    unknownProducts: distinct.filter((line) => isUnknown(products, line.StockCode, line.InvoiceDate)).length,
    unknownCustomers: distinct.filter((line) => isUnknown(customers, line.CustomerID, line.InvoiceDate)).length,
  }
}

async function found(lake: LakeFixture): Promise<ReturnType<typeof expected>> {
  const one = async (table: string, sql: string) => (await lake.rows(table, sql))[0] ?? {}
  const silver = await one(
    'silver.order_lines',
    'select count(*) as n, cast(sum(quantity) as bigint) as q, cast(sum(quantity * unit_price) * 1000 as bigint) as r from t',
  )
  const product = await one(
    'gold.dim_product',
    "select count(*) as n, count(distinct stock_code) as k from t where product_sk <> '-1'",
  )
  const customer = await one(
    'gold.dim_customer',
    "select count(*) as n, count(distinct customer_id) as k from t where customer_sk <> '-1'",
  )
  const facts = await one(
    'gold.fact_sales',
    "select count(*) as n, cast(sum(revenue) * 1000 as bigint) as r, count(*) filter (product_sk = '-1') as p, count(*) filter (customer_sk = '-1') as c from t",
  )
  assert.equal(facts['n'], silver['n'])
  assert.equal(facts['r'], silver['r'])
  return {
    rows: Number(silver['n']),
    quantity: silver['q'] as bigint,
    revenue: silver['r'] as bigint,
    products: Number(product['n']),
    codes: Number(product['k']),
    customerVersions: Number(customer['n']),
    customers: Number(customer['k']),
    unknownProducts: Number(facts['p']),
    unknownCustomers: Number(facts['c']),
  }
}

/** Bronze from lines, through a Parquet file of texts that the engine reads. */
async function land(lake: LakeFixture, lines: readonly Line[], firstOffset: number): Promise<void> {
  const columns = [
    'InvoiceNo',
    'StockCode',
    'Description',
    'Quantity',
    'InvoiceDate',
    'UnitPrice',
    'CustomerID',
    'Country',
  ] as const
  const texts = columns.map((name) => textColumn(lines.map((line) => line[name])))
  const { bytes } = writeParquet({
    fields: columns.map((name) => field(name, { kind: 'string' })),
    batches: [{ length: lines.length, fields: columns.map((name) => field(name, { kind: 'string' })), columns: texts }],
  })
  const localFile = join(await lake.world.stagingFolder('raw'), 'raw.parquet')
  writeFileSync(localFile, bytes)
  await lake.write('bronze.order_lines', {
    fields: FIELDS,
    inputs: [
      {
        name: 'raw',
        fields: columns.map((name) => field(name, { kind: 'string' })),
        partitionColumns: [],
        files: [{ path: 'raw', localFile, partitionValues: {} }],
      },
    ],
    sql: `select InvoiceNo, StockCode, nullif(Description, '') as Description, cast(Quantity as int) as Quantity,
      cast(InvoiceDate as timestamp) as InvoiceDate, cast(UnitPrice as decimal(12, 3)) as UnitPrice,
      cast(cast(nullif(CustomerID, '') as double) as bigint) as CustomerID, Country,
      'c' as _op, timestamp '2020-01-01 00:00:00' as _record_ts, 0 as _epoch, 0 as _partition,
      ${firstOffset} + row_number() over (order by InvoiceNo, StockCode) as _offset from raw`,
  })
}

/** Rows that one lake's table has and the other's has not, without the columns that begin with `_`. */
async function countDifferences(table: string, one: LakeFixture, other: LakeFixture): Promise<number> {
  const inputs = []
  const columns = new Set<string>()
  for (const [name, { world }] of [['one', one] as const, ['other', other] as const]) {
    const store = world.lake.at(table.replace('.', '/'))
    const snapshot = await openSnapshot(store)
    assert.ok(snapshot)
    for (const { name: column } of snapshot.metadata.fields) if (!column.startsWith('_')) columns.add(column)
    inputs.push(await engineInput({ name, store, snapshot }))
  }
  const select = (view: string): string => `select ${[...columns].join(', ')} from ${view}`
  const [rows] = await one.engine.ask({
    inputs,
    questions: [
      `select (select count(*) from (${select('one')} except all ${select('other')})) +
        (select count(*) from (${select('other')} except all ${select('one')})) as n`,
    ],
  })
  return Number(rows?.[0]?.['n'])
}

function textColumn(texts: readonly string[]) {
  const data = Buffer.from(texts.join(''))
  const offsets = new Int32Array(texts.length + 1)
  let at = 0
  for (const [index, text] of texts.entries()) {
    at += Buffer.byteLength(text)
    offsets[index + 1] = at
  }
  return {
    type: { kind: 'string' } as const,
    length: texts.length,
    validity: null,
    values: { layout: 'bytes' as const, offsets, data: new Uint8Array(data) },
  }
}

test(
  'the retail models give what a plain reading of the files gives, in one build and in increments',
  { skip },
  async () => {
    const models = loadModels(join(ROOT, 'examples/online-retail/models'))
    const lines = readLines()
    const known = lines.filter((line) => line.CustomerID !== '')
    const lake = await openLake({ bronze: { order_lines: ['StockCode'] } })
    const inParts = await openLake({ bronze: { order_lines: ['StockCode'] } })
    try {
      const build = async (of: LakeFixture): Promise<void> => {
        for (const { error } of await of.build(models)) assert.equal(error, null, error?.message)
      }
      await land(lake, known, 0)
      await build(lake)
      assert.deepEqual(await found(lake), expected(known))
      assert.equal((await lake.rows('gold.dim_product', "select 1 as x from t where product_sk = '-1'")).length, 0)
      // the newest lines first, then the others: late data
      await land(inParts, known.slice(120_000), 0)
      await build(inParts)
      await land(inParts, known.slice(0, 120_000), 1_000_000)
      await build(inParts)
      for (const { layer, table } of models) {
        const name = `${layer}.${table}`
        assert.equal(await countDifferences(name, lake, inParts), 0, name)
      }
      await land(
        lake,
        lines.filter((line) => line.CustomerID === ''),
        2_000_000,
      )
      await build(lake)
      assert.deepEqual(await found(lake), expected(lines))
      const [range] = await lake.rows(
        'gold.dim_date',
        'select count(*) as days, cast(max(date) - min(date) as int) + 1 as span, min(date_sk) as first, max(date_sk) as last from t',
      )
      const dates = lines.map((line) => line.InvoiceDate.slice(0, 10)).toSorted()
      assert.equal(range?.['first'], Number(dates[0]?.replaceAll('-', '')))
      assert.equal(range?.['last'], Number(dates.at(-1)?.replaceAll('-', '')))
      assert.equal(Number(range?.['days']), Number(range?.['span']))
    } finally {
      await lake.close()
      await inParts.close()
    }
  },
)
