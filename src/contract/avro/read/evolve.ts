import { SluiceError } from '../../../domain/errors.ts'
import type { ColumnType } from '../../../domain/column-batch.ts'
import type { EvolvedColumns } from '../../reading/evolved-columns.ts'
import type { ReaderOptions } from '../../reading/body-reader.ts'
import type { PrivateNames } from '../../privacy/private-names.ts'
import type { RowState } from '../../reading/row-state.ts'
import { avroColumnType, avroOfColumn } from '../column-types.ts'
import { readAvroJson } from './read-json.ts'
import { compileDecode } from './resolve.ts'
import type { Decode } from './target.ts'
import type { AvroField, AvroType } from '../schema.ts'

/**
 * Mode evolve: fields that a writer has and the contract lacks become columns, typed by the table where it has them,
 * else by the first writer of the batch. What such a column cannot hold, or cannot be a column at all, is rescued.
 */
export class AvroEvolution {
  readonly #columns: EvolvedColumns
  readonly #row: RowState
  readonly #privateNames: PrivateNames
  readonly #types = new Map<string, AvroType>()

  constructor(columns: EvolvedColumns, { row, privateNames }: Pick<ReaderOptions, 'row' | 'privateNames'>) {
    this.#columns = columns
    this.#row = row
    this.#privateNames = privateNames
  }

  begin(): void {
    this.#columns.begin()
    this.#types.clear()
  }

  decoderOf(field: AvroField): Decode {
    const row = this.#row
    const isOpen = !this.#holdsPrivate(field.type)
    const column = isOpen ? this.#columns.open(field.name, () => columnTypeOf(field)) : null
    if (column === null) return (cursor) => row.rescue(field.name, readAvroJson(field.type, cursor))
    const { builder, known } = column
    const type = this.#types.get(field.name) ?? (known ? avroOfColumn(builder.type) : field.type)
    this.#types.set(field.name, type)
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
  }

  /** A column would land its fields with it. */
  #holdsPrivate(type: AvroType, seen = new Set<AvroType>()): boolean {
    if (seen.has(type)) return false
    seen.add(type)
    switch (type.kind) {
      case 'record':
        return type.fields.some((each) => this.#privateNames.has(each.name) || this.#holdsPrivate(each.type, seen))
      case 'union':
        return type.branches.some((branch) => this.#holdsPrivate(branch, seen))
      case 'array':
        return this.#holdsPrivate(type.items, seen)
      case 'map':
        return this.#holdsPrivate(type.values, seen)
      default:
        return false
    }
  }
}

function columnTypeOf(field: AvroField): ColumnType | null {
  try {
    return avroColumnType(field.type, { subject: '', path: field.name })
  } catch (error) {
    if (error instanceof SluiceError) return null
    throw error
  }
}
