import { storeBounds } from './values/column-bounds.ts'
import type { ColumnBounds } from './values/column-bounds.ts'
import type { ValueEncoding } from './values/page-values.ts'
import { codecId } from './page-codec.ts'
import type { PageCodec } from './page-codec.ts'
import { physicalId } from './parquet-schema.ts'
import type { PageRecord } from './page-index.ts'
import type { ParquetLeaf, ParquetSchema } from './parquet-schema.ts'
import { binary, bool, encodeThrift, i32, i64, list, struct, text } from './thrift-compact.ts'
import type { ThriftField, ThriftValue } from './thrift-compact.ts'

/** The structs of parquet.thrift that frame pages and close a file. */

export const MAGIC = Buffer.from('PAR1', 'latin1')

const ENCODING: Record<ValueEncoding | 'RLE', number> = {
  PLAIN: 0,
  RLE: 3,
  DELTA_BINARY_PACKED: 5,
  DELTA_LENGTH_BYTE_ARRAY: 6,
  RLE_DICTIONARY: 8,
}
const PAGE = { DATA: 0, DICTIONARY: 2 }
const FORMAT_VERSION = 2
/** Some readers parse the form `name version x (build y)` to know the writer's defects. */
const CREATED_BY = 'sluice version 1.0.0 (build 1)'

export interface PageFacts {
  /** Of the values; null for the dictionary page. */
  readonly encoding: ValueEncoding | null
  /** Levels, or entries of a dictionary. */
  readonly values: number
  readonly rawBytes: number
  readonly bytes: number
  readonly crc: number
}

/** What one column chunk's metadata states. Offsets count from the chunk's first byte. */
export interface ChunkFacts {
  readonly leaf: ParquetLeaf
  readonly values: number
  readonly nulls: number
  readonly bounds: ColumnBounds | null
  readonly rawBytes: number
  readonly bytes: number
  /** Where the first data page begins: past the dictionary page, if there is one. */
  readonly dataStart: number
  readonly pages: readonly PageRecord[]
  /** How many data pages have each encoding. */
  readonly encodings: ReadonlyMap<ValueEncoding, number>
}

export interface RowGroupFacts {
  readonly rows: number
  /** Where the group's first chunk begins in the file; the others follow without gaps. */
  readonly start: number
  readonly chunks: readonly PlacedChunk[]
}

/** Where something lies in the file. */
export interface FileSpan {
  readonly start: number
  readonly bytes: number
}

export interface PlacedChunk {
  readonly facts: ChunkFacts
  readonly bloom: FileSpan | null
  /** Both stand between the last row group and the footer. */
  readonly columnIndex: FileSpan | null
  readonly offsetIndex: FileSpan | null
}

export function encodePageHeader({ encoding, values, rawBytes, bytes, crc }: PageFacts): Uint8Array {
  const isDictionary = encoding === null
  return encodeThrift(
    struct([
      [1, i32(isDictionary ? PAGE.DICTIONARY : PAGE.DATA)],
      [2, i32(rawBytes)],
      [3, i32(bytes)],
      [4, i32(crc | 0)],
      [5, isDictionary ? null : dataPageHeader(values, ENCODING[encoding])],
      [
        7,
        isDictionary
          ? struct([
              [1, i32(values)],
              [2, i32(ENCODING.PLAIN)],
            ])
          : null,
      ],
    ]),
  )
}

/** The footer with its length and the closing magic. */
export function encodeFooter(facts: {
  readonly schema: ParquetSchema
  readonly rows: number
  readonly groups: readonly RowGroupFacts[]
  readonly codec: PageCodec
  readonly keyValues: Readonly<Record<string, string>>
}): Uint8Array {
  const { schema, rows, groups, codec } = facts
  const pairs = Object.entries(facts.keyValues).map(([key, value]) =>
    struct([
      [1, text(key)],
      [2, text(value)],
    ]),
  )
  const metadata = encodeThrift(
    struct([
      [1, i32(FORMAT_VERSION)],
      [2, list('struct', schema.elements)],
      [3, i64(rows)],
      [
        4,
        list(
          'struct',
          groups.map((group) => rowGroup(group, codec)),
        ),
      ],
      [5, pairs.length === 0 ? null : list('struct', pairs)],
      [6, text(CREATED_BY)],
      // Without a declared order readers leave min_value and max_value unused.
      [
        7,
        list(
          'struct',
          schema.leaves.map(() => struct([[1, struct([])]])),
        ),
      ],
    ]),
  )
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(metadata.length)
  tail.set(MAGIC, 4)
  return Buffer.concat([metadata, tail])
}

