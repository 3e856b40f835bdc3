import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parquetMetadata, parquetSchema, readColumnIndex, readOffsetIndex } from 'hyparquet'
import type { SchemaElement, SchemaTree } from 'hyparquet'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { readParquetColumns } from './whole-file.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { randomTable } from './random-columns.ts'

/** The page index as hyparquet parses it, against a plain look at the rows that were written. */

interface Page {
  readonly column: string
  readonly group: number
  readonly rows: readonly (readonly Cell[])[]
  readonly nullPage: boolean | null
  readonly nulls: number | null
  readonly min: Uint8Array
  readonly max: Uint8Array
}

interface Chunk {
  readonly column: string
  readonly pages: readonly Page[]
  /** Null where there is no column index. */
  readonly order: string | null
}

const leafElements = (node: SchemaTree): SchemaElement[] =>
  node.children.length === 0 ? [node.element] : node.children.flatMap(leafElements)

/** Bounds as their bytes stand in the file. */
const asBytes = (element: SchemaElement): SchemaElement => ({ name: element.name, type: 'BYTE_ARRAY' })

function pageIndexes(bytes: Uint8Array, rows: readonly (readonly Cell[])[]): Chunk[] {
  const file = Uint8Array.from(bytes).buffer
  const metadata = parquetMetadata(file)
  const elements = leafElements(parquetSchema(metadata))
  const view = (offset: bigint, length: number) => ({
    view: new DataView(file, Number(offset), length),
    offset: 0,
  })
  let before = 0
  return metadata.row_groups.flatMap((group, g) => {
    const first = before
    before += Number(group.num_rows)
    return group.columns.map((chunk, c): Chunk => {
      const meta = chunk.meta_data!
      const column = meta.path_in_schema.join('.')
      const { page_locations: places } = readOffsetIndex(view(chunk.offset_index_offset!, chunk.offset_index_length!))
      let at = Number(meta.data_page_offset)
      for (const { offset, compressed_page_size: size } of places) {
        assert.equal(Number(offset), at, 'pages follow each other')
        at += size
      }
      assert.equal(
        at,
        Number(meta.dictionary_page_offset ?? meta.data_page_offset) + Number(meta.total_compressed_size),
      )
      const index =
        chunk.column_index_offset === undefined
          ? null
          : readColumnIndex(view(chunk.column_index_offset, chunk.column_index_length!), asBytes(elements[c]!), {
              stringFromBytes: (value: Uint8Array) => value,
            })
      const pages = places.map(({ first_row_index: start }, p): Page => {
        const end = places[p + 1]?.first_row_index ?? group.num_rows
        return {
          column,
          group: g,
          rows: rows.slice(first + Number(start), first + Number(end)),
          nullPage: index?.null_pages[p] ?? null,
          nulls: index === null ? null : Number(index.null_counts?.[p]),
          min: index?.min_values[p] as unknown as Uint8Array,
          max: index?.max_values[p] as unknown as Uint8Array,
        }
      })
      return { column, pages, order: index?.boundary_order ?? null }
    })
  })
}

/** A bound as a value that compares as the type does; text and binary stay bytes. */
function valueOf(type: ColumnType, bytes: Uint8Array): number | bigint | Uint8Array {
  const data = Buffer.from(bytes)
  switch (type.kind) {
    case 'boolean':
      return data.readUInt8()
    case 'int32':
    case 'date':
      return data.readInt32LE()
    case 'float32':
      return data.readFloatLE()
    case 'float64':
      return data.readDoubleLE()
    case 'decimal':
      if (data.length === 4 && type.precision <= 9) return BigInt(data.readInt32LE())
      if (type.precision <= 18) return data.readBigInt64LE()
      return BigInt.asIntN(data.length * 8, BigInt(`0x${data.toString('hex')}`))
    case 'int64':
    case 'timestamp':
      return data.readBigInt64LE()
    default:
      return bytes
  }
}

function compare(a: Cell, b: Cell): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  const [x, y] = [Number(a), Number(b)]
  return typeof a === 'bigint' && typeof b === 'bigint' ? (a < b ? -1 : a > b ? 1 : 0) : x === y ? 0 : x - y
}

const bytesOf = (cell: Cell): Cell => (typeof cell === 'string' ? Buffer.from(cell, 'utf8') : cell)

