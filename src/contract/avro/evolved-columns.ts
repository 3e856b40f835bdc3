import type { Column, ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { ReaderOptions } from '../body-reader.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import { createBuilder } from '../columns/nested-builders.ts'
import { isColumnName } from '../column-names.ts'
import { avroColumnType, avroOfColumn } from './column-types.ts'
import { readAvroJson } from './read-json.ts'
import { compileDecode, type Decode } from './resolve.ts'
import type { AvroField, AvroType } from './schema.ts'

interface Evolved {
  readonly field: ColumnField
  readonly type: AvroType
  readonly builder: ColumnBuilder
}

/**
 * Mode evolve: columns for fields that a writer has and the contract lacks, typed by the table where it has them, else
 * by the first writer of the batch. What such a column cannot hold, or cannot be a column at all, is rescued.
 */
export function createEvolvedColumns({ contract, evolved: known, row }: ReaderOptions) {
  const taken = new Set(contract.fields.map((field) => field.column.name.toLowerCase()))
  const columns = new Map<string, Evolved>()
  let rows = 0

  const columnOf = (field: AvroField): Evolved | null => {
    const key = field.name.toLowerCase()
    const present = columns.get(key)
    if (present !== undefined) return present.field.name === field.name ? present : null
    if (taken.has(key) || !isColumnName(field.name)) return null
    const made = describe(field, known)
    if (made === null) return null
    const builder = createBuilder(made.field.type)
    while (builder.length < rows) builder.appendNull()
    const column = { ...made, builder }
    columns.set(key, column)
    return column
  }

  return {
    get rows(): number {
      return rows
    },
    begin(): void {
      columns.clear()
      rows = 0
    },
    decoderOf(field: AvroField): Decode {
      const column = columnOf(field)
      if (column === null) return (cursor) => row.rescue(field.name, readAvroJson(field.type, cursor))
      const { builder, type } = column
      const decode = compileDecode(field.type, { type, builder, path: field.name, pii: false, children: undefined, row })
      return (cursor) => {
        const start = cursor.at
        const { length } = builder
        const broken = row.breaches.count
        decode(cursor)
        if (row.breaches.count === broken) return
        row.breaches.truncate(broken)
        builder.truncate(length)
        builder.appendNull()
        cursor.at = start
        row.rescue(field.name, readAvroJson(field.type, cursor))
      }
    },
    /** Ends a row: columns that the writer does not have take null. */
    fill(length: number): void {
      rows = length
      for (const { builder } of columns.values()) while (builder.length < rows) builder.appendNull()
    },
    truncate(length: number): void {
      rows = Math.min(rows, length)
      for (const { builder } of columns.values()) builder.truncate(rows)
    },
    finish(length: number): { readonly fields: readonly ColumnField[]; readonly columns: readonly Column[] } {
      const list = [...columns.values()]
      for (const { builder } of list) while (builder.length < length) builder.appendNull()
      return { fields: list.map(({ field }) => field), columns: list.map(({ builder }) => builder.finish()) }
    },
  }
}

function describe(field: AvroField, known: readonly ColumnField[]): { field: ColumnField; type: AvroType } | null {
  const present = known.find((each) => each.name.toLowerCase() === field.name.toLowerCase())
  if (present !== undefined) return present.name === field.name ? { field: present, type: avroOfColumn(present.type) } : null
  try {
    const type = avroColumnType(field.type, { subject: '', path: field.name })
    return { field: { name: field.name, type, nullable: true }, type: field.type }
  } catch (error) {
    if (error instanceof SluiceError) return null
    throw error
  }
}
