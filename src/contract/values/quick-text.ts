/**
 * The texts that stand in nearly every record, read without a pattern or a bigint. Null leaves a text to the full
 * readers (`decimal-text`, `time-text`), which agree with these on every text that these take.
 */

const ZERO = 48

/** The unscaled value of a plain decimal of up to 15 digits: `-12.5` at scale 2 is -1250. Null where digits would be lost. */
export function quickDecimal(text: string, scale: number): number | null {
  const { length } = text
  const negative = text.charCodeAt(0) === 45
  let at = negative ? 1 : 0
  if (length - at > 16 || length === at) return null
  let value = 0
  let digits = 0
  let fraction = -1
  for (; at < length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 46 && fraction < 0) {
      fraction = 0
      continue
    }
    if (code < ZERO || code > ZERO + 9) return null
    value = value * 10 + code - ZERO
    digits += 1
    if (fraction >= 0) fraction += 1
  }
  const missing = scale - Math.max(fraction, 0)
  if (digits === 0 || missing < 0 || digits + missing > 15) return null
  const scaled = value * 10 ** missing
  return negative && scaled !== 0 ? -scaled : scaled
}

/** Digits of `[at, end)`, or -1. */
function digitsAt(text: string, at: number, end: number): number {
  let value = 0
  for (; at < end; at += 1) {
    const code = text.charCodeAt(at) - ZERO
    if (code < 0 || code > 9) return -1
    value = value * 10 + code
  }
  return value
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const
const MONTH_STARTS = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const

/** Days since 1970-01-01 of `YYYY-MM-DD` at the start of a text, of the years 1970 to 2199; -1 for any other. */
function daysAt(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return -1
  const [year, month, day] = [digitsAt(text, 0, 4), digitsAt(text, 5, 7), digitsAt(text, 8, 10)]
  if (year < 1970 || year > 2199 || month < 1 || month > 12 || day < 1) return -1
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > MONTH_DAYS[month - 1]! + (leap && month === 2 ? 1 : 0)) return -1
  const before = year - 1
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 477
  return (year - 1970) * 365 + leaps + MONTH_STARTS[month - 1]! + (leap && month > 2 ? 1 : 0) + day - 1
}

export function quickDateDays(text: string): number | null {
  const days = text.length === 10 ? daysAt(text) : -1
  return days < 0 ? null : days
}

/** Where a zone that is UTC begins; the end where there is none. */
function endOfClock(text: string): number {
  const { length } = text
  if (text.charCodeAt(length - 1) === 90) return length - 1
  const isPlusZero =
    text.charCodeAt(length - 3) === 43 && text.charCodeAt(length - 2) === ZERO && text.charCodeAt(length - 1) === ZERO
  return isPlusZero ? length - 3 : length
}

/** Microseconds since 1970 of `YYYY-MM-DDTHH:MM:SS`, up to six digits of a fraction, and `Z`, `+00` or nothing. */
export function quickTimestampMicros(text: string): number | null {
  const end = endOfClock(text)
  if (end < 19 || end === 20 || end > 26) return null
  const between = text.charCodeAt(10)
  if (between !== 84 && between !== 32) return null
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return null
  const [days, hour, minute, second] = [
    daysAt(text),
    digitsAt(text, 11, 13),
    digitsAt(text, 14, 16),
    digitsAt(text, 17, 19),
  ]
  if (days < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return null
  let fraction = 0
  if (end > 19) {
    const digits = digitsAt(text, 20, end)
    if (text.charCodeAt(19) !== 46 || digits < 0) return null
    fraction = digits * 10 ** (26 - end)
  }
  return ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + fraction
}