function dataPageHeader(values: number, encoding: number): ThriftValue {
  return struct([
    [1, i32(values)],
    [2, i32(encoding)],
    [3, i32(ENCODING.RLE)],
    [4, i32(ENCODING.RLE)],
  ])
}

function rowGroup({ rows, start, chunks }: RowGroupFacts, codec: PageCodec): ThriftValue {
  let at = start
  const columns = chunks.map((chunk) => {
    const column = columnChunk(chunk, at, codec)
    at += chunk.facts.bytes
    return column
  })
  return struct([
    [1, list('struct', columns)],
    [2, i64(chunks.reduce((sum, { facts }) => sum + facts.rawBytes, 0))],
    [3, i64(rows)],
    [5, i64(start)],
    [6, i64(at - start)],
  ])
}

function columnChunk(chunk: PlacedChunk, start: number, codec: PageCodec): ThriftValue {
  const { facts, bloom, columnIndex, offsetIndex } = chunk
  const { leaf } = facts
  const hasDictionary = facts.dataStart > 0
  const plain = hasDictionary || facts.encodings.has('PLAIN') || facts.encodings.size === 0
  const others = [...facts.encodings.keys()].filter((encoding) => encoding !== 'PLAIN')
  const encodings = [...(plain ? [ENCODING.PLAIN] : []), ENCODING.RLE, ...others.map((each) => ENCODING[each])]
  const metadata = struct([
    [1, i32(physicalId(leaf.physical))],
    [2, list('i32', encodings.map(i32))],
    [3, list('binary', leaf.path.map(text))],
    [4, i32(codecId(codec))],
    [5, i64(facts.values)],
    [6, i64(facts.rawBytes)],
    [7, i64(facts.bytes)],
    [9, i64(start + facts.dataStart)],
    [11, hasDictionary ? i64(start) : null],
    [12, statistics(facts)],
    [13, list('struct', encodingStats(facts, hasDictionary))],
    [14, bloom === null ? null : i64(bloom.start)],
    [15, bloom === null ? null : i32(bloom.bytes)],
  ])
  return struct([
    [2, i64(0)],
    [3, metadata],
    [4, offsetIndex === null ? null : i64(offsetIndex.start)],
    [5, offsetIndex === null ? null : i32(offsetIndex.bytes)],
    [6, columnIndex === null ? null : i64(columnIndex.start)],
    [7, columnIndex === null ? null : i32(columnIndex.bytes)],
  ])
}

/** Tells readers whether all values are in the dictionary, so that it alone may answer for the chunk. */
function encodingStats({ encodings }: ChunkFacts, hasDictionary: boolean): ThriftValue[] {
  const pages = (type: number, encoding: number, count: number): ThriftValue =>
    struct([
      [1, i32(type)],
      [2, i32(encoding)],
      [3, i32(count)],
    ])
  return [
    ...(hasDictionary ? [pages(PAGE.DICTIONARY, ENCODING.PLAIN, 1)] : []),
    ...Array.from(encodings, ([encoding, count]) => pages(PAGE.DATA, ENCODING[encoding], count)),
  ]
}

function statistics({ leaf, nulls, bounds }: ChunkFacts): ThriftValue {
  const stored = bounds === null ? null : storeBounds(bounds, leaf)
  const nullCount: ThriftField = [3, i64(nulls)]
  if (stored === null) return struct([nullCount])
  const { min, max, minExact, maxExact } = stored
  return struct([
    nullCount,
    [5, max === null ? null : binary(max)],
    [6, binary(min)],
    [7, max === null ? null : bool(maxExact)],
    [8, bool(minExact)],
  ])
}
