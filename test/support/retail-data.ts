import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from './sluice.ts'

/** The real shop's files, beside the repository; null where they are absent. */
export const RETAIL_DATA: string | null = (() => {
  const folder = process.env['RETAIL_DATA'] ?? join(REPOSITORY, '../shared/data/online-retail')
  return existsSync(folder) ? folder : null
})()

export const NO_RETAIL_DATA =
  RETAIL_DATA === null ? 'the data folder online-retail is not beside the repository' : false

export function retailFiles(): string[] {
  return RETAIL_DATA === null
    ? []
    : readdirSync(RETAIL_DATA)
        .filter((name) => name.endsWith('.csv.gz'))
        .sort()
}

/**
 * What the example must come to, by SQL straight over the CSV files: another way than Sluice's, from the contract and
 * the models as the example's README states them. `raw` holds every line as text.
 */
export const RAW_VIEW = `raw as (select * from read_csv('${RETAIL_DATA ?? ''}/*.csv.gz', all_varchar = true, header = true, nullstr = '\\N'))`

export function expectedSql(lines: 'with a customer' | 'all'): string {
  const kept = lines === 'all' ? 'raw' : "(select * from raw where coalesce(CustomerID, '') <> '')"
  return `with ${RAW_VIEW},
    kept as (select * from ${kept} k),
    silver as (select distinct * from kept)
    select
      (select count(*)::int from kept) as bronze,
      (select count(*)::int from raw) - (select count(*)::int from kept) as refused,
      (select count(*)::int from silver) as silver,
      (select sum(Quantity::int)::int from silver) as quantity,
      (select sum(Quantity::int * UnitPrice::decimal(12, 3))::varchar from silver) as revenue,
      (select count(distinct InvoiceDate[1:10])::int from kept) as sale_days`
}

/** Versions and keys of a slowly changing dimension: one event a key and time, the greatest by the tie-break; a version where the value differs from the one before. */
export function expectedVersionsSql(options: {
  readonly lines: 'with a customer' | 'all'
  readonly key: string
  readonly value: string
}): string {
  const kept = options.lines === 'all' ? 'raw' : "(select * from raw where coalesce(CustomerID, '') <> '')"
  return `with ${RAW_VIEW},
    events as (select ${options.key} as k, ${options.value} as v, InvoiceDate as ts, InvoiceNo from ${kept} r),
    one as (select *, row_number() over (partition by k, ts order by InvoiceNo desc, v desc) as place from events where v <> '' and coalesce(k, '') <> ''),
    moves as (select k, v, lag(v) over (partition by k order by ts) as before from one where place = 1)
    select count(*)::int as versions, count(distinct k)::int as keys from moves where v is distinct from before`
}

export const PRODUCT = {
  key: 'StockCode',
  value: "upper(trim(regexp_replace(coalesce(Description, ''), ' +', ' ', 'g')))",
}
export const CUSTOMER = { key: 'CustomerID', value: 'Country' }
