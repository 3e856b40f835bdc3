import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findPython } from '../services/python.ts'
import { rawRows } from '../support/raw-delta.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/** delta-rs reads every table that a project makes, after appends, merges and a redrive, and agrees. */

const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const TABLES = [
  'bronze/order_lines',
  'silver/order_lines',
  'gold/dim_product',
  'gold/dim_customer',
  'gold/dim_date',
  'gold/fact_sales',
]
const SCRIPT = `
import json, sys
from deltalake import DeltaTable
import pyarrow.compute as pc
out = {}
for path in sys.argv[2:]:
    table = DeltaTable(sys.argv[1] + '/' + path)
    data = table.to_pyarrow_table()
    sums = {}
    for name in data.column_names:
        if name in ('Quantity', 'quantity', 'UnitPrice', 'unit_price', 'revenue', 'date_sk', '_offset'):
            value = pc.sum(data[name]).as_py()
            sums[name] = None if value is None else str(value)
    nulls = {name: data[name].null_count for name in data.column_names}
    out[path] = {'version': table.version(), 'rows': data.num_rows, 'sums': sums, 'nulls': nulls,
                 'txn': [table.transaction_version('sluice/order_lines/%d' % p) for p in range(4)]}
print(json.dumps(out))
`

interface Seen {
  readonly version: number
  readonly rows: number
  readonly sums: Readonly<Record<string, string | null>>
  readonly nulls: Readonly<Record<string, number>>
  readonly txn: readonly (number | null)[]
}

const found = await findPython()

describe('deltalake reads what a project makes', { skip: found.skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let lake: string
  let seen: Readonly<Record<string, Seen>>
  const made = makeLines(7, 5, 200)
  before(async () => {
    folder = await temporaryFolder('deltalake')
    lake = join(folder.path, 'lake')
    const data = join(folder.path, 'data')
    await mkdir(data)
    const env = { LAKE: lake, RETAIL_DATA: data }
    const days = [...made.files]
    await writeLines(data, new Map(days.slice(0, 3)))
    await sluiceJson(['run', '--config', CONFIG], { env })
    await writeLines(data, new Map(days.slice(3)))
    await sluiceJson(['run', '--config', CONFIG], { env })
    if (found.skip === false)
      seen = (await found.python.json(SCRIPT, lake, ...TABLES)) as Readonly<Record<string, Seen>>
  })
  after(() => folder.remove())

  for (const table of TABLES) {
    it(`${table}: rows, nulls and sums agree`, async () => {
      const { rows, sums, nulls } = seen[table]!
      const partitioned = new Set(['_run_date', 'sale_date'])
      const names = Object.keys(nulls).filter((name) => !partitioned.has(name))
      const asks = [
        'count(*)::int as rows',
        ...Object.keys(sums).map((name) => `sum("${name}")::varchar as "sum ${name}"`),
        ...names.map((name) => `count(*) filter (where "${name}" is null)::int as "null ${name}"`),
      ]
      const [ours] = await rawRows(join(lake, table), `select ${asks.join(', ')} from rows`)
      assert.equal(rows, ours!['rows'])
      for (const [name, sum] of Object.entries(sums)) assert.equal(Number(sum), Number(ours![`sum ${name}`]), name)
      for (const name of names) assert.equal(nulls[name], ours![`null ${name}`], name)
    })
  }

  it('I1: transaction_version gives the next offset of every partition', async () => {
    const { tables } = await sluiceJson<{ tables: { partitions: { partition: number; next: string }[] }[] }>(
      ['verify', '--config', CONFIG],
      {
        env: { LAKE: lake, RETAIL_DATA: join(folder.path, 'data') },
      },
    )
    const nexts = tables[0]!.partitions.map((each) => Number(each.next))
    assert.deepEqual(seen['bronze/order_lines']!.txn, nexts)
    assert.equal(
      nexts.reduce((sum, next) => sum + next, 0),
      made.total,
    )
  })
})
