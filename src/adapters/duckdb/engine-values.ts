import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
} from '@duckdb/node-api'
import type { DuckDBValue } from '@duckdb/node-api'
import type { EngineValue } from '../../ports/model-engine.ts'

/** Values as `ports/model-engine` promises them: exact, and free of the engine's own classes. */
export function toEngineValue(value: DuckDBValue): EngineValue {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) return isoOfMicros(value.micros)
  if (value instanceof DuckDBTimestampMillisecondsValue) return isoOfMicros(value.millis * 1000n)
  if (value instanceof DuckDBTimestampSecondsValue) return isoOfMicros(value.seconds * 1_000_000n)
  if (value instanceof DuckDBTimestampNanosecondsValue) return isoOfMicros(floorDivide(value.nanos, 1000n))
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(toEngineValue)
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, toEngineValue(entry)]))
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(value.entries.map(({ key, value: entry }) => [textOf(key), toEngineValue(entry)]))
  }
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64')
  // decimals, dates, times, intervals, UUIDs: their text is exact
  return String(value)
}

/** Text of map keys: their own where they are text. */
function textOf(value: DuckDBValue): string {
  const plain = toEngineValue(value)
  return plain !== null && typeof plain === 'object' ? JSON.stringify(plain) : String(plain)
}

/** ISO 8601 UTC with three digits of fraction, six where the microseconds ask for them. */
export function isoOfMicros(micros: bigint): string {
  const ms = floorDivide(micros, 1000n)
  const rest = micros - ms * 1000n
  const date = new Date(Number(ms))
  if (Number.isNaN(date.getTime())) return micros > 0n ? 'infinity' : '-infinity'
  const text = date.toISOString()
  return rest === 0n ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}
