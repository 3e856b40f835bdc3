import type { JsonValue } from '../../domain/dead-letter.ts'
import type { EngineRow, EngineValue } from '../../ports/model-engine.ts'

/** A row as JSON shows it: integers beyond 2^53 as strings, other integers as numbers, decimals as exact text. */
export type PlainRow = Readonly<Record<string, JsonValue>>

export function plainRow(row: EngineRow): PlainRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]))
}

/** A row that a sink was handed, by the names that it was told. */
export function rowOf(names: readonly string[], values: readonly EngineValue[]): EngineRow {
  return Object.fromEntries(values.map((value, at) => [names[at] ?? '', value]))
}

export function plainValue(value: EngineValue): JsonValue {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value.toString()
  }
  // JSON has no NaN and no infinity.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || typeof value !== 'object') return value
  if (isList(value)) return value.map(plainValue)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plainValue(each)]))
}

function isList(value: EngineValue): value is readonly EngineValue[] {
  return Array.isArray(value)
}
