import { inspect } from 'node:util'
import type { Column, ColumnBatch, ColumnField, ColumnType, ColumnValues } from '../../src/domain/column-batch.ts'
import { cellsOf } from '../../src/parquet/decode/read-cell.ts'

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

/** The column with what its rows share held once: as a constant or, for bytes, as a dictionary. */
export function repeated(column: Column): Column {
  const { type, length, validity, values } = column
  switch (values.layout) {
    case 'list':
      return { ...column, values: { ...values, element: repeated(values.element) } }
    case 'map':
      return { ...column, values: { ...values, keys: repeated(values.keys), value: repeated(values.value) } }
    case 'struct':
      return { ...column, values: { ...values, children: values.children.map(repeated) } }
    case 'dictionary':
    case 'constant':
      return column
    default: {
      const cell = cellsOf({ ...column, validity: null })
      const entries: Cell[] = []
      const known = new Map<string, number>()
      const ids = Int32Array.from({ length }, (_, row) => {
        if (validity?.[row] === 0) return 0
        const value = cell(row) as Cell
        const key = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : inspect(value)
        const met = known.get(key)
        if (met !== undefined) return met
        known.set(key, entries.length)
        return entries.push(value) - 1
      })
      const held = columnOf(type, entries)
      if (known.size === 1) return { type, length, validity, values: { layout: 'constant', entry: held } }
      if (held.values.layout !== 'bytes') return column
      return { type, length, validity, values: { ...held.values, layout: 'dictionary', ids } }
    }
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
