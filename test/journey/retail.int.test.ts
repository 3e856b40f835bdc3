import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { runSeed, seededRandom, shuffle } from '../support/random.ts'
import { duckdbRows, rawRows } from '../support/raw-delta.ts'
import {
  CUSTOMER,
  expectedSql,
  expectedVersionsSql,
  NO_RETAIL_DATA,
  PRODUCT,
  RETAIL_DATA,
  retailFiles,
} from '../support/retail-data.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/** The real shop's half year through the whole of Sluice; every expected figure is SQL over the raw CSV files. */

const EXAMPLE = join(REPOSITORY, 'examples/online-retail')
const CONFIG = join(EXAMPLE, 'config.yaml')
const MODELS = ['silver/order_lines', 'gold/dim_product', 'gold/dim_customer', 'gold/dim_date', 'gold/fact_sales']
const VISIBLE = "select columns(c -> c not like '\\_%' escape '\\') from rows order by all"
const seed = runSeed()

interface RunReport {
  readonly tables: readonly {
    readonly table: string
    readonly read: number
    readonly landed: number
    readonly quarantined: number
    readonly version: number
  }[]
  readonly models: readonly { readonly model: string; readonly outcome: string; readonly version: number }[]
}

describe('the retail example over the real data', { skip: NO_RETAIL_DATA }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let lake: string
  let env: Record<string, string>
  before(async () => {
    folder = await temporaryFolder('retail')
    lake = join(folder.path, 'lake')
    env = { LAKE: lake, RETAIL_DATA: RETAIL_DATA! }
  })
  after(() => folder.remove())

  it('lands what the contract takes, keeps what it refuses, and builds silver and gold to the figures of the raw files', async () => {
    const report = await sluiceJson<RunReport>(['run', '--config', CONFIG], { env })
    const [expected] = await duckdbRows(expectedSql('with a customer'))
    const [table] = report.tables
    assert.deepEqual([table?.landed, table?.quarantined], [expected!['bronze'], expected!['refused']])
    const silver = await rawRows(
      join(lake, 'silver/order_lines'),
      'select count(*)::int as silver, sum(quantity)::int as quantity, sum(quantity * unit_price)::varchar as revenue from rows where not _deleted',
    )
    assert.deepEqual(silver, [
      { silver: expected!['silver'], quantity: expected!['quantity'], revenue: expected!['revenue'] },
    ])
    await assertVersions(lake, 'with a customer')
  })

  it('every letter names CustomerID', async () => {
    const [expected] = await duckdbRows(expectedSql('with a customer'))
    const { records } = await sluiceJson<{ records: { row_id: string; errors: { field: string }[] }[] }>(
      ['errors', 'list', '--limit', '1000000', '--config', CONFIG],
      { env },
    )
    assert.equal(new Set(records.map((record) => record.row_id)).size, expected!['refused'])
    assert.ok(records.every((record) => record.errors.some((error) => error.field === 'CustomerID')))
  })

  it('every sale has exactly one version of each dimension, valid at its time', async () => {
    for (const [dimension, key, natural] of [
      ['dim_product', 'product_sk', 'stock_code'],
      ['dim_customer', 'customer_sk', 'customer_id'],
    ] as const) {
      const [found] = await sluiceJson<{ sales: number; matched: number; versions: number }[]>(
        [
          'query',
          `select count(*) as sales, count(d.${key}) as matched, count(distinct f.line_id) as versions from gold.fact_sales f left join gold.${dimension} d
           on d.${natural} = f.${natural} and d.valid_from <= f.invoice_date and (f.invoice_date < d.valid_to or d.valid_to is null) and d.${key} = f.${key}`,
          '--config',
          CONFIG,
        ],
        { env },
      )
      const [expected] = await duckdbRows(expectedSql('with a customer'))
      assert.deepEqual(found, {
        sales: expected!['silver'],
        matched: expected!['silver'],
        versions: expected!['silver'],
      })
    }
  })

  it('dim_date has every day from the first sale to the last', async () => {
    const days = await rawRows(
      join(lake, 'gold/dim_date'),
      'select count(*)::int as n, count(distinct date_sk)::int as keys, date_diff(\'day\', min("date"), max("date"))::int + 1 as span, min(date_sk)::int as first, max(date_sk)::int as last from rows',
    )
    const files = retailFiles()
    const sk = (name: string): number => Number(name.slice(0, 10).replaceAll('-', ''))
    assert.deepEqual(days, [
      {
        n: days[0]!['span'],
        keys: days[0]!['span'],
        span: days[0]!['span'],
        first: sk(files[0]!),
        last: sk(files.at(-1)!),
      },
    ])
  })

  it('a second run commits nothing, and verify holds against the log', async () => {
    const first = await versions(lake)
    await sluiceJson(['run', '--config', CONFIG], { env })
    assert.deepEqual(await versions(lake), first)
    assert.equal((await sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', CONFIG], { env })).ok, true)
  })

  it('I11: files in reverse order, each shuffled, in five increments, give the same silver and gold row for row', async () => {
    const random = seededRandom(seed)
    const other = join(folder.path, 'increments')
    const data = join(folder.path, 'increments.data')
    await mkdir(data)
    const files = retailFiles().reverse()
    for (let part = 0; part < 5; part += 1) {
      const share = files.slice(Math.floor((part * files.length) / 5), Math.floor(((part + 1) * files.length) / 5))
      // A name that sorts by delivery, so that the order of the days is reversed within an increment too.
      for (const [i, name] of share.entries())
        await writeFile(
          join(data, `${part}-${String(i).padStart(3, '0')}-${name}`),
          await shuffledFile(join(RETAIL_DATA!, name), random),
        )
      await sluiceJson(['run', '--config', CONFIG], { env: { LAKE: other, RETAIL_DATA: data } })
    }
    for (const table of MODELS)
      assert.deepEqual(
        await rawRows(join(other, table), VISIBLE),
        await rawRows(join(lake, table), VISIBLE),
        `${table} (SLUICE_SEED=${seed})`,
      )
  })

  it('I11: one file at a time gives the same silver and gold as all at once', async () => {
    const days = retailFiles().slice(0, 12)
    const [single, whole] = [join(folder.path, 'single'), join(folder.path, 'whole')]
    const [singleData, wholeData] = [`${single}.data`, `${whole}.data`]
    await Promise.all([mkdir(singleData), mkdir(wholeData)])
    for (const day of days) {
      await cp(join(RETAIL_DATA!, day), join(wholeData, day))
      await cp(join(RETAIL_DATA!, day), join(singleData, day))
      await sluiceJson(['run', '--config', CONFIG], { env: { LAKE: single, RETAIL_DATA: singleData } })
    }
    await sluiceJson(['run', '--config', CONFIG], { env: { LAKE: whole, RETAIL_DATA: wholeData } })
    for (const table of MODELS)
      assert.deepEqual(await rawRows(join(single, table), VISIBLE), await rawRows(join(whole, table), VISIBLE), table)
  })

  it('I15: a contract that no longer requires the customer is rehearsed, registered, and the letters redriven, once', async () => {
    const schemas = join(folder.path, 'schemas')
    await cp(join(EXAMPLE, 'schemas'), schemas, { recursive: true })
    const file = join(schemas, 'order_lines-value.avsc')
    const schema = JSON.parse(await readFile(file, 'utf8')) as {
      fields: { name: string; constraints?: Record<string, unknown> }[]
    }
    delete schema.fields.find((field) => field.name === 'CustomerID')!.constraints!['required']
    await writeFile(file, JSON.stringify(schema))
    const proposed = ['--set', `paths.schemas=${schemas}`, '--config', CONFIG]
    const before = await versions(lake)
    const [strict] = await duckdbRows(expectedSql('with a customer'))
    const [all] = await duckdbRows(expectedSql('all'))

    const { rehearsals } = await sluiceJson<{ rehearsals: { would_pass: number; would_fail: number }[] }>(
      ['contract', 'rehearse', ...proposed],
      { env },
    )
    assert.deepEqual(
      rehearsals.map(({ would_pass, would_fail }) => [would_pass, would_fail]),
      [[strict!['refused'], 0]],
    )
    assert.deepEqual(await versions(lake), before)

    await sluiceJson(['contract', 'register', ...proposed], { env })
    await sluiceJson(['errors', 'redrive', '--yes', ...proposed], { env })
    await sluiceJson(['run', ...proposed], { env })
    assert.deepEqual(
      await rawRows(
        join(lake, 'bronze/order_lines'),
        'select count(*)::int as n, count(distinct (_topic, _partition, _epoch, _offset))::int as places from rows',
      ),
      [{ n: all!['bronze'], places: all!['bronze'] }],
    )
    const silver = await rawRows(
      join(lake, 'silver/order_lines'),
      'select count(*)::int as silver, sum(quantity)::int as quantity, sum(quantity * unit_price)::varchar as revenue from rows where not _deleted',
    )
    assert.deepEqual(silver, [{ silver: all!['silver'], quantity: all!['quantity'], revenue: all!['revenue'] }])
    await assertVersions(lake, 'all')
    assert.deepEqual(
      await rawRows(
        join(lake, 'gold/fact_sales'),
        "select count(*) filter (where product_sk = '-1')::int as products, count(*) filter (where customer_sk = '-1')::int as customers from rows",
      ),
      [{ products: 164, customers: 68_988 }],
    )
    assert.equal((await sluiceJson<{ ok: boolean }>(['verify', '--config', CONFIG], { env })).ok, true)

    const settled = await versions(lake)
    await sluiceJson(['errors', 'redrive', '--yes', ...proposed], { env })
    await sluiceJson(['run', ...proposed], { env })
    assert.deepEqual(await versions(lake), settled)
  })

  it('asks before it redrives: without a terminal and without --yes it is refused', async () => {
    const ended = await sluice(['errors', 'redrive', '--config', CONFIG], { env })
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /--yes/)
  })

  async function assertVersions(place: string, lines: 'with a customer' | 'all'): Promise<void> {
    for (const [table, key, subject] of [
      ['gold/dim_product', 'stock_code', PRODUCT],
      ['gold/dim_customer', 'customer_id', CUSTOMER],
    ] as const) {
      const found = await rawRows(
        join(place, table),
        `select count(*)::int as versions, count(distinct ${key})::int as keys from rows where ${key} is not null`,
      )
      assert.deepEqual(found, await duckdbRows(expectedVersionsSql({ lines, ...subject })), table)
    }
  }
})

async function versions(lake: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const table of ['bronze/order_lines', ...MODELS]) {
    found[table] = (await readdir(join(lake, table, '_delta_log'))).filter((name) => /^\d{20}\.json$/.test(name)).length
  }
  return found
}

async function shuffledFile(path: string, random: () => number): Promise<Buffer> {
  const [header, ...lines] = gunzipSync(await readFile(path))
    .toString('utf8')
    .trimEnd()
    .split('\n')
  return gzipSync(`${[header, ...shuffle(lines, random)].join('\n')}\n`, { level: 1 })
}
