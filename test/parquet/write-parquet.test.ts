import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import type { Column, ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { cellsOf } from '../../src/parquet/decode/read-cell.ts'
import { readKeyValues, readParquetColumns } from './whole-file.ts'
import { createParquetWriter, writeParquet } from '../../src/parquet/write-parquet.ts'
import type { ParquetOptions } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { scratchDuck } from './scratch-duck.ts'
import { comparable, randomTable } from './random-columns.ts'

type Rows = readonly (readonly Cell[])[]

const field = (name: string, type: ColumnType, nullable = true): ColumnField => ({ name, type, nullable })
const INT64: ColumnType = { kind: 'int64' }
const STRING: ColumnType = { kind: 'string' }

const duck = scratchDuck()

const asRows = (columns: readonly (readonly Cell[])[]): Cell[][] =>
  (columns[0] ?? []).map((_, i) => columns.map((cells) => cells[i]!))

async function assertReadAlike(fields: readonly ColumnField[], rows: Rows, options: Partial<ParquetOptions> = {}) {
  const half = Math.floor(rows.length / 2)
  const batches = [batchOf(fields, rows.slice(0, half)), batchOf(fields, rows.slice(half))]
  const { bytes, rows: count } = writeParquet({ fields, batches, ...options })
  assert.equal(count, rows.length)
  const expected = rows.map((row) => row.map(comparable))

  const read = await readParquetColumns({ source: bytes, name: 'test' })
  assert.deepEqual(read.fields, fields)
  assert.equal(read.rows, rows.length)
  assert.deepEqual(
    asRows(read.columns as readonly (readonly Cell[])[]).map((row) => row.map(comparable)),
    expected,
  )

  const path = await duck.put(bytes)
  const seen = await duck.rows(`select * from read_parquet('${path}')`)
  assert.deepEqual(
    seen.map((row) => row.map(comparable)),
    expected,
  )
}

describe('a file reads alike through our reader and DuckDB', () => {
  const cases: [string, ColumnType, Cell[]][] = [
    ['boolean', { kind: 'boolean' }, [true, null, false, true, true, false, false, null, true]],
    ['int32', { kind: 'int32' }, [0, null, 2 ** 31 - 1, -(2 ** 31), -1]],
    ['int64', INT64, [0n, null, 2n ** 63n - 1n, -(2n ** 63n), -1n, 2n ** 53n + 1n]],
    ['float32', { kind: 'float32' }, [0, -0, null, NaN, Infinity, -Infinity, Math.fround(0.1), 1.401298464324817e-45]],
    ['float64', { kind: 'float64' }, [0, -0, null, NaN, Infinity, -Infinity, 0.1, 5e-324, Number.MAX_VALUE]],
    ['decimal(18,3)', { kind: 'decimal', precision: 18, scale: 3 }, [0n, null, 10n ** 18n - 1n, 1n - 10n ** 18n]],
    ['decimal(19,0)', { kind: 'decimal', precision: 19, scale: 0 }, [0n, null, 10n ** 19n - 1n, 1n - 10n ** 19n, -1n]],
    [
      'decimal(38,38)',
      { kind: 'decimal', precision: 38, scale: 38 },
      [10n ** 38n - 1n, null, 1n - 10n ** 38n, 2n ** 64n],
    ],
    ['string', STRING, ['', null, 'ünï', '\u{1f600}', 'x'.repeat(100_000), '\u0000']],
    ['binary', { kind: 'binary' }, [new Uint8Array(0), null, Uint8Array.of(0, 255), new Uint8Array(70_000).fill(255)]],
    ['date', { kind: 'date' }, [0, null, -1, 19_000, -719_162, 2_932_896]],
    ['timestamp', { kind: 'timestamp' }, [0n, null, -1n, 1_294_135_200_123_456n, -62_135_596_800_000_000n]],
  ]
  for (const [name, type, cells] of cases) {
    test(`${name}, with and without nulls, inside lists, maps and structs`, async () => {
      const present = cells.filter((cell) => cell !== null)
      const inner = [field('a', type), field('b', { kind: 'list', element: type, elementNullable: true }, false)]
      const fields = [
        field('nullable', type),
        field('required', type, false),
        field('list', { kind: 'list', element: type, elementNullable: true }),
        field('map', { kind: 'map', value: type, valueNullable: true }),
        field('struct', { kind: 'struct', fields: inner }),
        field('deep', {
          kind: 'list',
          element: { kind: 'map', value: { kind: 'struct', fields: inner }, valueNullable: true },
          elementNullable: true,
        }),
      ]
      const rows = cells.map((cell, i): Cell[] => [
        cell,
        present[i % present.length]!,
        [null, cells, [], [cell]][i % 4]!,
        [new Map(cells.map((value, k) => [`k${k}`, value])), null, new Map<string, Cell>(), new Map([['', cell]])][
          i % 4
        ]!,
        [null, { a: cell, b: cells }, { a: null, b: [] }][i % 3]!,
        [
          null,
          [],
          [
            null,
            new Map<string, Cell>(),
            new Map([
              ['x', null],
              ['y', { a: cell, b: [null] }],
            ]),
          ],
        ][i % 3]!,
      ])
      await assertReadAlike(fields, rows)
      await assertReadAlike(fields, rows, { codec: 'none' })
      await assertReadAlike(fields, rows, { codec: 'snappy' })
      await assertReadAlike(
        fields,
        rows.map((row) => row.map((_, k) => (k === 1 ? row[1]! : null))),
      )
    })
  }

  test('any columns and rows, cut into any pages and row groups', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomTable,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 400 }),
        async ({ fields, rows }, rowGroupRows, pageBytes) => {
          await assertReadAlike(fields, rows, { rowGroupRows, pageBytes })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('no rows at all', async () => {
    const fields = [field('a', INT64), field('b', { kind: 'list', element: STRING, elementNullable: true })]
    await assertReadAlike(fields, [])
    assert.deepEqual(writeParquet({ fields, batches: [] }).stats, [
      { column: 'a', nulls: 0 },
      { column: 'b', nulls: 0 },
    ])
  })
})

test('hyparquet reads what we write', async () => {
  const fields = [
    field('id', INT64, false),
    field('text', STRING),
    field('tags', { kind: 'list', element: STRING, elementNullable: true }),
    field('props', { kind: 'map', value: { kind: 'float64' }, valueNullable: true }),
    field('add', { kind: 'struct', fields: [field('path', STRING), field('size', INT64)] }),
  ]
  const rows: Cell[][] = [
    [1n, 'a', ['x', null], new Map([['k', 1.5]]), { path: 'p', size: 2n ** 60n }],
    [2n, null, null, null, null],
    [3n, '', [], new Map([['z', null]]), { path: null, size: 0n }],
  ]
  const { bytes } = writeParquet({ fields, batches: [batchOf(fields, rows)], codec: 'none' })
  const read = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer })
  assert.deepEqual(
    read.map((row) => ({ ...row, tags: row['tags'] ?? null, props: row['props'] ?? null, add: row['add'] ?? null })),
    [
      { id: 1n, text: 'a', tags: ['x', null], props: { k: 1.5 }, add: { path: 'p', size: 2n ** 60n } },
      { id: 2n, text: null, tags: null, props: null, add: null },
      { id: 3n, text: '', tags: [], props: { z: null }, add: { path: null, size: 0n } },
    ],
  )
})

