import { SluiceError } from '../../domain/errors.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import { typeText } from '../../domain/type-text.ts'
import type { PrunedTable } from '../../lake/files/prune.ts'

export interface ZorderColumns {
  readonly columns: readonly string[]
  /** What the user should know. */
  readonly notices: readonly string[]
}

const MOST = 8
/** Other engines' statistics have no bounds of them: by them no file is left out. */
const UNBOUNDED = new Set(['boolean', 'binary'])
const NESTED = new Set(['list', 'map', 'struct'])

/**
 * The columns that a table is clustered by. Partition columns are dropped with a notice: all rows of a file have the
 * same value in them. Throws USAGE naming a column that is unknown, nested, without bounds or named twice. Pure.
 */
export function zorderColumns(asked: readonly string[], table: PrunedTable & { readonly name: string }): ZorderColumns {
  const { name: tableName, fields, partitionColumns } = table
  const refuse = (message: string): never => {
    throw new SluiceError('USAGE', `--zorder: ${message}`, { where: { table: tableName } })
  }
  const columns: string[] = []
  const notices: string[] = []
  for (const name of asked) {
    const field = fields.find((each) => each.name === name)
    if (field === undefined) {
      const known = fields.map((each) => each.name)
      refuse(`${tableName} has no column ${JSON.stringify(name)}${suggestion(name, known)}`)
      continue
    }
    if (columns.includes(name)) refuse(`column ${name} is named twice`)
    if (partitionColumns.includes(name)) {
      notices.push(`${name} is left out: ${tableName} is partitioned by it`)
      continue
    }
    if (NESTED.has(field.type.kind)) refuse(`column ${name} is nested (${typeText(field.type)})`)
    if (UNBOUNDED.has(field.type.kind)) {
      refuse(`column ${name} is ${typeText(field.type)}, by which engines leave no file out`)
    }
    columns.push(name)
  }
  if (columns.length === 0) refuse('no column is left to cluster by')
  if (columns.length > MOST) refuse(`${columns.length} columns are too many: past ${MOST} none of them gains`)
  return { columns, notices }
}
