import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { openBuildGate } from '../../../src/operate/gate/build-gate.ts'
import type { GateWorld } from '../../../src/operate/gate/judge-staged.ts'
import { readGateReport } from '../../../src/operate/gate/report/gate-report.ts'
import type { World } from '../../../src/ports/world.ts'
import { parseSuites } from '../../../src/settings/dq-file.ts'
import { CHANGE_FIELDS, model, openLake } from '../../transform/lake-fixture.ts'

/** A fact whose parent lands later: told of within the grace, blocked past it, restated once the parent is there. */

const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const FIELDS: readonly ColumnField[] = [
  ...['id', 'customer'].map((name): ColumnField => ({ name, type: { kind: 'string' }, nullable: true })),
  { name: 'seen', type: { kind: 'timestamp' }, nullable: true },
  { name: '_ingest_ts', type: { kind: 'timestamp' }, nullable: true },
  ...CHANGE_FIELDS,
]
const MODELS = [
  model('silver.customers', 'kind: merge\nkey: customer\n', `select customer, seen, ${CARRIED} from bronze.customers`),
  model('silver.orders', 'kind: merge\nkey: id\n', `select id, customer, seen, ${CARRIED} from bronze.orders`),
  model(
    'gold.dim_customer',
    'kind: scd2\nkey: customer\nsequence_by: seen\nsurrogate_key: customer_sk\n',
    `select customer, seen, ${CARRIED} from bronze.customers`,
  ),
  model(
    'gold.fact',
    'kind: merge\nkey: id\nlookups:\n  - {dimension: gold.dim_customer, on: {customer: customer}, at: seen, as: customer_sk}\n',
    'select id, customer, seen from silver.orders',
  ),
]
const SUITE = `silver.orders:
  critical:
    - expect_referential_integrity: {column: customer, parent: silver.customers, parent_column: customer}
`

test('a missing parent is told of within referential_grace and blocks past it; when it lands the fact is restated', async () => {
  const lake = await openLake({ bronze: { orders: ['id'], customers: ['customer'] } })
  let aheadMs = 0
  try {
    const suites = parseSuites({
      yaml: SUITE,
      file: '/p/dq.yaml',
      thresholds: 'referential_grace: 10m\n',
      thresholdsFile: '/p/dq_thresholds.yaml',
    })
    const world: GateWorld = {
      ...lake.world,
      clock: { ...lake.world.clock, nowMs: () => Date.now() + aheadMs },
      settings: { ...lake.world.settings, suites },
      registry: null as unknown as World['registry'],
    }
    let offset = 0
    const land = (table: string, customer: string, at: string): Promise<number> => {
      offset += 1
      const now = `timestamp '${new Date(world.clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ')}'`
      const sql = `select 'o${offset}' as id, '${customer}' as customer, timestamp '${at}' as seen, ${now} as _ingest_ts,
        'c' as _op, ${now} as _record_ts, 0 as _epoch, 0 as _partition, ${offset}::bigint as _offset`
      return lake.write(table, { sql, fields: FIELDS })
    }
    const build = async (): Promise<readonly string[]> => {
      const gate = await openBuildGate({ world, models: MODELS, stageOnly: false, dryRun: false })
      const outcomes = await lake.build(MODELS, gate)
      return ['silver.orders', 'gold.fact'].map((name) => outcomes.find((each) => each.model === name)!.outcome)
    }
    const keys = async (): Promise<unknown[]> =>
      (await lake.rows('gold.fact', `select id, customer_sk = '-1' as is_unknown from t order by id`)).map(
        ({ id, is_unknown }) => [id, is_unknown],
      )

    await land('bronze.customers', 'ada', '2026-01-01 00:00:00')
    await land('bronze.orders', 'ada', '2026-01-02 00:00:00')
    await land('bronze.orders', 'bob', '2026-01-02 00:00:00')
    assert.deepEqual(await build(), ['built', 'built'])
    assert.equal((await readGateReport(lake.world.lake, 'silver.orders'))?.outcome, 'warned')
    assert.match((await readGateReport(lake.world.lake, 'silver.orders'))!.reason, /1 younger than the grace/)
    assert.deepEqual(await keys(), [
      ['o2', false],
      ['o3', true],
    ])

    aheadMs = 11 * 60_000
    await land('bronze.orders', 'ada', '2026-01-03 00:00:00')
    assert.deepEqual(await build(), ['blocked', 'skipped'])
    assert.match((await readGateReport(lake.world.lake, 'silver.orders'))!.reason, /1 of 3 rows break it/)
    assert.deepEqual((await keys()).length, 2, 'yesterday stands')

    await land('bronze.customers', 'bob', '2026-01-01 12:00:00')
    assert.deepEqual(await build(), ['built', 'built'])
    assert.equal((await readGateReport(lake.world.lake, 'silver.orders'))?.outcome, 'passed')
    assert.deepEqual(await keys(), [
      ['o2', false],
      ['o3', false],
      ['o4', false],
    ])
    assert.deepEqual(await lake.rows('gold.dim_customer', `select customer from t where customer_sk = '-1'`), [])
  } finally {
    await lake.close()
  }
})
