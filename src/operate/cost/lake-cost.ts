import { classifyError } from '../../domain/errors.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { listTables } from '../list-tables.ts'
import { resolveTable } from '../look/resolve-table.ts'
import { measureTable } from './measure-table.ts'

/** What all tables cost by the price table, as it was measured last; kept in `_status/cost.json` for `status` and metrics. */
export interface CostNote {
  readonly form: 1
  /** ISO 8601. */
  readonly at: string
  readonly currency: string
  readonly per_month: number
  readonly budget_per_month: number | null
  readonly tables: readonly TableNote[]
}

export interface TableNote {
  readonly table: string
  readonly per_month: number
  readonly files: number
  readonly small_files: number
  readonly bytes: number
  readonly dead_bytes: number
  readonly log_bytes: number
  /** Bytes written for each byte appended. */
  readonly amplification: number | null
  /** By commits that only added rows, by merges and by optimize; a note of an older version has none. */
  readonly written?: { readonly appended: number; readonly merged: number; readonly rewritten: number }
}

const NOTE = '_status/cost.json'

type CostWorld = Pick<World, 'lake' | 'clock' | 'settings' | 'events' | 'runId' | 'traceId' | 'signal'>

/** Measures every table, notes the sum and tells of it; over the budget the telling is an alarm. */
export async function measureLake(world: CostWorld): Promise<CostNote> {
  const { lake, clock, settings, events, runId, traceId } = world
  const { currency, budgetPerMonth } = settings.cost
  const tables = await measureTables(world)
  const perMonth = sumOf(tables)
  const note: CostNote = {
    form: 1,
    at: new Date(clock.nowMs()).toISOString(),
    currency,
    per_month: perMonth,
    budget_per_month: budgetPerMonth,
    tables,
  }
  await lake.put(NOTE, Buffer.from(`${JSON.stringify(note)}\n`))
  const isOver = isOverBudget(note)
  events.emit({ runId, traceId, jobName: 'cost', type: 'cost.measured', currency, perMonth, budgetPerMonth, isOver })
  return note
}

/** Every table of the lake; one that cannot be measured is left out with a warning. */
export async function measureTables(world: CostWorld): Promise<TableNote[]> {
  const tables: TableNote[] = []
  for (const name of (await listTables(world.lake)).map(formatTableName)) {
    world.signal.throwIfAborted()
    try {
      tables.push(await measureOne(world, name))
    } catch (error) {
      const { message, where } = classifyError(error)
      const context = { runId: world.runId, traceId: world.traceId, jobName: 'cost' }
      world.events.emit({ ...context, type: 'warning', message: `no cost of ${name}: ${message}`, where })
    }
  }
  return tables
}

export function sumOf(tables: readonly TableNote[]): number {
  return tables.reduce((sum, each) => sum + each.per_month, 0)
}

export function isOverBudget({
  per_month: sum,
  budget_per_month: budget,
}: Pick<CostNote, 'per_month' | 'budget_per_month'>): boolean {
  return budget !== null && sum > budget
}

/** Null where nobody measured yet, or the note cannot be read. */
export async function readCostNote(lake: ObjectStore): Promise<CostNote | null> {
  const bytes = await lake.read(NOTE)
  if (bytes === null) return null
  try {
    const note = JSON.parse(Buffer.from(bytes).toString('utf8')) as CostNote
    return note.form === 1 && Array.isArray(note.tables) ? note : null
  } catch {
    return null
  }
}

async function measureOne(world: CostWorld, name: string): Promise<TableNote> {
  const cost = await measureTable(world, await resolveTable(world.lake, name))
  return {
    table: name,
    per_month: cost.estimate.perMonth,
    files: cost.live.files,
    small_files: cost.small.files,
    bytes: cost.live.bytes,
    dead_bytes: cost.dead.bytes,
    log_bytes: cost.log.bytes,
    amplification: cost.amplification?.total ?? null,
    written: {
      appended: cost.written.appended,
      merged: cost.written.merged,
      rewritten: cost.written.rewritten,
    },
  }
}
