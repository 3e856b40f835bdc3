import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import { calendarSql } from '../../../src/transform/rows/calendar.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-days-'))
const engine = openDuckdbEngine({ memoryLimitBytes: 1 << 28, threads: 1, tempFolder: folder })
after(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

test('a calendar has every day once, and says of each what the engine itself says', async () => {
  const days = calendarSql({ first: '1999-12-25', last: '2012-03-02' })
  const [rows] = await engine.ask({
    inputs: [],
    questions: [
      `select count(*) as n, count(*) filter (
         date_sk <> cast(strftime(date, '%Y%m%d') as int) or year <> extract(year from date)
         or quarter <> extract(quarter from date) or month <> extract(month from date) or day <> extract(day from date)
         or iso_week <> extract(week from date) or iso_day_of_week <> extract(isodow from date)
         or month_name <> monthname(date) or day_name <> dayname(date) or is_weekend <> (extract(isodow from date) > 5)
       ) as wrong,
       (select count(*) from range(date '1999-12-25', date '2012-03-03', interval 1 day) r(d) join (${days}) c on c.date = r.d) as found
       from (${days})`,
    ],
  })
  // 4 452 days by hand: 12 years of 365 from 2000, 3 + 1 leap days (2000, 2004, 2008, 2012), 7 before, 61 after
  assert.deepEqual(rows, [{ n: 4452n, wrong: 0n, found: 4452n }])
})

test('one day is a calendar, and no day is an empty one with the same columns', async () => {
  const [one, none] = await engine.ask({
    inputs: [],
    questions: [
      calendarSql({ first: '2011-06-30', last: '2011-06-30' }),
      `select count(*) as n from (${calendarSql(null)})`,
    ],
  })
  assert.equal(one?.length, 1)
  assert.equal(one?.[0]?.['date_sk'], 20_110_630)
  assert.deepEqual(none, [{ n: 0n }])
})
