import type { EngineRow } from '../../ports/model-engine.ts'
import { plainRow, type PlainRow } from '../look/plain-rows.ts'

/** How a model's rows differ from those that a test expects, over the columns that it names. */
export interface RowDifferences {
  /** Expected, and not there. */
  readonly missing: readonly PlainRow[]
  /** There, and not expected. */
  readonly unexpected: readonly PlainRow[]
  /** Rows of one key, or else as near to each other as any, with the columns that differ. */
  readonly differing: readonly DifferingRow[]
}

export interface DifferingRow {
  /** The columns that are alike. */
  readonly row: PlainRow
  readonly columns: readonly { readonly column: string; readonly expected: unknown; readonly actual: unknown }[]
}

/**
 * Pairs rows that are missing with rows that are not expected. Pure. With the key among the columns rows pair by key;
 * else a row pairs with the one that it shares most columns with, if that is at least half of them.
 */
export function pairRows(
  key: readonly string[],
  missing: readonly EngineRow[],
  unexpected: readonly EngineRow[],
): RowDifferences {
  const left = unexpected.map(plainRow)
  const unmatched: PlainRow[] = []
  const differing: DifferingRow[] = []
  for (const expected of missing.map(plainRow)) {
    const at = partnerOf(key, expected, left)
    const actual = at < 0 ? undefined : left[at]
    if (actual === undefined) {
      unmatched.push(expected)
      continue
    }
    left.splice(at, 1)
    differing.push(differenceOf(expected, actual))
  }
  return { missing: unmatched, unexpected: left, differing }
}

export function isSame({ missing, unexpected, differing }: RowDifferences): boolean {
  return missing.length === 0 && unexpected.length === 0 && differing.length === 0
}

function partnerOf(key: readonly string[], expected: PlainRow, rows: readonly PlainRow[]): number {
  const columns = Object.keys(expected)
  const isKeyed = key.length > 0 && key.every((column) => columns.includes(column))
  if (isKeyed) return rows.findIndex((row) => key.every((column) => alike(row[column], expected[column])))
  let best = -1
  let most = 0
  for (const [index, row] of rows.entries()) {
    const shared = columns.filter((column) => alike(row[column], expected[column])).length
    if (shared > most && shared * 2 >= columns.length) {
      best = index
      most = shared
    }
  }
  return best
}

function differenceOf(expected: PlainRow, actual: PlainRow): DifferingRow {
  const same: [string, PlainRow[string]][] = []
  const columns: { column: string; expected: unknown; actual: unknown }[] = []
  for (const [column, value] of Object.entries(expected)) {
    if (alike(value, actual[column])) same.push([column, value])
    else columns.push({ column, expected: value, actual: actual[column] })
  }
  return { row: Object.fromEntries(same), columns }
}

function alike(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
