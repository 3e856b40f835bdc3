import type { Column, ColumnType } from '../../../src/domain/column-batch.ts'
import { formatDecimal } from '../../../src/domain/decimal-text.ts'
import { formatDate, formatTimestamp } from '../../../src/domain/time-text.ts'
import { cellsOf, type ParquetCell } from '../../../src/parquet/decode/read-cell.ts'
import type { SourceValue } from '../../../src/ports/source-connector.ts'

/** Values of a column by row, as a source gives them: decimals, dates and times as text with every digit. */
export function cellValue(column: Column): (row: number) => SourceValue {
  const cell = cellsOf(column)
  const convert = converter(column.type)
  return (row) => convert(cell(row))
}

type Convert = (cell: ParquetCell) => SourceValue

function converter(type: ColumnType): Convert {
  const convert = present(type)
  return (cell) => (cell === null ? null : convert(cell))
}

function present(type: ColumnType): Convert {
  switch (type.kind) {
    case 'decimal':
      return (cell) => formatDecimal(cell as bigint, type.scale)
    case 'date':
      return (cell) => formatDate(cell as number)
    case 'timestamp':
      return (cell) => formatTimestamp(cell as bigint)
    case 'binary':
      return (cell) => Uint8Array.from(cell as Uint8Array)
    case 'list': {
      const element = converter(type.element)
      return (cell) => (cell as readonly ParquetCell[]).map(element)
    }
    case 'map': {
      const value = converter(type.value)
      return (cell) =>
        Object.fromEntries([...(cell as ReadonlyMap<string, ParquetCell>)].map(([key, each]) => [key, value(each)]))
    }
    case 'struct': {
      const fields = type.fields.map((field) => [field.name, converter(field.type)] as const)
      return (cell) => {
        const struct = cell as { readonly [name: string]: ParquetCell }
        return Object.fromEntries(fields.map(([name, convert]) => [name, convert(struct[name] ?? null)]))
      }
    }
    default:
      return (cell) => cell as boolean | number | bigint | string
  }
}

/** Roughly what a row holds. */
export function valueBytes(value: SourceValue): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  if (value instanceof Uint8Array) return value.length
  return Object.values(value).reduce<number>((sum, each) => sum + valueBytes(each as SourceValue), 16)
}
