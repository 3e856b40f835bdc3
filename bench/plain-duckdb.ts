import { DuckDBInstance } from '@duckdb/node-api'

/**
 * The path to compare with: the same CSV files straight into DuckDB tables, deduplicated, with no log, no contract, no
 * error lane, no offsets, no Delta. What is above it is what those cost.
 */
const instance = await DuckDBInstance.create(`${process.env['SCRATCH']}/plain.duckdb`, { threads: '2' })
const connection = await instance.connect()
await connection.run(`create or replace table bronze as
  select InvoiceNo, StockCode, Description, Quantity::int as quantity, InvoiceDate::timestamp as invoice_date, UnitPrice::decimal(12, 3) as unit_price,
         CustomerID::double::bigint as customer_id, Country
  from read_csv('${process.env['RETAIL_DATA']}/*.csv.gz', all_varchar = true, header = true) where coalesce(CustomerID, '') <> ''`)
await connection.run('create or replace table silver as select distinct * from bronze')
connection.closeSync()
instance.closeSync()
