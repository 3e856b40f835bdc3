import type { ColumnField } from '../../domain/column-batch.ts'
import type { TextMap } from '../log/action.ts'
import { isObject, parseLogJson, writeLogJson } from '../log/log-json.ts'
import type { LogJson, LogObject } from '../log/log-json.ts'

/**
 * Which columns' statistics a table wants in its log (delta.io, "Table properties"): those that
 * `delta.dataSkippingStatsColumns` lists, else the first `delta.dataSkippingNumIndexedCols` leaves, -1 for all; fields
 * inside structs count each on its own, columns of the partition do not.
 */

/** Where the table says nothing, or nothing that could be meant, as in Delta's own writers. */
const INDEXED_COLUMNS = 32

export interface IndexedTable {
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  readonly configuration: TextMap
}

/**
 * Takes out of a file's statistics what its table does not want; rows are always counted. Non-guarantee: what the
 * writer of the file left out (bounds of personal data) is not added. Null where nothing is to be taken out of any.
 */
export function statsTrimmer(table: IndexedTable): ((statsText: string | null) => string | null) | null {
  const wanted = wantedLeaves(table)
  if (wanted === null) return null
  return (statsText) => {
    if (statsText === null) return null
    const stats = parseLogJson(statsText)
    if (!isObject(stats)) return statsText
    return writeLogJson(
      Object.fromEntries(
        Object.entries(stats).map(([key, value]) => [
          key,
          isObject(value) ? keepLeaves(value, wanted, '') : (value ?? null),
        ]),
      ),
    )
  }
}

function wantedLeaves({ fields, partitionColumns, configuration }: IndexedTable): ReadonlySet<string> | null {
  const leaves = fields.filter(({ name }) => !partitionColumns.includes(name)).flatMap((field) => leavesOf(field, ''))
  const listed = configuration['delta.dataSkippingStatsColumns']
  if (listed !== undefined) {
    const paths = columnPaths(listed)
    return new Set(leaves.filter((leaf) => paths.some((path) => leaf === path || leaf.startsWith(`${path}\0`))))
  }
  const count = indexedColumns(configuration['delta.dataSkippingNumIndexedCols'])
  return count < leaves.length ? new Set(leaves.slice(0, count)) : null
}

function indexedColumns(text: string | undefined): number {
  const stated = text?.trim() ?? ''
  if (stated === '-1') return Infinity
  return /^\d{1,9}$/.test(stated) ? Number(stated) : INDEXED_COLUMNS
}

function leavesOf({ name, type }: ColumnField, above: string): string[] {
  const path = above + name
  return type.kind === 'struct' ? type.fields.flatMap((field) => leavesOf(field, `${path}\0`)) : [path]
}

/** Names with dots between, commas between paths; in backticks what holds a dot or a comma. */
function columnPaths(text: string): string[] {
  const paths: string[] = []
  for (const [path] of text.matchAll(/(?:`(?:[^`]|``)*`|[^,`])+/g)) {
    const names = Array.from(path.trim().matchAll(/`((?:[^`]|``)*)`|[^.`]+/g), ([plain, quoted]) =>
      quoted === undefined ? plain : quoted.replaceAll('``', '`'),
    )
    if (names.length > 0) paths.push(names.join('\0'))
  }
  return paths
}

function keepLeaves(values: LogObject, wanted: ReadonlySet<string>, above: string): LogObject {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]): [string, LogJson][] => {
      const path = above + name
      if (wanted.has(path)) return [[name, value ?? null]]
      const inside = isObject(value) ? keepLeaves(value, wanted, `${path}\0`) : {}
      return Object.keys(inside).length === 0 ? [] : [[name, inside]]
    }),
  )
}
