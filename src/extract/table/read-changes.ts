import {
  CHANGES_ENTRY,
  formatChangeProgress,
  readChangeProgress,
  type ChangeProgress,
} from '../../domain/change-progress.ts'
import type { DatabaseOptions } from '../../domain/database-source.ts'
import { SluiceError } from '../../domain/errors.ts'
import { foldChanges, type KeyChange, type RowChange } from '../../domain/fold-changes.ts'
import type { ChangeFeed, StagedChange, Taking } from '../../ports/change-feed.ts'
import type { SourceBatch, SourceRefusal, SourceRow } from '../../ports/source-connector.ts'
import type { RowsOptions, TableRow, TableSource } from '../../ports/table-source.ts'
import { columnNotes } from './column-notes.ts'
import type { Patience } from './patience.ts'
import { emptyBatch, keyOf, toDeletedRow, toSourceRow, type ColumnPlan } from './plan-columns.ts'
import { ALL_ROWS, type TableRows } from './table-rows.ts'

export interface ReadChangesRequest {
  readonly plan: ColumnPlan
  readonly options: DatabaseOptions
  readonly feed: ChangeFeed
  readonly look: TableSource['look']
  /** Of the table as it stood when the feed began, or was last taken from. */
  readonly startRows: TableRows
  readonly patient: Patience
  readonly signal: AbortSignal | undefined
  /** Entries of the source's state. */
  readonly from: ReadonlyMap<string, string>
}

/**
 * First all rows as they stood, then what changed since: a taking that an earlier pass began is read to its end, and one
 * more is taken.
 *
 * Guarantees: each change comes once, wherever a process dies: nothing is taken before the start was read, and a taking is
 * dropped only by a pass whose state says that all of it is in the log.
 * Non-guarantee: states between two takings.
 */
export async function* readChanges(request: ReadChangesRequest): AsyncGenerator<SourceBatch> {
  const { plan, feed, patient, from } = request
  const { source, table } = plan
  const columns = columnNotes(plan, from)
  if (columns.notes.length > 0) yield { ...emptyBatch(plan), notes: columns.notes }
  const progress = readChangeProgress(source, from)
  const last = await patient.ask(() => feed.open())
  const reading = new Reading(request, columns.progress)
  if (progress === null || progress.kind === 'start') {
    const taken = progress?.taken ?? last.number
    if (taken !== last.number) throw taken > last.number ? takingsGone(source, table) : takenMeanwhile(source, table)
    await patient.ask(() => feed.drop(taken, null))
    yield* startNotes(request)
    yield* reading.start(taken, progress?.after ?? null)
    yield* takeNext(reading, request, last)
    return
  }
  const { taken, read } = progress
  if (last.number < taken) throw takingsGone(source, table)
  if (last.number > taken + (read === null ? 1 : 0)) throw takenMeanwhile(source, table)
  await patient.ask(() => feed.drop(read === null ? taken : taken - 1, null))
  if (read !== null) {
    await patient.ask(() => feed.drop(taken, last))
    yield* reading.taking(last, read)
    yield* takeNext(reading, request, last)
  } else if (last.number === taken + 1) {
    // It was taken, and nothing of it came into the log.
    await patient.ask(() => feed.drop(last.number, last))
    yield* reading.taking(last, 0)
    yield* takeNext(reading, request, last)
  } else yield* takeNext(reading, request, last)
}

/** Rows without a key are no part of any page. */
async function* startNotes({ plan, look }: ReadChangesRequest): AsyncGenerator<SourceBatch> {
  const notNull = plan.key.filter(({ nullable }) => nullable).map(({ name }) => name)
  if (notNull.length === 0) return
  const { nulls } = await look({ watermark: null, notNull, overlapMs: 0, reached: null, floor: null })
  if (nulls > 0n)
    yield { ...emptyBatch(plan), notes: [`${nulls} rows of ${plan.table} with a null in their key are not read`] }
}

async function* takeNext(
  reading: Reading,
  { feed, patient, signal }: ReadChangesRequest,
  last: Taking,
): AsyncGenerator<SourceBatch> {
  if (signal?.aborted === true) return
  const next = await patient.ask(() => feed.take(last.number + 1))
  if (next !== null) yield* reading.taking(next, 0)
}

class Reading {
  readonly #request: ReadChangesRequest
  /** What travels with the first batch. */
  #first: ReadonlyMap<string, string | null>

  constructor(request: ReadChangesRequest, first: ReadonlyMap<string, string | null>) {
    this.#request = request
    this.#first = first
  }

