import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import { isExactArray, type ExactJson } from '../../domain/exact-json.ts'
import type { Expectation } from '../../domain/expectation.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import { Impossible } from '../check.ts'
import type { JudgedTable } from '../judged-table.ts'
import { conditionSql } from '../row-condition.ts'
import { sqlLiteral } from '../sql-literal.ts'

/** One expectation's kwargs on one table. Settings have checked their forms; here they meet the columns. */
export class Asked {
  readonly table: JudgedTable
  readonly expectation: Expectation

  constructor(table: JudgedTable, expectation: Expectation) {
    this.table = table
    this.expectation = expectation
  }

  value(name: string): ExactJson {
    return this.expectation.kwargs[name] ?? null
  }

  text(name: string): string | null {
    const value = this.value(name)
    return typeof value === 'string' ? value : null
  }

  texts(name: string): readonly string[] {
    const value = this.value(name)
    return isExactArray(value) ? value.filter((each) => typeof each === 'string') : []
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.value(name)
    return typeof value === 'boolean' ? value : otherwise
  }

  get mostly(): number {
    const value = this.value('mostly')
    return typeof value === 'number' ? value : 1
  }

  /** The field that a kwarg names. */
  field(kwarg = 'column'): ColumnField {
    return this.fieldNamed(this.text(kwarg) ?? '')
  }

  fieldNamed(name: string): ColumnField {
    return fieldOf(this.table.fields, name, `${this.table.name.layer}.${this.table.name.table}`)
  }

  /** `r.column`: qualified, so that a column may be named like a word of SQL. */
  column(kwarg = 'column'): string {
    return `r.${this.field(kwarg).name}`
  }

  columns(kwarg: string): readonly string[] {
    return this.texts(kwarg).map((name) => `r.${this.fieldNamed(name).name}`)
  }

  /** What `row_condition` says, over alias `r`. */
  get condition(): string | null {
    const text = this.text('row_condition')
    return text === null ? null : conditionSql(text, (name) => this.fieldNamed(name))
  }

  /** `from view r where …`. */
  from(...conditions: (string | null)[]): string {
    const where = this.where(...conditions)
    return `from ${this.table.view} r${where === null ? '' : ` where ${where}`}`
  }

  /** What `row_condition` says, and more; null where nothing is asked. */
  where(...conditions: (string | null)[]): string | null {
    const all = [this.condition, ...conditions].filter((each) => each !== null)
    return all.length === 0 ? null : all.map((each) => `(${each})`).join(' and ')
  }

  literal(value: ExactJson, type: ColumnType, kwarg: string): string {
    const literal = sqlLiteral(value, type)
    if (literal === null) throw new Impossible(`${kwarg} holds what is no ${type.kind}, as the column is`)
    return literal
  }

  /** Null members are left out, as a null value is in no set. */
  literals(kwarg: string, type: ColumnType): readonly string[] {
    const value = this.value(kwarg)
    if (!isExactArray(value)) return []
    return value.filter((each) => each !== null).map((each) => this.literal(each, type, kwarg))
  }
}

export function fieldOf(fields: readonly ColumnField[], name: string, table: string): ColumnField {
  const field = fields.find((each) => each.name === name)
  if (field === undefined) {
    const near = suggestion(
      name,
      fields.map((each) => each.name),
    )
    throw new Impossible(`${table} has no column ${name}${near}`)
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Impossible(`column ${name} cannot be named in SQL`)
  return field
}

/** The rows of `column_list` that `ignore_row_if` leaves to be looked at; null: all. */
export function presentRows(asked: Asked): string | null {
  const missing = asked.columns('column_list').map((column) => `${column} is null`)
  const ignore = asked.text('ignore_row_if') ?? 'all_values_are_missing'
  return ignore === 'never' ? null : `not (${missing.join(ignore === 'any_value_is_missing' ? ' or ' : ' and ')})`
}
