import type { DatabaseOptions } from '../../domain/database-source.ts'
import type { TableQuery } from '../../domain/table-query.ts'
import type { Clock } from '../../ports/clock.ts'
import type { TableRow, TableSource } from '../../ports/table-source.ts'
import type { Patience } from './patience.ts'
import { keyOf, type ColumnPlan } from './plan-columns.ts'

export interface TableRowsParts {
  readonly table: Pick<TableSource, 'rows'>
  readonly plan: ColumnPlan
  readonly options: DatabaseOptions
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>
  readonly patient: Patience
  readonly signal: AbortSignal | undefined
}

/** Which rows, of those that the order holds. */
export type RowRange = Pick<TableQuery, 'after' | 'upTo' | 'from' | 'before'>

export const ALL_ROWS: RowRange = { after: [], upTo: null, from: null, before: null }

/** Lists of rows of a range, in order: a query a page, each behind the last row of the one before. */
export type TableRows = (range: RowRange, batchRows: number) => AsyncGenerator<readonly TableRow[]>

export function tableRows({ table, plan, options, clock, patient, signal }: TableRowsParts): TableRows {
  const columns = plan.columns.map(({ name }) => name)
  const { watermark } = plan
  const order = [...(watermark === null ? [] : [watermark.name]), ...plan.key.map(({ name }) => name)]
  const pace = paceOf(options, clock, signal)
  return async function* rowsOf(range, batchRows) {
    let { after } = range
    for (;;) {
      const query: TableQuery = { ...range, after, columns, order, limit: options.pageRows, table: options.table }
      let read = 0
      try {
        for await (const rows of table.rows(query, { batchRows, signal })) {
          if (rows.length === 0) continue
          patient.served()
          read += rows.length
          await pace(rows.length)
          yield rows
          after = [positionOf(plan, rows.at(-1)!)]
          if (signal?.aborted === true) return
        }
      } catch (error) {
        // What came stands; the next query goes on behind it.
        await patient.wait(error)
        continue
      }
      if (read < options.pageRows) return
    }
  }
}

/** A row's place in the order. */
function positionOf(plan: ColumnPlan, row: TableRow): readonly string[] {
  const key = keyOf(plan, row)
  return plan.watermarkAt === null ? key : [String(row[plan.watermarkAt]), ...key]
}

/** Waits until as many rows as were read are due. */
function paceOf(
  { maxRowsPerSecond }: DatabaseOptions,
  clock: Pick<Clock, 'nowMs' | 'sleep'>,
  signal: AbortSignal | undefined,
): (rows: number) => Promise<void> {
  if (maxRowsPerSecond === null) return () => Promise.resolve()
  const startedMs = clock.nowMs()
  let total = 0
  return async (rows) => {
    total += rows
    const dueMs = startedMs + (total / maxRowsPerSecond) * 1000
    const waitMs = dueMs - clock.nowMs()
    if (waitMs > 0) await clock.sleep(waitMs, signal)
  }
}
