import type { ParquetLeaf } from './parquet-schema.ts'
import { binary, bool, encodeThrift, i32, i64, list, struct } from './thrift-compact.ts'
import { compareBounds, storeBounds } from './values/column-bounds.ts'
import type { ColumnBounds } from './values/column-bounds.ts'

/** What the pages of a chunk hold and where they lie, so that readers skip pages (Parquet format, "Page Index"). */

export interface PageRecord {
  /** From the chunk's first data page to this one. */
  readonly offset: number
  /** With its header. */
  readonly bytes: number
  /** The row within the row group that it begins with; every page begins with a row. */
  readonly firstRow: number
  readonly nulls: number
  /** Null where no value is present, or none has a place in the order (NaN). */
  readonly bounds: ColumnBounds | null
  readonly empty: boolean
}

const ORDER = { UNORDERED: 0, ASCENDING: 1, DESCENDING: 2 }

/** Null where a page holds values that cannot be bounded: the format knows no such page. */
export function encodeColumnIndex(leaf: ParquetLeaf, pages: readonly PageRecord[]): Uint8Array | null {
  const mins: Uint8Array[] = []
  const maxes: Uint8Array[] = []
  for (const { bounds, empty } of pages) {
    if (empty) {
      mins.push(NOTHING)
      maxes.push(NOTHING)
      continue
    }
    if (bounds === null) return null
    const { min, max } = storeBounds(bounds, leaf)
    mins.push(min)
    // Where no prefix can be raised, the value itself is the bound.
    maxes.push(max ?? (bounds.max as Uint8Array))
  }
  return encodeThrift(
    struct([
      [
        1,
        list(
          'bool',
          pages.map(({ empty }) => bool(empty)),
        ),
      ],
      [2, list('binary', mins.map(binary))],
      [3, list('binary', maxes.map(binary))],
      [4, i32(boundaryOrder(leaf, pages, { mins, maxes }))],
      [
        5,
        list(
          'i64',
          pages.map(({ nulls }) => i64(nulls)),
        ),
      ],
    ]),
  )
}

/** `start`: where the chunk's first data page lies in the file. */
export function encodeOffsetIndex(pages: readonly PageRecord[], start: number): Uint8Array {
  const locations = pages.map(({ offset, bytes, firstRow }) =>
    struct([
      [1, i64(start + offset)],
      [2, i32(bytes)],
      [3, i64(firstRow)],
    ]),
  )
  return encodeThrift(struct([[1, list('struct', locations)]]))
}

const NOTHING = new Uint8Array(0)

/** Of the bounds as they are stored: cut ones may be alike where the values are not. */
function boundaryOrder(
  leaf: ParquetLeaf,
  pages: readonly PageRecord[],
  { mins, maxes }: { readonly mins: readonly Uint8Array[]; readonly maxes: readonly Uint8Array[] },
): number {
  const isBytes = leaf.physical === 'BYTE_ARRAY'
  let [ascending, descending] = [true, true]
  let before = -1
  for (const [i, { bounds }] of pages.entries()) {
    if (bounds === null) continue
    if (before >= 0) {
      const last = pages[before]!.bounds!
      const low = isBytes ? Buffer.compare(mins[before]!, mins[i]!) : compareBounds(last.min, bounds.min)
      const high = isBytes ? Buffer.compare(maxes[before]!, maxes[i]!) : compareBounds(last.max, bounds.max)
      ascending &&= low <= 0 && high <= 0
      descending &&= low >= 0 && high >= 0
    }
    before = i
  }
  return ascending ? ORDER.ASCENDING : descending ? ORDER.DESCENDING : ORDER.UNORDERED
}
