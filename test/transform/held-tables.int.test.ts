import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { CHANGE_FIELDS, comparable, model, openLake } from './lake-fixture.ts'

/** `performance.broadcast_threshold_mb` and `broadcast:` of a lookup, down to what the engine is asked. */

const text = (name: string): ColumnField => ({ name, type: { kind: 'string' }, nullable: true })
const FIELDS: readonly ColumnField[] = [
  text('id'),
  text('who'),
  { name: 'happened', type: { kind: 'timestamp' }, nullable: true },
  ...CHANGE_FIELDS,
]
const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const VIEW = 'sluice_silver_orders'
const HELD = 'sluice_held_silver_orders'

/** How often a build reads the looked-up table, and the step that holds it; and the rows that come out. */
async function activity(t: TestContext, { thresholdBytes, hint }: { thresholdBytes: number; hint: string }) {
  let sql: readonly string[] = []
  const lake = await openLake({
    bronze: { orders: ['id'], events: ['id'] },
    broadcastThresholdBytes: thresholdBytes,
    onStage: (plan) => {
      const steps = plan.steps.flatMap((step) => ('narrow' in step ? [] : [`${step.name}: ${step.sql}`]))
      if (steps.length > 0) sql = steps
    },
  })
  t.after(() => lake.close())
  const rows = (table: string, count: number, hours: number): Promise<number> =>
    lake.write(`bronze.${table}`, {
      fields: FIELDS,
      sql: `select '${table}' || i as id, 'w' || (i % 7) as who, timestamp '2026-01-01' + to_hours(cast(i * ${hours} as int)) as happened,
        'c' as _op, timestamp '2026-01-01' as _record_ts, 0 as _epoch, 0 as _partition, cast(i as bigint) as _offset from range(${count}) r(i)`,
    })
  await rows('orders', 40, 5)
  await rows('events', 90, 2)
  const models = [
    model(
      'silver.orders',
      'kind: merge\nkey: id\nsequence_by: happened\n',
      `select id, who, happened, ${CARRIED} from bronze.orders`,
    ),
    model(
      'silver.activity',
      `kind: merge
key: id
sequence_by: happened
lookups:
  - {table: silver.orders, on: {who: who}, at: {happened: happened}, tie_break: [id], take: {id: latest}${hint}}
`,
      `select id, who, happened, ${CARRIED} from bronze.events`,
    ),
  ]
  for (const { error } of await lake.build(models)) assert.equal(error, null, error?.message)
  const all = sql.join('\n')
  const step = sql.find((each) => each.startsWith(`${HELD}: `)) ?? null
  return {
    reads: all.split(new RegExp(`\\b${VIEW}\\b`)).length - 1,
    heldSql: step,
    usesHeld: sql.some((each) => each !== step && each.includes(HELD)),
    rows: comparable(await lake.rows('silver.activity')),
  }
}

test('a table within the threshold is read once and held; the hint of a lookup overrides it either way; the rows are the same', async (t) => {
  const MB = 2 ** 20
  const small = await activity(t, { thresholdBytes: 10 * MB, hint: '' })
  assert.deepEqual([small.reads, small.usesHeld], [1, true])
  assert.match(small.heldSql!, /^sluice_held_silver_orders: select who, happened, id from /)
  const none = await activity(t, { thresholdBytes: 0, hint: '' })
  assert.deepEqual([none.reads > 1, none.heldSql, none.usesHeld], [true, null, false])
  const asked = await activity(t, { thresholdBytes: 0, hint: ', broadcast: true' })
  assert.deepEqual([asked.reads, asked.usesHeld], [1, true])
  const refused = await activity(t, { thresholdBytes: 10 * MB, hint: ', broadcast: false' })
  assert.deepEqual([refused.reads > 1, refused.heldSql], [true, null])
  assert.equal(small.rows.length, 90)
  for (const other of [none, asked, refused]) assert.deepEqual(other.rows, small.rows)
})