function checkChunk({ pages, order }: Chunk, field: ColumnField, column: number): void {
  const { type } = field
  let unbounded = false
  const bounds: [Cell, Cell][] = []
  for (const page of pages) {
    assert.ok(page.rows.length > 0)
    const cells = page.rows.map((row) => bytesOf(row[column]!))
    const present = cells.filter((cell) => cell !== null && !Number.isNaN(cell))
    if (order === null) {
      unbounded ||= present.length === 0 && cells.some((cell) => cell !== null)
      continue
    }
    assert.equal(page.nulls, cells.filter((cell) => cell === null).length)
    assert.equal(page.nullPage, present.length === 0)
    if (page.nullPage === true) {
      assert.equal(page.min.length + page.max.length, 0)
      continue
    }
    const [min, max] = [valueOf(type, page.min), valueOf(type, page.max)]
    bounds.push([min, max])
    const sorted = present.toSorted(compare)
    const [least, greatest] = [sorted[0]!, sorted.at(-1)!]
    if (least instanceof Uint8Array) {
      assert.ok(compare(min, least) <= 0 && compare(max, greatest) >= 0)
      if (type.kind === 'string') new TextDecoder('utf-8', { fatal: true }).decode(max as Uint8Array)
      if (least.length <= 64) assert.equal(compare(min, least), 0)
      if ((greatest as Uint8Array).length <= 64) assert.equal(compare(max, greatest), 0)
    } else {
      assert.equal(compare(min, least), 0)
      assert.equal(compare(max, greatest), 0)
    }
  }
  if (order === null) {
    assert.ok(unbounded, 'only a page that cannot be bounded leaves the column index out')
    return
  }
  const rises = (sign: number): boolean =>
    bounds.every(([min, max], i) => {
      const next = bounds[i + 1]
      return next === undefined || (compare(next[0], min) * sign >= 0 && compare(next[1], max) * sign >= 0)
    })
  assert.equal(order, rises(1) ? 'ASCENDING' : rises(-1) ? 'DESCENDING' : 'UNORDERED')
}

const isFlat = ({ type }: ColumnField): boolean => !['list', 'map', 'struct'].includes(type.kind)

describe('the page index', () => {
  test('says of every page what a scan of its rows finds, for any columns, pages and row groups', async () => {
    let [pages, ordered] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        randomTable,
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 1, max: 60 }),
        async ({ fields, rows }, rowGroupRows, pageBytes) => {
          const { bytes } = writeParquet({ fields, batches: [batchOf(fields, rows)], rowGroupRows, pageBytes })
          for (const chunk of pageIndexes(bytes, rows)) {
            const column = fields.findIndex(({ name }) => name === chunk.column)
            if (column < 0 || !isFlat(fields[column]!)) continue
            checkChunk(chunk, fields[column]!, column)
            pages += chunk.pages.length
            if (chunk.order !== 'UNORDERED') ordered += 1
          }
          assert.equal((await readParquetColumns({ source: bytes, name: 'test' })).rows, rows.length)
        },
      ),
      { numRuns: 150 },
    )
    assert.ok(pages > 50 && ordered > 10, `${pages} pages, ${ordered} chunks in order`)
  })

  test('tells rising, falling and unordered pages apart, null pages aside', () => {
    const fields: ColumnField[] = ['up', 'down', 'mixed'].map((name) => ({
      name,
      type: { kind: 'int64' },
      nullable: true,
    }))
    const rows = Array.from({ length: 60 }, (_, i): Cell[] => {
      if (i % 20 >= 10) return [null, null, null]
      return [BigInt(i), BigInt(-i), BigInt((i * 37) % 23)]
    })
    const batches = Array.from({ length: 6 }, (_, i) => batchOf(fields, rows.slice(i * 10, i * 10 + 10)))
    const { bytes } = writeParquet({ fields, batches, pageBytes: 1, rowGroupRows: 1000 })
    const chunks = pageIndexes(bytes, rows)
    assert.deepEqual(
      chunks.map(({ order }) => order),
      ['ASCENDING', 'DESCENDING', 'UNORDERED'],
    )
    assert.ok(chunks[0]!.pages.some(({ nullPage }) => nullPage === true))
  })

  test('pages of nested columns begin with a row', async () => {
    const fields: ColumnField[] = [
      { name: 'l', type: { kind: 'list', element: { kind: 'int32' }, elementNullable: true }, nullable: true },
    ]
    const rows = Array.from({ length: 50 }, (_, i): Cell[] => [i % 4 === 0 ? null : [i, null, i + 1].slice(0, i % 4)])
    const { bytes } = writeParquet({ fields, batches: [batchOf(fields, rows)], pageBytes: 1 })
    const [chunk] = pageIndexes(bytes, rows)
    for (const page of chunk!.pages) {
      const inside = page.rows.flatMap(([cell]) =>
        cell === null ? [null] : (cell as Cell[]).length === 0 ? [null] : (cell as Cell[]),
      )
      assert.equal(page.nulls, inside.filter((cell) => cell === null).length)
      const numbers = inside.filter((cell) => cell !== null) as number[]
      if (numbers.length > 0) assert.equal(Buffer.from(page.max).readInt32LE(), Math.max(...numbers))
    }
    assert.ok(chunk!.pages.length > 5)
  })
})