describe('large files', () => {
  /** Figures that a formula gives, so that SQL can tell them without our reader. */
  const fields = [
    field('id', INT64, false),
    field('own', STRING),
    field('repeated', STRING),
    field('tags', { kind: 'list', element: STRING, elementNullable: false }),
  ]
  const ROWS = 120_000
  const rowsFrom = (start: number, count: number): Cell[][] =>
    Array.from({ length: count }, (_, k) => {
      const i = start + k
      return [BigInt(i), i % 7 === 0 ? null : `own ${i}`, `r${i % 100}`, i % 3 === 0 ? [] : [`t${i % 5}`, `t${i % 11}`]]
    })

  test('many batches, pages and row groups hold every value in order', async () => {
    const writer = createParquetWriter({ fields, rowGroupRows: 50_000, pageBytes: 1 << 16 })
    const chunks: Uint8Array[] = []
    for (let start = 0; start < ROWS; start += 30_000)
      chunks.push(...writer.write(batchOf(fields, rowsFrom(start, 30_000))))
    const end = writer.finish()
    chunks.push(...end.chunks)
    const bytes = Buffer.concat(chunks)
    assert.equal(end.rows, ROWS)
    const path = await duck.put(bytes)
    const wrong = await duck.rows(`
      select count(*) from (select *, row_number() over () - 1 as i from read_parquet('${path}'))
      where id <> i
        or own is distinct from case when i % 7 = 0 then null else 'own ' || i end
        or repeated <> 'r' || (i % 100)
        or tags <> case when i % 3 = 0 then [] else ['t' || (i % 5), 't' || (i % 11)] end`)
    assert.deepEqual(wrong, [[0n]])
    const groups = await duck.rows(
      `select distinct row_group_id, row_group_num_rows from parquet_metadata('${path}') order by 1`,
    )
    assert.deepEqual(groups, [
      [0n, 50_000n],
      [1n, 50_000n],
      [2n, 20_000n],
    ])
    const read = await readParquetColumns({ source: bytes, name: 'test', columns: ['tags', 'own'] })
    const expected = rowsFrom(0, ROWS)
    assert.deepEqual(read.columns, [expected.map((row) => row[3]), expected.map((row) => row[1])])
  })

  test('strings that repeat are held once, and those that do not fall back to plain pages', async () => {
    const { bytes } = writeParquet({ fields, batches: [batchOf(fields, rowsFrom(0, ROWS))] })
    const path = await duck.put(bytes)
    const encodings = await duck.rows(
      `select path_in_schema, encodings, total_uncompressed_size from parquet_metadata('${path}') order by column_id`,
    )
    const seen = new Map(encodings.map(([name, used, size]) => [name, { used, size: Number(size) }]))
    assert.match(seen.get('repeated')!.used as string, /DICTIONARY/)
    assert.ok(seen.get('repeated')!.size < ROWS)
    assert.doesNotMatch(seen.get('own')!.used as string, /DICTIONARY/)
    assert.match(seen.get('tags, list, element')!.used as string, /DICTIONARY/)
  })

  test('a dictionary that is full part of the way ends, and what follows is plain', async () => {
    const late = [field('late', STRING)]
    const texts = Array.from({ length: 200_000 }, (_, i) => [i < 140_000 ? 'same' : `late ${i}`])
    const { bytes } = writeParquet({ fields: late, batches: [batchOf(late, texts)] })
    const path = await duck.put(bytes)
    const [[used]] = (await duck.rows(`select encodings from parquet_metadata('${path}')`)) as [[string]]
    assert.match(used, /PLAIN.*DICTIONARY/)
    const [[wrong]] = (await duck.rows(`
      select count(*) from (select *, row_number() over () - 1 as i from read_parquet('${path}'))
      where late <> case when i < 140000 then 'same' else 'late ' || i end`)) as [[bigint]]
    assert.equal(wrong, 0n)
    const read = await readParquetColumns({ source: bytes, name: 'test' })
    assert.deepEqual(read.columns[0], texts.flat())
  })

  test('a row group ends where its bytes are enough', async () => {
    const { bytes } = writeParquet({
      fields,
      batches: [batchOf(fields, rowsFrom(0, 40_000))],
      rowGroupBytes: 30_000,
      pageBytes: 1 << 14,
    })
    const path = await duck.put(bytes)
    const groups = await duck.rows(
      `select sum(total_compressed_size) from parquet_metadata('${path}') group by row_group_id order by row_group_id`,
    )
    assert.ok(groups.length > 2)
    for (const [size] of groups) assert.ok(Number(size) < 100_000, `a group of ${Number(size)} bytes`)
  })

  test('the writer hands on each row group as it ends', () => {
    const writer = createParquetWriter({ fields, rowGroupRows: 1000 })
    const sizes = [0, 1, 2].map((i) => writer.write(batchOf(fields, rowsFrom(i * 1000, 1000))).length)
    assert.ok(
      sizes.every((size) => size >= 10),
      String(sizes),
    )
    // What is left is the page index and the footer: no rows.
    assert.ok(writer.finish().chunks.reduce((sum, { length }) => sum + length, 0) < 3000)
  })
})

