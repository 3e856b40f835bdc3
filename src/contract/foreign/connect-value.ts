import type { ColumnType } from '../../domain/column-batch.ts'
import type { SourceValue } from '../../ports/source-connector.ts'
import { DAY_MICROS, formatDate, formatTime, formatTimestamp, formatTimestampNanos } from '../../domain/time-text.ts'

/**
 * Values that a schema of Kafka Connect gives a meaning by a name, as text that a contract reads: `2024-05-01`, not
 * 19844. Names of Connect ("org.apache.kafka.connect.data", its Javadoc) and of Debezium (its documentation, "Temporal
 * types"); a value of any other name stays as it is.
 */
interface Meaning {
  readonly holds: ColumnType
  readonly text: (count: bigint) => string | null
}

const TIMESTAMP: ColumnType = { kind: 'timestamp' }
const TEXT: ColumnType = { kind: 'string' }
const date: Meaning = { holds: { kind: 'date' }, text: dateText }
const timeOf = (unit: bigint): Meaning => ({ holds: TEXT, text: (count) => timeText(count * unit) })

const MEANINGS: Readonly<Record<string, Meaning>> = {
  'org.apache.kafka.connect.data.Date': date,
  'org.apache.kafka.connect.data.Time': timeOf(1000n),
  'org.apache.kafka.connect.data.Timestamp': { holds: TIMESTAMP, text: (millis) => formatTimestamp(millis * 1000n) },
  'io.debezium.time.Date': date,
  'io.debezium.time.Time': timeOf(1000n),
  'io.debezium.time.MicroTime': timeOf(1n),
  'io.debezium.time.NanoTime': {
    holds: TEXT,
    text: (nanos) => (nanos % 1000n === 0n ? timeText(nanos / 1000n) : null),
  },
  'io.debezium.time.Timestamp': { holds: TIMESTAMP, text: (millis) => formatTimestamp(millis * 1000n) },
  'io.debezium.time.MicroTimestamp': { holds: TIMESTAMP, text: formatTimestamp },
  'io.debezium.time.NanoTimestamp': { holds: TIMESTAMP, text: formatTimestampNanos },
}

export const CONNECT_DECIMAL = 'org.apache.kafka.connect.data.Decimal'
export const VARIABLE_DECIMAL = 'io.debezium.data.VariableScaleDecimal'

/** The count under its name; the count itself where the name says nothing, or cannot be said of it. */
export function connectCount(name: string | undefined, count: bigint): SourceValue {
  const meaning = meaningOf(name)
  return meaning?.text(count) ?? wholeNumber(count)
}

/** What holds every value of that name; null where the name says nothing. */
export function connectHolds(name: string | undefined): ColumnType | null {
  if (name === 'io.debezium.time.ZonedTimestamp' || name === 'io.debezium.time.IsoTimestamp') return TIMESTAMP
  return meaningOf(name)?.holds ?? null
}

export function wholeNumber(count: bigint): number | bigint {
  const number = Number(count)
  return Number.isSafeInteger(number) ? number : count
}

function meaningOf(name: string | undefined): Meaning | null {
  return name !== undefined && Object.hasOwn(MEANINGS, name) ? MEANINGS[name]! : null
}

/** Days that no calendar of ours reaches stay a number. */
function dateText(days: bigint): string | null {
  const number = Number(days)
  return Math.abs(number) > 2 ** 31 ? null : formatDate(number)
}

function timeText(micros: bigint): string | null {
  return micros >= 0n && micros < DAY_MICROS ? formatTime(micros) : null
}
