import type { Column, ColumnBatch, ColumnField, ColumnType, ColumnValues } from '../../src/domain/column-batch.ts'

/** Columns from plain values, for tests: int64, timestamp (micros) and decimal (unscaled) as bigint, maps as pairs. */
export type Cell =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Cell[]
  | ReadonlyMap<string, Cell>
  | { readonly [name: string]: Cell }

export function batchOf(fields: readonly ColumnField[], rows: readonly (readonly Cell[])[]): ColumnBatch {
  return {
    length: rows.length,
    fields,
    columns: fields.map((field, i) =>
      columnOf(
        field.type,
        rows.map((row) => row[i]!),
      ),
    ),
  }
}

export function columnOf(type: ColumnType, cells: readonly Cell[]): Column {
  const hasNull = cells.includes(null)
  return {
    type,
    length: cells.length,
    validity: hasNull ? Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1)) : null,
    values: valuesOf(type, cells),
  }
}

function valuesOf(type: ColumnType, cells: readonly Cell[]): ColumnValues {
  switch (type.kind) {
    case 'boolean':
      return { layout: 'bool', data: Uint8Array.from(cells, (cell) => (cell === true ? 1 : 0)) }
    case 'int32':
    case 'date':
      return { layout: 'int32', data: Int32Array.from(cells, (cell) => (cell ?? 0) as number) }
    case 'int64':
    case 'timestamp':
      return { layout: 'int64', data: BigInt64Array.from(cells, (cell) => (cell ?? 0n) as bigint) }
    case 'float32':
      return { layout: 'float32', data: Float32Array.from(cells, (cell) => (cell ?? 0) as number) }
    case 'float64':
      return { layout: 'float64', data: Float64Array.from(cells, (cell) => (cell ?? 0) as number) }
    case 'decimal': {
      if (type.precision <= 18) {
        return { layout: 'int64', data: BigInt64Array.from(cells, (cell) => (cell ?? 0n) as bigint) }
      }
      const data = Buffer.alloc(cells.length * 16)
      for (const [i, cell] of cells.entries()) {
        const value = (cell ?? 0n) as bigint
        data.writeBigInt64BE(value >> 64n, i * 16)
        data.writeBigUInt64BE(BigInt.asUintN(64, value), i * 16 + 8)
      }
      return { layout: 'decimal128', data }
    }
    case 'string':
    case 'binary': {
      const parts = cells.map((cell) =>
        cell === null ? new Uint8Array(0) : typeof cell === 'string' ? Buffer.from(cell, 'utf8') : (cell as Uint8Array),
      )
      return { layout: 'bytes', offsets: offsetsOf(parts.map((part) => part.length)), data: Buffer.concat(parts) }
    }
    case 'list': {
      const lists = cells.map((cell) => (cell ?? []) as readonly Cell[])
      return {
        layout: 'list',
        offsets: offsetsOf(lists.map((items) => items.length)),
        element: columnOf(type.element, lists.flat(1)),
      }
    }
    case 'map': {
      const maps = cells.map((cell) => [...((cell ?? new Map()) as ReadonlyMap<string, Cell>)])
      const pairs = maps.flat(1)
      return {
        layout: 'map',
        offsets: offsetsOf(maps.map((entries) => entries.length)),
        keys: columnOf(
          { kind: 'string' },
          pairs.map(([key]) => key),
        ),
        value: columnOf(
          type.value,
          pairs.map(([, value]) => value),
        ),
      }
    }
    case 'struct':
      return {
        layout: 'struct',
        children: type.fields.map(({ name, type: inner }) =>
          columnOf(
            inner,
            cells.map((cell) => (cell === null ? null : ((cell as { readonly [name: string]: Cell })[name] ?? null))),
          ),
        ),
      }
  }
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1)
  for (const [i, length] of lengths.entries()) offsets[i + 1] = offsets[i]! + length
  return offsets
}