describe('statistics of column chunks', () => {
  test('agree with a scan', async () => {
    await fc.assert(
      fc.asyncProperty(randomTable, async ({ fields, rows }) => {
        const flat = fields.filter(({ type }) => !['list', 'map', 'struct', 'binary'].includes(type.kind))
        if (flat.length === 0 || rows.length === 0) return
        const { bytes } = writeParquet({ fields, batches: [batchOf(fields, rows)] })
        const path = await duck.put(bytes)
        for (const { name, type } of flat) {
          const cells = rows.map((row) => row[fields.findIndex((other) => other.name === name)]!)
          const [[nulls, min, max]] = (await duck.rows(
            `select stats_null_count, stats_min_value, stats_max_value from parquet_metadata('${path}') where path_in_schema = '${name}'`,
          )) as [[bigint, string | null, string | null]]
          assert.equal(Number(nulls), cells.filter((cell) => cell === null).length)
          // DuckDB shows no bound that is infinite.
          if (
            type.kind === 'string' ||
            ([min, max].includes(null) && cells.some((cell) => Math.abs(Number(cell)) === Infinity))
          )
            continue
          const cast = type.kind === 'decimal' ? `decimal(${type.precision},${type.scale})` : DUCK_TYPES[type.kind]!
          const nan = type.kind.startsWith('float') ? `and not isnan(${name})` : ''
          const [found] = await duck.rows(
            `select min(${name}) is not distinct from ${quoted(min)}::${cast}, max(${name}) is not distinct from ${quoted(max)}::${cast}
             from read_parquet('${path}') where ${name} is not null ${nan}`,
          )
          assert.deepEqual(found, [true, true], `${name} ${type.kind}: ${String(min)} to ${String(max)}`)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('a long string is bounded by a prefix below and a greater prefix above', async () => {
    const long = 'é'.repeat(50)
    const raise = '\u{10ffff}'.repeat(20)
    const { bytes } = writeParquet({
      fields: [field('s', STRING), field('top', STRING), field('bin', { kind: 'binary' })],
      batches: [
        batchOf(
          [field('s', STRING), field('top', STRING), field('bin', { kind: 'binary' })],
          [[long, raise, new Uint8Array(70).fill(255)]],
        ),
      ],
    })
    const path = await duck.put(bytes)
    const stats = await duck.rows(
      `select stats_min_value, stats_max_value, min_is_exact, max_is_exact from parquet_metadata('${path}') order by column_id`,
    )
    assert.deepEqual(stats[0], ['é'.repeat(32), `${'é'.repeat(31)}ê`, false, false])
    // Nothing is greater than the greatest code point or byte, so no greatest value can be stated.
    assert.deepEqual(stats[1]!.slice(0, 2), ['\u{10ffff}'.repeat(16), null])
    assert.equal(stats[2]![1], null)
    assert.deepEqual(await duck.rows(`select count(*) from read_parquet('${path}') where s = '${long}'`), [[1n]])
  })

  test('NaN is kept out, and zero is bounded by both its signs', async () => {
    const fields = [field('f', { kind: 'float64' }), field('z', { kind: 'float32' }), field('n', { kind: 'float64' })]
    const { bytes } = writeParquet({
      fields,
      batches: [
        batchOf(fields, [
          [NaN, 0, NaN],
          [2, -0, NaN],
          [-1, 0, NaN],
        ]),
      ],
    })
    const path = await duck.put(bytes)
    assert.deepEqual(
      await duck.rows(`select stats_min_value, stats_max_value from parquet_metadata('${path}') order by column_id`),
      [
        ['-1.0', '2.0'],
        ['-0.0', '0.0'],
        [null, null],
      ],
    )
  })
})

const DUCK_TYPES: Partial<Record<ColumnType['kind'], string>> = {
  boolean: 'boolean',
  int32: 'integer',
  int64: 'bigint',
  float32: 'float',
  float64: 'double',
  date: 'date',
  timestamp: 'timestamptz',
}
const quoted = (text: string | null): string => (text === null ? 'null' : `'${text}'`)

describe('batches and fields', () => {
  const fields = [
    field('a', INT64),
    field('b', STRING),
    field('c', { kind: 'list', element: INT64, elementNullable: true }),
  ]

  test('columns are found by name, and a batch that lacks a nullable one gives nulls', async () => {
    const swapped = [fields[1]!, fields[0]!]
    const { bytes, stats } = writeParquet({
      fields,
      batches: [
        batchOf(swapped, [['x', 1n]]),
        batchOf([fields[0]!], [[2n], [3n]]),
        batchOf(fields, [[null, null, [4n]]]),
      ],
    })
    const read = await readParquetColumns({ source: bytes, name: 'test' })
    assert.deepEqual(read.columns, [
      [1n, 2n, 3n, null],
      ['x', null, null, null],
      [null, null, null, [4n]],
    ])
    assert.deepEqual(stats, [
      { column: 'a', nulls: 1, min: 1, max: 3 },
      { column: 'b', nulls: 3, min: 'x', max: 'x' },
      { column: 'c', nulls: 3 },
    ])
  })

  test('a null in a column without nulls, and a missing one, are refused by name; another type is a bug', () => {
    const required = [field('a', INT64, false)]
    const write = (given: readonly ColumnField[], rows: Rows) => () =>
      writeParquet({ fields: required, batches: [batchOf(given, rows)] })
    assert.throws(write([field('a', INT64)], [[null]]), { code: 'COLUMN_NOT_NULL', message: /column a takes no nulls/ })
    assert.throws(write([field('b', INT64)], [[1n]]), { code: 'COLUMN_NOT_NULL', message: /column a takes no nulls/ })
    assert.throws(write([field('a', STRING)], [['1']]), /holds the column a as string/)
    assert.throws(
      () => writeParquet({ fields: [field('e', { kind: 'struct', fields: [] })], batches: [] }),
      /no fields/,
    )
  })

  test('strings held as a dictionary are written as if they stood in every row', () => {
    const texts = ['GBP', null, 'EUR', 'GBP', 'EUR', '', 'GBP', null]
    const entries = ['GBP', 'EUR', '']
    const plain = batchOf(
      [field('a', STRING), field('b', STRING)],
      texts.map((text) => [text, text ?? 'x']),
    )
    const indexed = (list: readonly (string | null)[], names: readonly string[]): Column => ({
      type: STRING,
      length: list.length,
      validity: list.includes(null) ? Uint8Array.from(list, (text) => (text === null ? 0 : 1)) : null,
      values: {
        layout: 'dictionary',
        ids: Int32Array.from(list, (text) => (text === null ? 0 : names.indexOf(text))),
        offsets: Int32Array.from([0, 3, 6, 6, 7].slice(0, names.length + 1)),
        data: Buffer.from(names.join('')),
      },
    })
    const columns = [
      indexed(texts, entries),
      indexed(
        texts.map((text) => text ?? 'x'),
        [...entries, 'x'],
      ),
    ]
    assert.deepEqual(
      writeParquet({ fields: plain.fields, batches: [{ ...plain, columns }] }),
      writeParquet({ fields: plain.fields, batches: [plain] }),
    )
    assert.deepEqual(
      Array.from(texts, (_, row) => cellsOf(columns[0]!)(row)),
      texts,
    )
  })

  test('slices of larger arrays are read by their own bounds', async () => {
    const whole = batchOf(
      fields.slice(0, 2),
      Array.from({ length: 10 }, (_, i) => [BigInt(i), `s${i}`]),
    )
    const [a, b] = whole.columns
    assert.ok(a?.values.layout === 'int64' && b?.values.layout === 'bytes')
    const part = {
      length: 3,
      fields: whole.fields,
      columns: [
        { ...a, length: 3, values: { ...a.values, data: a.values.data.subarray(4, 9) } },
        { ...b, length: 3, values: { ...b.values, offsets: b.values.offsets.subarray(4, 8) } },
      ],
    }
    const { bytes } = writeParquet({ fields: fields.slice(0, 2), batches: [part] })
    const read = await readParquetColumns({ source: bytes, name: 'test' })
    assert.deepEqual(read.columns, [
      [4n, 5n, 6n],
      ['s4', 's5', 's6'],
    ])
  })

  test('key-value metadata comes back', async () => {
    const { bytes } = writeParquet({ fields, batches: [], keyValues: { origin: 'tést', empty: '' } })
    assert.deepEqual(await readKeyValues(bytes), { origin: 'tést', empty: '' })
  })

  test('timestamps are INT64 microseconds in UTC, never INT96', async () => {
    const time = [field('t', { kind: 'timestamp' })]
    const path = await duck.put(writeParquet({ fields: time, batches: [batchOf(time, [[1n]])] }).bytes)
    const [schema] = await duck.rows(`select type, logical_type from parquet_schema('${path}') where name = 't'`)
    assert.equal(schema![0], 'INT64')
    assert.match(schema![1] as string, /isAdjustedToUTC=1.*MICROS/)
  })
})
