/**
 * Rows as columns: the shape in which a batch leaves the contract and reaches a Parquet file. Typed arrays and byte
 * buffers, never an object a row. The layout follows Apache Arrow's (offsets arrays of length + 1, children for nested
 * types) except that validity is a byte a row, which is cheaper to write one row at a time and to roll back.
 */

export type ColumnType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int32' }
  | { readonly kind: 'int64' }
  | { readonly kind: 'float32' }
  | { readonly kind: 'float64' }
  /** 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'string' }
  | { readonly kind: 'binary' }
  /** Days since 1970-01-01. */
  | { readonly kind: 'date' }
  /** Microseconds since 1970-01-01T00:00Z. */
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'list'; readonly element: ColumnType; readonly elementNullable: boolean }
  /** Keys are strings. */
  | { readonly kind: 'map'; readonly value: ColumnType; readonly valueNullable: boolean }
  | { readonly kind: 'struct'; readonly fields: readonly ColumnField[] }

export interface ColumnField {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
}

/** The values of one column. `length` counts rows (or elements, for a child of a list or map). */
export interface Column {
  readonly type: ColumnType
  readonly length: number
  /** One byte a row, 1 = present, 0 = null; absent where no row is null. */
  readonly validity: Uint8Array | null
  readonly values: ColumnValues
}

/**
 * Slots of null rows hold zero values (or empty spans): a reader must look at `validity` first.
 * - boolean: `Uint8Array` of 0 and 1. int32 and date: `Int32Array`. int64 and timestamp: `BigInt64Array`.
 * - float32: `Float32Array`. float64: `Float64Array`.
 * - decimal of precision ≤ 18: unscaled `BigInt64Array`; above: `decimal128`, 16 bytes a row, two's complement, big-endian.
 * - string (UTF-8) and binary: `bytes`, or `dictionary` where values repeat: row i holds the bytes of entry `ids[i]`
 *   (0 where it is null). Entries are distinct, and each stands in some row, so that they bound the column.
 * - any scalar whose rows that are present all hold one value: `constant`, a column of that value alone, so that it
 *   costs the same at any length.
 * - list, map, struct: children.
 */
export type ColumnValues =
  | { readonly layout: 'bool'; readonly data: Uint8Array }
  | { readonly layout: 'int32'; readonly data: Int32Array }
  | { readonly layout: 'int64'; readonly data: BigInt64Array }
  | { readonly layout: 'float32'; readonly data: Float32Array }
  | { readonly layout: 'float64'; readonly data: Float64Array }
  | { readonly layout: 'decimal128'; readonly data: Uint8Array }
  | { readonly layout: 'bytes'; readonly offsets: Int32Array; readonly data: Uint8Array }
  | {
      readonly layout: 'dictionary'
      readonly ids: Int32Array
      /** Of the entries: one more than there are. */
      readonly offsets: Int32Array
      readonly data: Uint8Array
    }
  | { readonly layout: 'constant'; readonly entry: Column }
  | { readonly layout: 'list'; readonly offsets: Int32Array; readonly element: Column }
  | { readonly layout: 'map'; readonly offsets: Int32Array; readonly keys: Column; readonly value: Column }
  | { readonly layout: 'struct'; readonly children: readonly Column[] }

export interface ColumnBatch {
  readonly length: number
  readonly fields: readonly ColumnField[]
  /** In the order of `fields`. */
  readonly columns: readonly Column[]
}

/** Decimals up to this precision are held (and stored) as 64-bit integers. */
export const MAX_INT64_PRECISION = 18

/** Bytes that a column holds, children included: what memory limits count (I12). */
export function columnBytes(column: Column): number {
  const validity = column.validity?.byteLength ?? 0
  const { values } = column
  switch (values.layout) {
    case 'bytes':
      return validity + values.offsets.byteLength + values.data.byteLength
    case 'dictionary':
      return validity + values.ids.byteLength + values.offsets.byteLength + values.data.byteLength
    case 'constant':
      return validity + columnBytes(values.entry)
    case 'list':
      return validity + values.offsets.byteLength + columnBytes(values.element)
    case 'map':
      return validity + values.offsets.byteLength + columnBytes(values.keys) + columnBytes(values.value)
    case 'struct':
      return values.children.reduce((sum, child) => sum + columnBytes(child), validity)
    default:
      return validity + values.data.byteLength
  }
}

export function batchBytes(batch: ColumnBatch): number {
  return batch.columns.reduce((sum, column) => sum + columnBytes(column), 0)
}
