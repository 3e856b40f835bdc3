import type { ColumnType } from '../../domain/column-batch.ts'
import type { PartitionValues } from '../log/action.ts'
import type { AddFile } from './add-file.ts'
import { compareOrdered, orderedValue } from './bound-order.ts'
import { pruneFiles } from './prune.ts'
import type { ColumnRange, PrunedTable } from './prune.ts'

/** Rows of a table that a commit depends on: it must have read every one of them, and none that lies elsewhere. */
export interface RowsRead {
  /** They lie in one of these; a partition column that is not named has any value. Null: in any partition. */
  readonly partitions: readonly PartitionValues[] | null
  /** And within all of these. */
  readonly within: readonly ColumnRange[]
}

/**
 * Whether a file may hold such a row. False only where it certainly holds none: writers state values in several
 * forms (`1.0` and `1.00`, an instant with and without zone), so values are compared by the column's type. Pure.
 */
export function mayHoldRead(file: AddFile, table: PrunedTable, { partitions, within }: RowsRead): boolean {
  if (partitions !== null && !partitions.some((wanted) => mayLieIn(file, table, wanted))) return false
  return pruneFiles([file], table, within).length > 0
}

function mayLieIn({ partitionValues }: AddFile, { fields }: PrunedTable, wanted: PartitionValues): boolean {
  return Object.entries(wanted).every(([column, value]) => {
    const stated = partitionValues[column]
    const type = fields.find((field) => field.name === column)?.type
    return stated === undefined || type === undefined || mayEqual(type, stated, value)
  })
}

/** Delta has no empty partition value beside null. */
function mayEqual(type: ColumnType, stated: string | null, wanted: string | null): boolean {
  const [isNull, wantsNull] = [stated === null || stated === '', wanted === null || wanted === '']
  if (isNull || wantsNull) return isNull && wantsNull
  const [a, b] = [orderedValue(type, stated), orderedValue(type, wanted)]
  return a === null || b === null || compareOrdered(a, b) === 0
}
