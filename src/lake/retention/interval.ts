/**
 * Lengths of time as table properties state them: Spark's calendar intervals, `interval 30 days`, `1 week 12 hours`,
 * with or without the first word. Months and years have no fixed length and are refused, as Delta refuses them.
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  microsecond: 0.001,
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
}
const PART = /\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]+?)s?(?=\s|$)/y
const LONGEST_TEXT = 200

/** In milliseconds, whole. Null for what is no such text. */
export function parseInterval(text: string): number | null {
  if (text.length > LONGEST_TEXT) return null
  const rest = text
    .trim()
    .toLowerCase()
    .replace(/^interval(?=\s)/, '')
  let ms = 0
  let at = 0
  while (at < rest.length) {
    PART.lastIndex = at
    const match = PART.exec(rest)
    const unit = match === null ? undefined : Object.hasOwn(UNIT_MS, match[2]!) ? UNIT_MS[match[2]!] : undefined
    // Only seconds have a fraction, as in Spark.
    if (match === null || unit === undefined || (match[1]!.includes('.') && match[2] !== 'second')) return null
    ms += Number(match[1]) * unit
    at = PART.lastIndex
  }
  return rest.trim() === '' || !Number.isSafeInteger(Math.floor(ms)) ? null : Math.floor(ms)
}
