import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { readParquetColumns, readParquetRows } from './whole-file.ts'
import type { ParquetRow } from './whole-file.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import { openDuck } from './duckdb-cells.ts'
import type { Duck } from './duckdb-cells.ts'

let duck: Duck
let folder: string
before(async () => {
  duck = await openDuck()
  folder = await mkdtemp(join(tmpdir(), 'sluice-parquet-'))
})
after(async () => {
  duck.close()
  await rm(folder, { recursive: true })
})

async function duckWrites(sql: string, options: string): Promise<Uint8Array> {
  const path = join(folder, 'duck.parquet')
  await duck.run(`copy (${sql}) to '${path}' (format parquet, ${options})`)
  return readFile(path)
}

const FIELDS: ColumnField[] = [
  { name: 'id', type: { kind: 'int64' }, nullable: false },
  { name: 'text', type: { kind: 'string' }, nullable: true },
  { name: 'list', type: { kind: 'list', element: { kind: 'int32' }, elementNullable: true }, nullable: true },
]
const SAMPLE = writeParquet({
  fields: FIELDS,
  rowGroupRows: 20,
  batches: [
    batchOf(
      FIELDS,
      Array.from({ length: 50 }, (_, i) => [
        BigInt(i),
        i % 3 === 0 ? null : `t${i % 4}`,
        i % 5 === 0 ? null : [i, null],
      ]),
    ),
  ],
}).bytes

const isCorrupt = (error: unknown): boolean => error instanceof SluiceError && error.code === 'FILE_CORRUPT'

describe('files of other writers', () => {
  for (const options of [
    `compression zstd`,
    `compression snappy`,
    `compression gzip`,
    `compression brotli`,
    `compression lz4_raw`,
    `compression uncompressed`,
    `compression zstd, parquet_version v2`,
    `compression snappy, parquet_version v2, row_group_size 2048`,
  ]) {
    test(`DuckDB's, ${options}: every type exact`, async () => {
      const bytes = await duckWrites(
        `select i, i::integer as n, (i * 1000000007)::bigint as l, (i * 1.001)::decimal(9,3) as d,
           (i::hugeint * 12345678901234567890)::decimal(38,2) as w, i % 2 = 0 as b, 'v' || (i % 7) as s,
           encode('x' || i) as bin, date '2000-01-01' + i::integer as day,
           make_timestamptz(1700000000000001 + i * 1000) as ts, make_timestamp_ns(i * 1001) as ns,
           [i, null, i + 1] as li, map {'a': i, 'b': null} as m, {'x': i, 'y': ['q', null]} as st
         from range(5000) t(i)`,
        options,
      )
      const { rows, columns, fields } = await readParquetColumns({ source: bytes, name: 'duck' })
      assert.equal(rows, 5000)
      assert.deepEqual(
        fields.map(({ type }) => type.kind),
        ['int64', 'int32', 'int64', 'decimal', 'decimal', 'boolean', 'string', 'binary', 'date', 'timestamp'].concat([
          'timestamp',
          'list',
          'map',
          'struct',
        ]),
      )
      for (const i of [0, 1, 4999]) {
        const n = BigInt(i)
        assert.deepEqual(
          columns.map((cells) => (cells[i] instanceof Uint8Array ? [...(cells[i] as Uint8Array)] : cells[i])),
          [
            n,
            i,
            n * 1_000_000_007n,
            n * 1001n,
            n * 1_234_567_890_123_456_789_000n,
            i % 2 === 0,
            `v${i % 7}`,
            [...Buffer.from(`x${i}`)],
            10_957 + i,
            1_700_000_000_000_001n + n * 1000n,
            (n * 1001n) / 1000n,
            [n, null, n + 1n],
            new Map([
              ['a', n],
              ['b', null],
            ]),
            { x: n, y: ['q', null] },
          ],
        )
      }
    })
  }

  test('a type that we have no word for is named, and only where its column is asked for', async () => {
    const bytes = await duckWrites(`select 1 as a, interval '1' day as odd`, 'compression zstd')
    await assert.rejects(readParquetColumns({ source: bytes, name: 'f.parquet' }), /f\.parquet.*column odd/)
    const { columns } = await readParquetColumns({ source: bytes, name: 'f.parquet', columns: ['a', 'absent'] })
    assert.deepEqual(columns, [[1]])
  })
})

