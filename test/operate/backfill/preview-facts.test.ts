import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField, ColumnType } from '../../../src/domain/column-batch.ts'
import { formatWatermark } from '../../../src/domain/watermark.ts'
import { changeSteps } from '../../../src/operate/backfill/change-sql.ts'
import { factsOf } from '../../../src/operate/backfill/preview-changes.ts'
import { SHOP } from '../../extract/extract-doubles.ts'

const field = (name: string, kind: 'string' | 'timestamp' | 'date'): ColumnField => ({
  name,
  type: { kind } satisfies ColumnType,
  nullable: true,
})
const columns = [field('id', 'string'), field('at', 'timestamp')]
const range = (value: string, key: readonly string[], watermark = 'at') => ({
  source: { ...SHOP, options: { watermark_column: watermark } },
  from: formatWatermark({ value, key }),
  end: '2026-02-01 00:00:00.000',
})
const table = { columns, snapshot: null, widened: new Set<string>() }

test('a range that is read from its beginning holds its first moment; one that goes on, what lies behind', () => {
  const whole = factsOf(table, range('2026-01-01 00:00:00.000', []), ['id'])
  const rest = factsOf(table, range('2026-01-07 12:00:00.123456', ['k7']), ['id'])
  assert.ok(typeof whole === 'object' && typeof rest === 'object')
  assert.deepEqual(whole.start, { at: '2026-01-01 00:00:00', included: true })
  assert.deepEqual(rest.start, { at: '2026-01-07 12:00:00.123456', included: false })
  assert.equal(rest.watermark, 'at')
})

test('what is gone is not told where rows carry no time, or the state is none', () => {
  for (const each of [
    range('2026-01-01', [], 'id'),
    range('2026-01-01', [], 'gone'),
    range("'; drop table t", ['1']),
  ]) {
    const facts = factsOf(table, each, ['id'])
    assert.ok(typeof facts === 'object')
    assert.equal(facts.watermark, null)
  }
})

test('keys that do not land cannot be compared, and that is said', () => {
  for (const [key, why] of [
    [['order_id'], /order_id/],
    [[], /primary_key/],
  ] as const) {
    const facts = factsOf(table, range('2026-01-01', []), key)
    assert.ok(typeof facts === 'string')
    assert.match(facts, why)
  }
  const facts = factsOf({ ...table, widened: new Set(['id']) }, range('2026-01-01', []), ['id'])
  assert.ok(typeof facts === 'string')
  assert.match(facts, /another type/)
})

test('I14: names of columns are quoted, and no text of a state reaches the SQL', () => {
  const hostile = 'a" from x; drop table "y'
  const named = { columns: [...columns, field(hostile, 'string')], snapshot: null, widened: new Set<string>() }
  const facts = factsOf(named, range("2026-01-01'; --", ['k']), [hostile])
  assert.ok(typeof facts === 'object')
  const sql = changeSteps(facts)
    .map((step) => step.sql)
    .join('\n')
  assert.ok(sql.includes('"a"" from x; drop table ""y"'))
  assert.ok(!sql.includes('--'))
})
