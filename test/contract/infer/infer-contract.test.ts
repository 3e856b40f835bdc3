import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEncoder } from '../../../src/contract/encode.ts'
import { inferContract, type InferredContract } from '../../../src/contract/infer/infer-contract.ts'
import { parseContract } from '../../../src/contract/parse-contract.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceBatch, SourceValue } from '../../../src/ports/source-connector.ts'

function batch(columns: readonly string[], rows: readonly (readonly SourceValue[])[], textual: boolean): SourceBatch {
  return {
    object: 'f',
    columns,
    textual,
    rows: rows.map((values, index) => ({ values, at: String(index + 2), op: 'c' as const })),
    refused: [],
    progress: new Map(),
  }
}

function infer(batches: readonly SourceBatch[], maxRows: number | null = null): Promise<InferredContract> {
  return inferContract({
    // oxlint-disable-next-line require-await
    read: async function* () {
      yield* batches
    },
    subject: 't-value',
    name: 'T',
    maxRows,
  })
}

async function typeOf(...values: readonly string[]): Promise<unknown> {
  const { columns } = await infer([
    batch(
      ['id', 'x'],
      values.map((value, index) => [`k${index}`, value]),
      true,
    ),
  ])
  const column = columns.find(({ name }) => name === 'x')!
  return column.nullable ? ['null', column.type] : column.type
}
const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })

test('texts become the narrowest type that holds them all, with room to grow', async () => {
  assert.equal(await typeOf('1', '-20'), 'long')
  assert.equal(await typeOf('007', '12'), 'string')
  assert.deepEqual(await typeOf('9223372036854775807', '9223372036854775808'), decimal(23, 0))
  assert.deepEqual(await typeOf('1.5', '20'), decimal(10, 2))
  assert.deepEqual(await typeOf('123456.789'), decimal(13, 3))
  assert.equal(await typeOf('1.5e3'), 'double')
  assert.equal(await typeOf('0.1234567891'), 'double')
  assert.equal(await typeOf('true', 'FALSE'), 'boolean')
  assert.deepEqual(await typeOf('2026-01-31'), { type: 'int', logicalType: 'date' })
  assert.deepEqual(await typeOf('2026-01-31T10:00:00Z', '2026-01-31 10:00:00+02:00'), {
    type: 'long',
    logicalType: 'timestamp-micros',
  })
  assert.deepEqual(await typeOf('2026-01-31 10:00:00', '2026-01-31'), {
    type: 'long',
    logicalType: 'local-timestamp-micros',
  })
  assert.equal(await typeOf('2026-01-31 10:00:00', '2026-01-31T10:00:00Z'), 'string')
  assert.equal(await typeOf('2026-02-30'), 'string')
  assert.equal(await typeOf('1', 'x'), 'string')
  assert.deepEqual(await typeOf('1', ''), ['null', 'long'])
  assert.deepEqual(await typeOf('', ''), ['null', 'string'])
})

test('keys: single columns before pairs, called ones before others, never one with a gap', async () => {
  const single = await infer([
    batch(
      ['n', 'order_id', 'gap'],
      [
        ['1', 'a', '1'],
        ['2', 'b', ''],
      ],
      true,
    ),
  ])
  assert.deepEqual([single.key, single.keys], [['order_id'], [['order_id'], ['n']]])
  const pair = await infer([
    batch(
      ['order_id', 'line', 'x'],
      [
        ['a', '1', '1'],
        ['a', '2', '1'],
        ['b', '1', '1'],
      ],
      true,
    ),
  ])
  assert.deepEqual(pair.key, ['order_id', 'line'])
  const none = await infer([batch(['a'], [['1'], ['1']], true)])
  assert.equal(none.key, null)
})

test('personal data is guessed by name and by the form of the values; few values are told, but not of those', async () => {
  const rows = Array.from({ length: 12 }, (_, index) => [
    `u${index}`,
    `a${index}@b.org`,
    `10.0.0.${index}`,
    'Ada',
    index % 2 === 0 ? 'open' : 'done',
  ])
  const { columns, schema } = await infer([batch(['id', 'login', 'seen_from', 'first_name', 'status'], rows, true)])
  assert.deepEqual(
    columns.map(({ name, pii }) => [name, pii]),
    [
      ['id', null],
      ['login', 'email'],
      ['seen_from', 'ip'],
      ['first_name', 'name'],
      ['status', null],
    ],
  )
  const fields = schema['fields'] as readonly { readonly name: string; readonly doc?: string }[]
  assert.equal(fields.find(({ name }) => name === 'status')?.doc, 'seen: done, open.')
  assert.equal(fields.find(({ name }) => name === 'first_name')?.doc, undefined)
})

test('nested values of a typed source become records, lists and maps; a column that only some rows have may be null', async () => {
  const draft = await infer([
    batch(['id', 'at'], [[1, { city: 'Oslo', zip: null }]], false),
    batch(['id', 'tags', 'by'], [[2, ['a', 'b'], { 'x-y': 1, z: 2 }]], false),
  ])
  assert.deepEqual(
    draft.columns.map(({ name, nullable, type }) => [name, nullable, (type as { type?: string }).type ?? type]),
    [
      ['id', false, 'long'],
      ['at', true, 'record'],
      ['tags', true, 'array'],
      ['by', true, 'map'],
    ],
  )
})

test('the first rows alone are looked at where that is asked for, and it says so; no rows are refused', async () => {
  const rows = [['1'], ['2'], ['x']]
  const some = await infer([batch(['n'], rows, true)], 2)
  assert.deepEqual([some.rows, some.isWhole, some.columns[0]?.type], [2, false, 'long'])
  assert.equal((await infer([batch(['n'], rows, true)])).isWhole, true)
  await assert.rejects(
    infer([]),
    (error: unknown) => error instanceof SluiceError && error.code === 'SOURCE_UNREADABLE',
  )
})

const cell = fc.oneof(
  fc.constant(''),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer({ min: -99999, max: 99999 }).map((n) => (n / 100).toFixed(2)),
  fc.constantFrom(
    'true',
    'false',
    '2026-01-01',
    '2026-01-01T00:00:00Z',
    '2026-01-01 10:00',
    '00123',
    '1e5',
    '+5',
    '.5',
    '5.',
  ),
  fc.string({ maxLength: 6 }),
)

test('every row that was looked at can be written by the draft, which is a contract', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 12 }), async (rows) => {
      const columns = ['a', 'b', 'c']
      const { schema } = await infer([batch(columns, rows, true)])
      const registered = {
        subject: 't-value',
        version: 1,
        id: 1,
        format: 'avro' as const,
        text: JSON.stringify(schema),
      }
      parseContract(registered)
      const encoder = createEncoder(registered)
      for (const row of rows)
        assert.equal(encoder.encode(columns, row, true).kind, 'encoded', JSON.stringify([row, schema]))
    }),
    { numRuns: 300 },
  )
})

test('rows that a source copies unread have no columns, and nothing is drafted of them', async () => {
  await assert.rejects(infer([batch([], [[], []], false)]), {
    code: 'SOURCE_UNREADABLE',
    hint: /values: bytes/,
  })
})
