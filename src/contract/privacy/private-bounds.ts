import type { ColumnField } from '../../domain/column-batch.ts'
import { fieldHasPii, hasPii, plainName, type Contract, type ContractField } from '../../domain/contract.ts'
import { isReservedName } from '../column-names.ts'

/**
 * Which columns' least and greatest values must not stand in a table's log: they are values of records, and a log
 * outlives the rows that are deleted from the table (I13).
 */
export interface PrivateBounds {
  hides(field: ColumnField): boolean
}

export interface PrivateBoundsOptions {
  readonly contracts: readonly Contract[]
  /**
   * Columns that no contract names, where any contract tags PII. `all`, for a bronze table: it is a producer's new
   * field. `texts`, for a model's: it may be a private field renamed, and most of those are texts; numbers, dates and
   * times of a model keep their bounds.
   */
  readonly unknown: 'all' | 'texts'
}

export function privateBounds({ contracts, unknown }: PrivateBoundsOptions): PrivateBounds {
  const tagged = new Set<string>()
  const open = new Set<string>()
  const isPrivate = contracts.some(hasPii)
  for (const { fields } of contracts) for (const field of fields) collect(field, { tagged, open })
  return {
    hides({ name, type }) {
      if (name === '_rescued') return true
      if (!isPrivate || isReservedName(name)) return false
      const plain = plainName(name)
      if (tagged.has(plain)) return true
      return !open.has(plain) && (unknown === 'all' || type.kind === 'string' || type.kind === 'binary')
    },
  }
}

/** Nested fields count by their own names too: models take them out. */
function collect(field: ContractField, names: { readonly tagged: Set<string>; readonly open: Set<string> }): void {
  const own = [field.column.name, ...(field.aliases ?? [])].map(plainName)
  for (const name of own) (fieldHasPii(field) ? names.tagged : names.open).add(name)
  for (const child of field.children ?? []) collect(inherited(child, field), names)
}

function inherited(child: ContractField, { pii }: ContractField): ContractField {
  return child.pii === null && pii !== null ? { ...child, pii } : child
}

/** Columns whose least and greatest values the log of a table of this contract must not state (I13). */
export function unstatedColumns(contract: Contract, fields: readonly ColumnField[]): ReadonlySet<string> {
  const bounds = privateBounds({ contracts: [contract], unknown: 'all' })
  return new Set(fields.filter((field) => bounds.hides(field)).map((field) => field.name))
}
