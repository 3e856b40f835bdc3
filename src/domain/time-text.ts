/** Dates and times as text, without `Date`'s limits and guesses: proleptic Gregorian, UTC where no zone is given. */

const DATE = /^([+-]\d{6}|\d{4})-(\d\d)-(\d\d)$/
const TIMESTAMP =
  /^([+-]\d{6}|\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(?: ?(Z|z|[+-]\d\d(?::?\d\d)?))?$/
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?$/

const DAY_SECONDS = 86_400n
export const DAY_MICROS = 86_400_000_000n

export function parseDateDays(text: string): number | null {
  const match = DATE.exec(text)
  return match === null ? null : civilDays(Number(match[1]), Number(match[2]), Number(match[3]))
}

/** Nanoseconds since 1970-01-01T00:00Z; a date alone is its midnight. Null where the text is no such time. */
export function parseTimestampNanos(text: string): bigint | null {
  const match = TIMESTAMP.exec(text)
  if (match === null) return null
  const days = civilDays(Number(match[1]), Number(match[2]), Number(match[3]))
  const clock = clockSeconds(match[4] ?? '00', match[5] ?? '00', match[6] ?? '00')
  const zone = zoneSeconds(match[8])
  if (days === null || clock === null || zone === null) return null
  const seconds = BigInt(days) * DAY_SECONDS + BigInt(clock - zone)
  return seconds * 1_000_000_000n + BigInt((match[7] ?? '').padEnd(9, '0'))
}

/** Nanoseconds are floored to microseconds. */
export function parseTimestampMicros(text: string): bigint | null {
  const nanos = parseTimestampNanos(text)
  return nanos === null ? null : floorDivide(nanos, 1000n)
}

/** Microseconds of the day. */
export function parseTimeMicros(text: string): bigint | null {
  const match = TIME.exec(text)
  if (match === null) return null
  const clock = clockSeconds(match[1]!, match[2]!, match[3] ?? '00')
  return clock === null ? null : BigInt(clock) * 1_000_000n + BigInt((match[4] ?? '').padEnd(6, '0'))
}

export function formatDate(days: number): string {
  const [year, month, day] = civilDate(days)
  return `${formatYear(year)}-${pad(month)}-${pad(day)}`
}

/** With nine digits where the nanoseconds are no whole microseconds. */
export function formatTimestampNanos(nanos: bigint): string {
  const micros = floorDivide(nanos, 1000n)
  const rest = Number(nanos - micros * 1000n)
  if (rest === 0) return formatTimestamp(micros)
  const seconds = floorDivide(micros, 1_000_000n)
  const fraction = String(micros - seconds * 1_000_000n).padStart(6, '0') + String(rest).padStart(3, '0')
  return `${formatTimestamp(seconds * 1_000_000n).slice(0, -1)}.${fraction}Z`
}

/** `2010-12-01T08:26:00Z`, with microseconds only where there are any. */
export function formatTimestamp(micros: bigint): string {
  const days = floorDivide(micros, DAY_MICROS)
  return `${formatDate(Number(days))}T${formatTime(micros - days * DAY_MICROS)}Z`
}

export function formatTime(microsOfDay: bigint): string {
  const seconds = Number(microsOfDay / 1_000_000n)
  const fraction = Number(microsOfDay % 1_000_000n)
  const clock = `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`
  if (fraction === 0) return clock
  const digits = String(fraction).padStart(6, '0')
  return `${clock}.${fraction % 1000 === 0 ? digits.slice(0, 3) : digits}`
}

export function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

function clockSeconds(hour: string, minute: string, second: string): number | null {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)]
  return h > 23 || m > 59 || s > 59 ? null : h * 3600 + m * 60 + s
}

function zoneSeconds(zone: string | undefined): number | null {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0
  const digits = zone.slice(1).replace(':', '')
  const hours = Number(digits.slice(0, 2))
  const minutes = Number(digits.slice(2) || '0')
  if (hours > 18 || minutes > 59) return null
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60)
}

/** Days since 1970-01-01; after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
function civilDays(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || day > monthDays(year, month)) return null
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function civilDate(days: number): [number, number, number] {
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1]
}

function monthDays(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function formatYear(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
