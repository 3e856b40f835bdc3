import type { DatabaseOptions } from '../../domain/database-source.ts'
import { formatDuration } from '../../domain/duration.ts'
import { SluiceError } from '../../domain/errors.ts'
import { markRow, openWindow, packMarks, type OverlapWindow, type RowMark } from '../../domain/overlap-window.ts'
import { formatWatermark, readWatermark, WATERMARK_ENTRY, type Watermark } from '../../domain/watermark.ts'
import type { SourceBatch, SourceRow } from '../../ports/source-connector.ts'
import type { TableColumn, TableRow, TableSight, TableSource } from '../../ports/table-source.ts'
import { columnNotes } from './column-notes.ts'
import { emptyBatch, keyOf, toSourceRow, type ColumnPlan } from './plan-columns.ts'
import { ALL_ROWS, type RowRange, type TableRows } from './table-rows.ts'

/** The entry that holds the floor of the last pass. */
const FLOOR = 'floor'

export interface ReadTableRequest {
  readonly plan: ColumnPlan
  readonly options: DatabaseOptions
  readonly look: TableSource['look']
  readonly rows: TableRows
  /** Entries of the source's state. */
  readonly from: ReadonlyMap<string, string>
}

/**
 * Rows behind the watermark. Those up to the floor stand: no transaction in flight can join them. Of those behind it a
 * mark is kept, and the next pass reads them again, up to the watermark that was reached, and sends what it does not
 * know: rows that were in flight, stamped but not committed, when this one read.
 */
export async function* readIncremental({
  plan,
  options,
  look,
  rows,
  from,
}: ReadTableRequest): AsyncGenerator<SourceBatch> {
  const reached = readWatermark(plan.source, from)
  const window = openWindow(plan.source, from)
  const overlapMs = overlapOf(plan, options)
  const sight = await look({
    watermark: plan.watermark!.name,
    notNull: [plan.watermark!, ...plan.key].filter(({ nullable }) => nullable).map(({ name }) => name),
    overlapMs,
    reached: reached?.value ?? null,
    floor: from.get(FLOOR) ?? null,
  })
  const columns = columnNotes(plan, from)
  const notes = [...sightNotes(plan, sight, { overlapMs, reached }), ...columns.notes]
  if (notes.length > 0) yield { ...emptyBatch(plan), notes }
  const { floor, lateFloor } = sight
  const start = startOf(reached)
  const part = new Part(plan, window, columns.progress)
  // First, and to its end, before the watermark moves: a death in between then leaves it as it was.
  if (reached !== null && lateFloor !== null) {
    const again: RowRange = { ...ALL_ROWS, after: [[lateFloor]], upTo: [reached.value, ...reached.key] }
    for await (const batch of rows(again, options.batchRows)) yield* part.again(batch)
  }
  if (floor !== null) {
    part.keepFloor(floor)
    const settled: RowRange = { ...ALL_ROWS, ...start, upTo: [floor] }
    for await (const batch of rows(settled, options.batchRows)) yield part.settled(batch)
  }
  const last = part.reached === null ? start : { from: null, after: [part.reached] }
  const recent: RowRange = { ...ALL_ROWS, ...last, after: floor === null ? last.after : [...last.after, [floor]] }
  for await (const batch of rows(recent, options.batchRows)) yield part.recent(batch, overlapMs > 0)
  const rest = part.rest()
  if (rest !== null) yield rest
}

/** Rows whose watermark is at least where `from` stands and less than `to`; no window, for none comes back to them. */
export async function* readRange(
  { plan, options, rows, from }: ReadTableRequest,
  to: string,
): AsyncGenerator<SourceBatch> {
  const reached = readWatermark(plan.source, from)
  const part = new Part(plan, openWindow(plan.source, new Map()), new Map())
  for await (const batch of rows({ ...ALL_ROWS, ...startOf(reached), before: to }, options.batchRows))
    yield part.settled(batch)
}

/** Behind the row that was reached; without its key, from the first row of its value on. */
function startOf(reached: Watermark | null): Pick<RowRange, 'from' | 'after'> {
  if (reached === null) return { from: null, after: [] }
  if (reached.key.length === 0) return { from: reached.value, after: [] }
  return { from: null, after: [[reached.value, ...reached.key]] }
}

/** Lists of rows as batches, each with the progress that stands behind it. */
class Part {
  /** The place of the last row that moved the watermark in this pass. */
  reached: readonly string[] | null = null
  #sentAgain = false
  readonly #plan: ColumnPlan
  readonly #window: OverlapWindow
  /** What travels with the first batch that has rows. */
  #first: Map<string, string | null>

