import type { ColumnField } from '../../domain/column-batch.ts'

/** The days of a calendar, generated here: engines make series of days in different words. Pure. */

export const CALENDAR_FIELDS: readonly ColumnField[] = [
  { name: 'date_sk', type: { kind: 'int32' }, nullable: true },
  { name: 'date', type: { kind: 'date' }, nullable: true },
  { name: 'year', type: { kind: 'int32' }, nullable: true },
  { name: 'quarter', type: { kind: 'int32' }, nullable: true },
  { name: 'month', type: { kind: 'int32' }, nullable: true },
  { name: 'month_name', type: { kind: 'string' }, nullable: true },
  { name: 'day', type: { kind: 'int32' }, nullable: true },
  { name: 'iso_week', type: { kind: 'int32' }, nullable: true },
  { name: 'iso_day_of_week', type: { kind: 'int32' }, nullable: true },
  { name: 'day_name', type: { kind: 'string' }, nullable: true },
  { name: 'is_weekend', type: { kind: 'boolean' }, nullable: true },
]

export const MAX_CALENDAR_DAYS = 110_000

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const DAY_MS = 86_400_000

/** Days from the first to the last, both `YYYY-MM-DD`, both included. */
export function countDays(first: string, last: string): number {
  return (Date.parse(last) - Date.parse(first)) / DAY_MS + 1
}

/** A SELECT of every day from the first to the last, both included, in the order of `CALENDAR_FIELDS`. */
export function calendarSql(days: { readonly first: string; readonly last: string } | null): string {
  const names = CALENDAR_FIELDS.map((field) => field.name)
  const rows: string[] = []
  if (days !== null) {
    const count = countDays(days.first, days.last)
    for (let index = 0; index < count; index += 1) rows.push(dayRow(Date.parse(days.first) + index * DAY_MS))
  }
  const empty = rows.length === 0
  if (empty) rows.push(dayRow(0))
  const columns = names.map((name, index) =>
    name === 'date' ? `cast(c${index} as date) as date` : `c${index} as ${name}`,
  )
  const values = `(values ${rows.join(', ')}) as days(${names.map((_, index) => `c${index}`).join(', ')})`
  return `select ${columns.join(', ')} from ${values}${empty ? ' where false' : ''}`
}

function dayRow(ms: number): string {
  const date = new Date(ms)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
  const weekday = date.getUTCDay() === 0 ? 7 : date.getUTCDay()
  const values = [
    year * 10_000 + month * 100 + day,
    `'${date.toISOString().slice(0, 10)}'`,
    year,
    Math.ceil(month / 3),
    month,
    `'${MONTHS[month - 1]}'`,
    day,
    isoWeek(ms, weekday),
    weekday,
    `'${DAYS[weekday - 1]}'`,
    weekday >= 6,
  ]
  return `(${values.join(', ')})`
}

/** ISO 8601: the week of the Thursday nearest to the day. */
function isoWeek(ms: number, weekday: number): number {
  const thursday = ms + (4 - weekday) * DAY_MS
  const yearStart = Date.UTC(new Date(thursday).getUTCFullYear(), 0, 1)
  return Math.floor((thursday - yearStart) / DAY_MS / 7) + 1
}
