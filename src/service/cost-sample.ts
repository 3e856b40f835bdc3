import type { CostSample } from '../observe/metrics.ts'
import { readCostNote } from '../operate/cost/lake-cost.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** What was measured last, for metrics; null where nobody measured. */
export async function costSample(lake: ObjectStore): Promise<CostSample | null> {
  const note = await readCostNote(lake)
  if (note === null) return null
  return {
    currency: note.currency,
    perMonth: note.per_month,
    budgetPerMonth: note.budget_per_month,
    tables: note.tables.map((each) => ({
      table: each.table,
      bytes: new Map([
        ['live', each.bytes],
        ['dead', each.dead_bytes],
        ['log', each.log_bytes],
      ]),
      files: new Map([
        ['live', each.files],
        ['small', each.small_files],
      ]),
      amplification: each.amplification,
      written: new Map(Object.entries(each.written ?? {})),
    })),
  }
}
