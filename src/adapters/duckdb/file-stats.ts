import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import { boundingText, exactNumber, type Side } from '../../parquet/delta-stats.ts'
import type { ColumnStats } from '../../ports/model-engine.ts'

/** What DuckDB says about one column of a file that it wrote: all values as text. */
export type ReportedStats = ReadonlyMap<string, string | null>

/**
 * Delta's statistics from DuckDB's. A bound that is not surely right is left out, which costs skipping and never
 * correctness: texts beyond what DuckDB surely keeps whole, floats with NaN.
 */
export function fileStats(
  fields: readonly ColumnField[],
  reported: ReadonlyMap<string, ReportedStats>,
): readonly ColumnStats[] {
  const stats: ColumnStats[] = []
  for (const field of fields) {
    const column = reported.get(quoteIdentifier(field.name))
    const nulls = Number(column?.get('null_count') ?? Number.NaN)
    if (column === undefined || !Number.isSafeInteger(nulls)) continue
    const trusted = column.get('has_nan') !== 'true'
    const min = trusted ? boundOf(field.type, column.get('min') ?? null, 'min') : undefined
    const max = trusted ? boundOf(field.type, column.get('max') ?? null, 'max') : undefined
    stats.push({
      column: field.name,
      nulls,
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
    })
  }
  return stats
}

/** DuckDB states texts whole up to ten thousand bytes. */
const WHOLE_TEXT = 2_000

function boundOf(type: ColumnType, text: string | null, side: Side): JsonValue | undefined {
  if (text === null) return undefined
  switch (type.kind) {
    case 'boolean':
      return text === '1' ? true : text === '0' ? false : undefined
    case 'float32':
    case 'float64':
      return Number.isFinite(Number(text)) ? Number(text) : undefined
    case 'int32':
    case 'int64':
    case 'decimal':
      return /^-?\d+(\.\d+)?$/.test(text) ? exactNumber(text.replace(/\.0*$|(\.\d*[1-9])0+$/, '$1')) : undefined
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : undefined
    case 'timestamp':
      return millisecondBound(text, side)
    case 'string':
      return text.length <= WHOLE_TEXT && !text.includes('\\x') ? (boundingText(text, side) ?? undefined) : undefined
    default:
      return undefined
  }
}

/** Milliseconds; a maximum between two of them takes the later, so that no row lies outside the bounds. */
function millisecondBound(text: string, side: Side): string | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text)
  if (parts === null) return undefined
  const micros = Number((parts[3] ?? '').padEnd(6, '0'))
  const seconds = Date.parse(`${parts[1]}T${parts[2]}Z`)
  if (Number.isNaN(seconds)) return undefined
  const ms = seconds + (side === 'min' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000))
  return new Date(ms).toISOString()
}
