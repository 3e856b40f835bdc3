import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ColumnBatch } from '../../../src/domain/column-batch.ts'
import {
  constantColumn,
  repeatedTextColumn,
  RUN_DATE,
  runDate,
  stampIngestTime,
  SYSTEM_FIELDS,
} from '../../../src/ingest/rows/system-columns.ts'
import { columnValues } from '../../contract/column-values.ts'

const text = { kind: 'string' } as const

describe('system columns', () => {
  it('are those of the agreed interface, with their types', () => {
    const fields = [...Object.values(SYSTEM_FIELDS), RUN_DATE].map(({ name, type }) => `${name} ${type.kind}`)
    assert.deepEqual(
      new Set(fields),
      new Set([
        '_ingest_ts timestamp',
        '_batch_id string',
        '_source_system string',
        '_topic string',
        '_partition int32',
        '_epoch int32',
        '_offset int64',
        '_record_ts timestamp',
        '_op string',
        '_schema_id int32',
        '_contract_id int32',
        '_rescued string',
        '_run_date date',
      ]),
    )
    assert.equal(fields.length, 13)
  })

  it('a constant column holds its value in every row', () => {
    assert.deepEqual(columnValues(constantColumn(text, 'ö€', 3)), ['ö€', 'ö€', 'ö€'])
    assert.deepEqual(columnValues(constantColumn(text, '', 2)), ['', ''])
    assert.deepEqual(columnValues(constantColumn(text, 'x', 0)), [])
    assert.deepEqual(columnValues(constantColumn({ kind: 'int32' }, 7, 2)), [7, 7])
    assert.deepEqual(columnValues(constantColumn({ kind: 'int64' }, 2n ** 62n, 1)), [2n ** 62n])
    assert.throws(() => constantColumn({ kind: 'boolean' }, 1, 1), TypeError)
  })

  it('repeated texts come back as they were', () => {
    const texts = fc.array(fc.oneof(fc.constantFrom('c', 'u', ''), fc.string({ unit: 'grapheme' })), { maxLength: 30 })
    fc.assert(fc.property(texts, (each) => assert.deepEqual(columnValues(repeatedTextColumn(each)), each)))
  })

  it("the ingest time is the flush's, in microseconds, after the other columns", () => {
    const batch: ColumnBatch = { length: 2, fields: [SYSTEM_FIELDS.op], columns: [constantColumn(text, 'c', 2)] }
    const stamped = stampIngestTime(batch, 1_700_000_000_123)
    assert.deepEqual(
      stamped.fields.map((field) => field.name),
      ['_op', '_ingest_ts'],
    )
    assert.deepEqual(columnValues(stamped.columns[1]!), [1_700_000_000_123_000n, 1_700_000_000_123_000n])
  })

  it('the run date is the UTC date, whatever the zone of the machine', () => {
    assert.equal(runDate(Date.UTC(2026, 0, 31, 23, 59, 59, 999)), '2026-01-31')
    assert.equal(runDate(Date.UTC(2026, 1, 1)), '2026-02-01')
  })
})
