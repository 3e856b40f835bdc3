import type { Column, ColumnField } from '../../domain/column-batch.ts'
import type { ReaderOptions } from './body-reader.ts'
import type { PrivateNames } from '../privacy/private-names.ts'
import { isColumnName } from '../column-names.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import { createBuilder } from '../columns/nested-builders.ts'

export interface EvolvedColumn {
  readonly field: ColumnField
  readonly builder: ColumnBuilder
  /** The table has it already; else this batch made it. */
  readonly known: boolean
  /** The row that first asked for it. */
  readonly born: number
}

/**
 * The columns of one batch that mode evolve adds for fields which the contract lacks. A row that does not fill one has
 * null there; names are compared without case, and a name that differs only in case from another gets no column.
 */
export class EvolvedColumns {
  readonly #columns = new Map<string, EvolvedColumn>()
  readonly #taken: ReadonlySet<string>
  readonly #known: ReadonlyMap<string, ColumnField>
  readonly #privateNames: PrivateNames
  #rows = 0

  constructor({ contract, evolved, privateNames }: Pick<ReaderOptions, 'contract' | 'evolved' | 'privateNames'>) {
    this.#privateNames = privateNames
    this.#taken = new Set(contract.fields.map((field) => field.column.name.toLowerCase()))
    this.#known = new Map(evolved.map((field) => [field.name.toLowerCase(), field]))
  }

  get rows(): number {
    return this.#rows
  }

  begin(): void {
    this.#columns.clear()
    this.#rows = 0
  }

  /** The column of this name, made where it is new; null where there can be none. */
  open(name: string, infer: () => ColumnField['type'] | null): EvolvedColumn | null {
    const key = name.toLowerCase()
    const present = this.#columns.get(key)
    if (present !== undefined) return present.field.name === name ? present : null
    if (this.#taken.has(key) || !isColumnName(name) || this.#privateNames.has(name)) return null
    const known = this.#known.get(key)
    if (known !== undefined && known.name !== name) return null
    const type = known?.type ?? infer()
    if (type === null) return null
    const builder = createBuilder(type)
    while (builder.length < this.#rows) builder.appendNull()
    const column = { field: { name, type, nullable: true }, builder, known: known !== undefined, born: this.#rows }
    this.#columns.set(key, column)
    return column
  }

  /** Ends a row. */
  fill(rows: number): void {
    this.#rows = rows
    for (const { builder } of this.#columns.values()) while (builder.length < rows) builder.appendNull()
  }

  /** Forgets columns that a refused row made: what is refused shapes nothing. */
  forget(rows: number): void {
    for (const [key, { born }] of this.#columns) if (born >= rows) this.#columns.delete(key)
  }

  truncate(rows: number): void {
    this.#rows = Math.min(this.#rows, rows)
    for (const { builder } of this.#columns.values()) builder.truncate(this.#rows)
  }

  finish(): { readonly fields: readonly ColumnField[]; readonly columns: readonly Column[] } {
    const list = [...this.#columns.values()]
    return { fields: list.map(({ field }) => field), columns: list.map(({ builder }) => builder.finish()) }
  }
}
