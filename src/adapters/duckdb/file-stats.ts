import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type { ColumnStats } from '../../ports/model-engine.ts'

/** What DuckDB says about one column of a file that it wrote: all values as text. */
export type ReportedStats = ReadonlyMap<string, string | null>

/**
 * Delta's statistics from DuckDB's. A bound that is not surely right is left out, which costs skipping and never
 * correctness: texts beyond what DuckDB keeps whole, floats with NaN, numbers that JSON would round.
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

const WHOLE_TEXT = 64

function boundOf(type: ColumnType, text: string | null, side: 'min' | 'max'): JsonValue | undefined {
  if (text === null) return undefined
  switch (type.kind) {
    case 'int32':
    case 'int64':
      return safeNumber(text, Number.isSafeInteger(Number(text)))
    case 'float32':
    case 'float64':
      return safeNumber(text, true)
    case 'decimal':
      return exactDecimal(text)
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : undefined
    case 'timestamp':
      return millisecondBound(text, side)
    case 'string':
      return text.length <= WHOLE_TEXT && !text.includes('\\x') ? text : undefined
    default:
      return undefined
  }
}

function safeNumber(text: string, exact: boolean): number | undefined {
  const number = Number(text)
  return exact && Number.isFinite(number) ? number : undefined
}

/** The number whose JSON text has the same digits, if there is one. */
function exactDecimal(text: string): number | undefined {
  const digits = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  const number = Number(text)
  return String(number) === digits ? number : undefined
}

/** Milliseconds; a maximum between two of them takes the later, so that no row lies outside the bounds. */
function millisecondBound(text: string, side: 'min' | 'max'): string | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text)
  if (parts === null) return undefined
  const micros = Number((parts[3] ?? '').padEnd(6, '0'))
  const seconds = Date.parse(`${parts[1]}T${parts[2]}Z`)
  if (Number.isNaN(seconds)) return undefined
  const ms = seconds + (side === 'min' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000))
  return new Date(ms).toISOString()
}