describe('reading in part', () => {
  test('ranges are read, never the whole file', async () => {
    const asked: [number, number][] = []
    const source = {
      bytes: SAMPLE.length,
      read: (start: number, end: number) => {
        asked.push([start, end])
        return Promise.resolve(SAMPLE.subarray(start, end))
      },
    }
    const rows: ParquetRow[] = []
    for await (const row of readParquetRows({ source, name: 'sample', columns: ['text', 'id'] })) rows.push(row)
    assert.equal(rows.length, 50)
    assert.deepEqual(rows[49], { text: 't1', id: 49n })
    assert.ok(asked.every(([start, end]) => start >= 0 && end <= SAMPLE.length && end - start < SAMPLE.length))
  })

  test('rows come a row group at a time', async () => {
    let reads = 0
    const source = {
      bytes: SAMPLE.length,
      read: (start: number, end: number) => {
        reads += 1
        return Promise.resolve(SAMPLE.subarray(start, end))
      },
    }
    const rows = readParquetRows({ source, name: 'sample' })
    await rows.next()
    const before = reads
    for (let i = 0; i < 19; i += 1) await rows.next()
    assert.equal(reads, before)
    await rows.next()
    assert.ok(reads > before)
  })

  test('what the source throws is handed on as it is', async () => {
    const failure = new Error('the disk is gone')
    const source = { bytes: 1000, read: () => Promise.reject(failure) }
    await assert.rejects(readParquetColumns({ source, name: 'sample' }), (error) => error === failure)
  })
})

describe('damaged and hostile files', () => {
  test('a file cut short anywhere is refused', async () => {
    for (let length = 0; length < SAMPLE.length; length += 7) {
      await assert.rejects(readParquetColumns({ source: SAMPLE.subarray(0, length), name: 'cut' }), isCorrupt)
    }
  })

  for (const writer of ['ours', 'snappy', 'lz4_raw', 'uncompressed, parquet_version v2']) {
    test(`bytes changed anywhere give rows or a refusal, never another error: ${writer}`, async () => {
      const sample =
        writer === 'ours'
          ? SAMPLE
          : await duckWrites(
              `select i, (i * 1.1)::decimal(9,3) as d, 'v' || (i % 7) as s, [i, null] as li, map {'a': i} as m,
                 {'x': i, 'y': ['q', null]} as st, i % 3 = 0 as b from range(60) t(i)`,
              `compression ${writer}`,
            )
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat({ max: sample.length - 9 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
          async (changes) => {
            const bytes = Uint8Array.from(sample)
            for (const [at, byte] of changes) bytes[at] = byte
            try {
              await readParquetColumns({ source: bytes, name: 'mutated' })
            } catch (error) {
              assert.ok(isCorrupt(error), String(error))
            }
          },
        ),
        { numRuns: 300 },
      )
    })
  }

  test('no byte of a page that was written with a checksum can change unseen', async () => {
    const footer = Buffer.from(SAMPLE).readUInt32LE(SAMPLE.length - 8)
    const whole = await readParquetColumns({ source: SAMPLE, name: 'sample' })
    let refused = 0
    for (let at = 4; at < SAMPLE.length - footer - 8; at += 1) {
      const bytes = Uint8Array.from(SAMPLE)
      bytes[at]! ^= 0x10
      const read = await readParquetColumns({ source: bytes, name: 'changed' }).catch((error: unknown) => {
        assert.ok(isCorrupt(error), String(error))
        refused += 1
        return null
      })
      if (read !== null) assert.deepEqual(read.columns, whole.columns)
    }
    assert.ok(refused > 500, String(refused))
  })

  test('a claim of more values or bytes than allowed is refused before they are made', async () => {
    const nulls: ColumnField[] = [{ name: 'n', type: { kind: 'int64' }, nullable: true }]
    const { bytes } = writeParquet({
      fields: nulls,
      batches: [{ length: 1_000_000, fields: [], columns: [] }],
    })
    assert.ok(bytes.length < 2000)
    const read = (limits: object) => readParquetColumns({ source: bytes, name: 'bomb', limits })
    await assert.rejects(read({ groupValues: 999_999 }), /claims 1000000 values/)
    await assert.rejects(read({ footerBytes: 10 }), /footer of \d+ bytes is too large/)
    await assert.rejects(read({ groupBytes: 10 }), /unpacks to more bytes/)
    assert.equal((await read({})).rows, 1_000_000)
  })
})