  /** A list is held back until it is known whether it is the last, whose progress says that the start is done. */
  async *start(taken: number, after: readonly string[] | null): AsyncGenerator<SourceBatch> {
    const { plan, options, startRows, signal } = this.#request
    let held: readonly TableRow[] = []
    for await (const rows of startRows({ ...ALL_ROWS, after: after === null ? [] : [after] }, options.batchRows)) {
      if (held.length > 0) yield this.#startBatch(held, { kind: 'start', taken, after: keyOf(plan, held.at(-1)!) })
      held = rows
    }
    if (signal?.aborted === true) {
      // What follows it was not read.
      if (held.length > 0) yield this.#startBatch(held, { kind: 'start', taken, after: keyOf(plan, held.at(-1)!) })
      return
    }
    yield this.#startBatch(held, { kind: 'taking', taken, read: null })
  }

  async *taking(taking: Taking, after: number): AsyncGenerator<SourceBatch> {
    const { plan, feed, patient, options, signal } = this.#request
    const request = { columns: plan.columns.map(({ name }) => name), key: plan.key.map(({ name }) => name) }
    const streaming: RowsOptions = { batchRows: options.batchRows, signal }
    let read = after
    let held: readonly KeyChange<TableRow>[] = []
    let rest: readonly RowChange<TableRow>[] = []
    for (;;) {
      try {
        for await (const changes of feed.changes(taking, { ...request, after: read }, streaming)) {
          patient.served()
          const folded = foldChanges([...rest, ...changes.map((change) => this.#keyed(change))], false)
          ;({ rest } = folded)
          if (folded.changes.length === 0) continue
          if (held.length > 0) yield this.#changeBatch(taking, held, read)
          held = folded.changes
          read = folded.upTo
        }
        break
      } catch (error) {
        await patient.wait(error)
        // Read again behind the last key that was whole.
        rest = []
      }
    }
    if (signal?.aborted === true) {
      if (held.length > 0) yield this.#changeBatch(taking, held, read)
      return
    }
    const { changes } = foldChanges(rest, true)
    yield this.#changeBatch(taking, [...held, ...changes], null)
  }

  #keyed({ seq, action, row }: StagedChange): RowChange<TableRow> {
    const { plan } = this.#request
    const isNull = plan.keyAt.some((at) => row[at] === null)
    return { seq, action, row, key: isNull ? null : JSON.stringify(keyOf(plan, row)) }
  }

  #startBatch(rows: readonly TableRow[], progress: ChangeProgress): SourceBatch {
    const { plan } = this.#request
    return { ...this.#batch(progress), rows: rows.map((row) => toSourceRow(plan, row, 'r')) }
  }

  #changeBatch(taking: Taking, changes: readonly KeyChange<TableRow>[], read: number | null): SourceBatch {
    const { plan } = this.#request
    const rows: SourceRow[] = []
    const refused: SourceRefusal[] = []
    for (const { op, row } of changes) {
      if (op === 'refused') refused.push(refusalOf(plan, row))
      else if (op === 'd') rows.push(toDeletedRow(plan, keyOf(plan, row), taking.takenAtMs))
      else rows.push(toSourceRow(plan, row, op))
    }
    return { ...this.#batch({ kind: 'taking', taken: taking.number, read }), rows, refused }
  }

  #batch(progress: ChangeProgress): SourceBatch {
    const first = this.#first
    this.#first = new Map()
    const entries = new Map([...first, [CHANGES_ENTRY, formatChangeProgress(progress)]])
    return { ...emptyBatch(this.#request.plan), progress: entries }
  }
}

/** A feed gives a change once, so one that no record can be made of is kept. */
function refusalOf(plan: ColumnPlan, row: TableRow): SourceRefusal {
  const values = plan.travels.map((name, at) => {
    const value = row[at] ?? null
    return [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value]
  })
  const raw = Buffer.from(JSON.stringify(Object.fromEntries(values)))
  return { at: JSON.stringify(plan.keyAt.map((at) => row[at])), message: 'a part of its key is null', raw }
}

function takenMeanwhile(source: string, table: string): SluiceError {
  return new SluiceError('SOURCE_UNAVAILABLE', `source ${source}: another process reads the changes of ${table} on`, {
    where: { source },
    hint: 'One source reads a feed of changes, in one process at a time; the next pass goes on from where it stands.',
  })
}

function takingsGone(source: string, table: string): SluiceError {
  return new SluiceError(
    'SOURCE_UNREADABLE',
    `source ${source}: the changes of ${table} that it had taken, and its mark of them, are gone`,
    {
      where: { source },
      hint: `Restore them, or read the table anew: \`sluice checkpoint reset --source ${source}\`.`,
    },
  )
}
