import type { Column, ColumnType } from '../../domain/column-batch.ts'
import { signedBigEndian } from './column-values.ts'

/**
 * A value on its own: bigint for int64, timestamp (microseconds) and decimal (unscaled); days for a date; the entries
 * of a map in order.
 */
export type ParquetCell =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly ParquetCell[]
  | ReadonlyMap<string, ParquetCell>
  | { readonly [name: string]: ParquetCell }

/** Reads the rows of a column one at a time. */
export function cellsOf(column: Column): (row: number) => ParquetCell {
  const read = presentCells(column)
  const { validity } = column
  return validity === null ? read : (row) => (validity[row] === 0 ? null : read(row))
}

function presentCells({ type, values }: Column): (row: number) => ParquetCell {
  switch (values.layout) {
    case 'bool':
      return (row) => values.data[row] !== 0
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
      return (row) => values.data[row]!
    case 'decimal128':
      return (row) => signedBigEndian(values.data.subarray(row * 16, row * 16 + 16))
    case 'bytes':
      return bytesCells(values, type)
    case 'dictionary': {
      const { ids } = values
      const entry = bytesCells(values, type)
      return (row) => entry(ids[row]!)
    }
    case 'constant': {
      const entry = cellsOf(values.entry)
      return () => entry(0)
    }
    case 'list': {
      const { offsets } = values
      const element = cellsOf(values.element)
      return (row) => {
        const cells: ParquetCell[] = []
        for (let i = offsets[row]!; i < offsets[row + 1]!; i += 1) cells.push(element(i))
        return cells
      }
    }
    case 'map': {
      const { offsets } = values
      const key = cellsOf(values.keys)
      const value = cellsOf(values.value)
      return (row) => {
        const entries = new Map<string, ParquetCell>()
        for (let i = offsets[row]!; i < offsets[row + 1]!; i += 1) entries.set(key(i) as string, value(i))
        return entries
      }
    }
    case 'struct': {
      const fields = type.kind === 'struct' ? type.fields : []
      const children = values.children.map((child, i) => [fields[i]!.name, cellsOf(child)] as const)
      return (row) => Object.fromEntries(children.map(([name, read]) => [name, read(row)]))
    }
  }
}

function bytesCells(
  { offsets, data }: { readonly offsets: Int32Array; readonly data: Uint8Array },
  type: ColumnType,
): (entry: number) => ParquetCell {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return type.kind === 'string'
    ? (entry) => buffer.toString('utf8', offsets[entry], offsets[entry + 1])
    : (entry) => data.subarray(offsets[entry], offsets[entry + 1])
}
