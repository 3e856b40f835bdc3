/**
 * Surrogate keys, by one text of portable SQL, so that every engine gives the same: md5 of the natural key's columns
 * as text and of the microseconds of valid_from since 1970 (UTC), joined by the unit separator, chr(31); a null
 * column counts as chr(30). For a dimension without validity the microseconds are left out.
 */
export function surrogateKeySql(key: readonly string[], validFrom: string | null): string {
  const parts = key.map((column) => `coalesce(cast(${column} as string), chr(30))`)
  if (validFrom !== null) parts.push(`cast(${microsecondsSql(validFrom)} as string)`)
  return `md5(concat_ws(chr(31), ${parts.join(', ')}))`
}

/** The surrogate key of the member that stands for "not known". */
export const UNKNOWN_MEMBER = '-1'

/**
 * Microseconds since 1970 of a timestamp without zone, without the functions that engines name differently: the day
 * number by the civil calendar (Howard Hinnant's days_from_civil, a March-based year), the time from its text.
 */
export function microsecondsSql(timestamp: string): string {
  const shiftedYear = `(year(${timestamp}) - case when month(${timestamp}) <= 2 then 1 else 0 end)`
  const shiftedMonth = `(month(${timestamp}) + case when month(${timestamp}) <= 2 then 9 else -3 end)`
  const days = [
    `365 * ${shiftedYear}`,
    `cast(floor(${shiftedYear} / 4.0) as bigint)`,
    `- cast(floor(${shiftedYear} / 100.0) as bigint)`,
    `cast(floor(${shiftedYear} / 400.0) as bigint)`,
    `cast(floor((153 * ${shiftedMonth} + 2) / 5.0) as bigint)`,
    `day(${timestamp}) - 1 - 719468`,
  ]
    .join(' + ')
    .replaceAll('+ -', '-')
  const seconds = `(hour(${timestamp}) * 3600 + minute(${timestamp}) * 60 + second(${timestamp}))`
  const fraction = `cast(rpad(substr(cast(${timestamp} as string), 21), 6, '0') as bigint)`
  return `((cast(${days} as bigint) * 86400 + ${seconds}) * 1000000 + ${fraction})`
}
