import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'

/** How a table's columns must change before rows with other columns may land. Pure. */

export type FieldsPlan =
  | { readonly kind: 'same'; readonly fields: readonly ColumnField[] }
  /** New nullable columns at the end: a metadata action in the same commit. */
  | { readonly kind: 'add'; readonly fields: readonly ColumnField[]; readonly added: readonly string[] }
  /** A column must hold what its type cannot: its files are rewritten first. */
  | { readonly kind: 'widen'; readonly fields: readonly ColumnField[]; readonly widened: readonly string[] }
  | { readonly kind: 'conflict'; readonly column: string; readonly table: ColumnType; readonly wanted: ColumnType }

/** `wanted` are the columns of the rows; a column that only the table has stays and reads as null. */
export function planFields(table: readonly ColumnField[], wanted: readonly ColumnField[]): FieldsPlan {
  const byName = new Map(table.map((field) => [field.name.toLowerCase(), field]))
  const fields = [...table]
  const added: string[] = []
  const widened: string[] = []
  for (const field of wanted) {
    const present = byName.get(field.name.toLowerCase())
    if (present === undefined) {
      const column = { ...field, nullable: true }
      fields.push(column)
      byName.set(field.name.toLowerCase(), column)
      added.push(field.name)
    } else if (present.name !== field.name) {
      return { kind: 'conflict', column: field.name, table: present.type, wanted: field.type }
    } else if (!fits(field.type, present.type)) {
      if (!fits(present.type, field.type))
        return { kind: 'conflict', column: field.name, table: present.type, wanted: field.type }
      fields[fields.indexOf(present)] = { ...present, type: field.type }
      widened.push(field.name)
    }
  }
  if (widened.length > 0) return { kind: 'widen', fields, widened }
  return added.length > 0 ? { kind: 'add', fields, added } : { kind: 'same', fields }
}

/** True where every value of `from` is a value of `to`, so that a column can be cast without loss. */
export function fits(from: ColumnType, to: ColumnType): boolean {
  if (sameType(from, to)) return true
  switch (from.kind) {
    case 'int32':
      return to.kind === 'int64' || to.kind === 'float64' || (to.kind === 'decimal' && to.precision - to.scale >= 10)
    case 'int64':
      return to.kind === 'decimal' && to.precision - to.scale >= 19
    case 'float32':
      return to.kind === 'float64'
    case 'decimal':
      return to.kind === 'decimal' && to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale
    default:
      return false
  }
}

export function sameType(a: ColumnType, b: ColumnType): boolean {
  if (a.kind !== b.kind) return false
  switch (a.kind) {
    case 'decimal':
      return b.kind === 'decimal' && a.precision === b.precision && a.scale === b.scale
    case 'list':
      return b.kind === 'list' && sameType(a.element, b.element)
    case 'map':
      return b.kind === 'map' && sameType(a.value, b.value)
    case 'struct':
      return (
        b.kind === 'struct' &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => field.name === b.fields[i]!.name && sameType(field.type, b.fields[i]!.type))
      )
    default:
      return true
  }
}