  constructor(plan: ColumnPlan, window: OverlapWindow, first: ReadonlyMap<string, string | null>) {
    this.#plan = plan
    this.#window = window
    this.#first = new Map(first)
  }

  /** Travels with the next batch that has rows. */
  keepFloor(floor: string): void {
    this.#first.set(FLOOR, floor)
  }

  settled(rows: readonly TableRow[]): SourceBatch {
    return this.#batch(rows, this.#moved(rows))
  }

  /**
   * Where late rows alone went out: a row that lies in the future holds the watermark, and nothing is behind it. The floor
   * moves all the same, or the window would grow for ever.
   */
  rest(): SourceBatch | null {
    if (!this.#sentAgain || this.reached !== null) return null
    return this.#batch([], this.#stale())
  }

  /** Rows that were read before: those that went out as they are do not come again. */
  *again(rows: readonly TableRow[]): Generator<SourceBatch> {
    const marked = rows.map((row) => ({ row, mark: markRow(keyOf(this.#plan, row), row) }))
    const fresh = marked.filter(({ mark }) => !this.#window.wasSent(mark))
    if (fresh.length === 0) return
    this.#sentAgain = true
    yield this.#batch(
      fresh.map(({ row }) => row),
      this.#marks(fresh.map(({ mark }) => mark)),
    )
  }

  /** Rows that nothing was sent of. They are marked where they will be read again. */
  recent(rows: readonly TableRow[], isReadAgain: boolean): SourceBatch {
    const marks = isReadAgain ? this.#marks(rows.map((row) => markRow(keyOf(this.#plan, row), row))) : []
    return this.#batch(rows, [...this.#moved(rows), ...marks, ...this.#stale()])
  }

  #moved(rows: readonly TableRow[]): [string, string][] {
    const last = rows.at(-1)!
    const key = keyOf(this.#plan, last)
    const value = String(last[this.#plan.watermarkAt!])
    this.reached = [value, ...key]
    return [[WATERMARK_ENTRY, formatWatermark({ value, key })]]
  }

  #marks(marks: readonly RowMark[]): [string, string][] {
    return [[this.#window.nextEntry(), packMarks(marks)]]
  }

  #stale(): [string, null][] {
    return this.#window.takeStale().map((entry) => [entry, null])
  }

  #batch(rows: readonly TableRow[], progress: readonly (readonly [string, string | null])[]): SourceBatch {
    const first = this.#first
    this.#first = new Map()
    return {
      ...emptyBatch(this.#plan),
      rows: rows.map((row): SourceRow => toSourceRow(this.#plan, row, 'r')),
      progress: new Map([...first, ...progress]),
    }
  }
}

const DEFAULT_OVERLAP_MS: Readonly<Record<TableColumn['order'], number>> = {
  instant: 60_000,
  day: 86_400_000,
  other: 0,
}

function overlapOf({ source, watermark }: ColumnPlan, { overlapMs }: DatabaseOptions): number {
  const { order, travels, type } = watermark!
  if (overlapMs === null) return DEFAULT_OVERLAP_MS[order]
  const key = `sources.${source}.overlap`
  if (order === 'other' && overlapMs > 0) {
    throw new SluiceError('SETTINGS_INVALID', `${key} needs a time, and column ${travels} is ${type}`, {
      where: { key },
    })
  }
  // A day has no parts: less than one would leave out what its rows are joined by later.
  return order === 'day' && overlapMs > 0 ? Math.ceil(overlapMs / 86_400_000) * 86_400_000 : overlapMs
}

interface Reading {
  readonly overlapMs: number
  readonly reached: Watermark | null
}

function sightNotes(
  { table, watermark, key }: ColumnPlan,
  sight: TableSight,
  { overlapMs, reached }: Reading,
): string[] {
  const notes: string[] = []
  const column = watermark!.travels
  if (sight.nulls > 0n) {
    const names = [watermark!, ...key].filter(({ nullable }) => nullable).map(({ travels }) => travels)
    const rows = sight.nulls === 1n ? '1 row' : `${sight.nulls} rows`
    notes.push(`${rows} of ${table} with a null in ${names.join(' or ')} cannot be read by watermark and stay behind`)
  }
  if (sight.isAhead && reached !== null) {
    const seen =
      overlapMs === 0
        ? 'rows before it are not read'
        : `rows are read again from ${formatDuration(overlapMs)} before now`
    const now = new Date(sight.nowMs).toISOString()
    notes.push(
      `the watermark ${column} of ${table} stands at ${reached.value}, later than its clock (${now}): the clock went back, or a row lies in the future; ${seen}`,
    )
  }
  return notes
}
