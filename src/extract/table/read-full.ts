import { planKeyChanges, type KeyedRow } from '../../domain/key-changes.ts'
import { markRow } from '../../domain/overlap-window.ts'
import type { SourceBatch, SourceRow } from '../../ports/source-connector.ts'
import type { TableRow } from '../../ports/table-source.ts'
import { columnNotes } from './column-notes.ts'
import { changeSegments, readSegments, type KeySegment } from './key-segments.ts'
import { emptyBatch, keyOf, toDeletedRow, toSourceRow, type ColumnPlan } from './plan-columns.ts'
import type { ReadTableRequest } from './read-incremental.ts'
import { ALL_ROWS, type TableRows } from './table-rows.ts'

/** A range of keys with more rows than twice this is cut. Bounds an entry of the source's state. */
const MAX_SEGMENT_ROWS = 4_000

/**
 * All rows of the table by key, range by range: those that differ from what was sent go out as created or updated, and
 * keys that are gone as deletes. Each batch leaves a state from which a restart goes on; a pass over a table that did
 * not change yields nothing.
 */
export async function* readFull({ plan, options, look, rows, from }: ReadTableRequest): AsyncGenerator<SourceBatch> {
  const sight = await look({
    watermark: null,
    notNull: plan.key.filter(({ nullable }) => nullable).map(({ name }) => name),
    overlapMs: 0,
    reached: null,
    floor: null,
  })
  const columns = columnNotes(plan, from)
  const nulls = sight.nulls === 0n ? [] : [`${sight.nulls} rows of ${plan.table} with a null in their key are not read`]
  const notes = [...nulls, ...columns.notes]
  if (notes.length > 0) yield { ...emptyBatch(plan), notes }
  const segmentRows = Math.min(options.batchRows, MAX_SEGMENT_ROWS)
  let chain = readSegments(plan.source, from)
  let first = columns.progress
  let next = Math.max(0, ...chain.map(({ id }) => id)) + 1
  let after: readonly (readonly string[])[] = []
  // The chain is cut as it is walked: the place in it counts, not the length that it began with.
  for (let at = 0; at < chain.length; at += 1) {
    const { upTo } = chain[at]!
    for await (const chunk of chunksOf(rows({ ...ALL_ROWS, after, upTo }, segmentRows))) {
      const segment = chain[at]!
      const { batch, marks, left } = compare(plan, segment, chunk, sight.nowMs)
      const cut = chunk.isLast
        ? [{ ...segment, marks }]
        : [
            { id: next++, upTo: keyOf(plan, chunk.rows.at(-1)!), marks },
            { ...segment, marks: left },
          ]
      if (batch.length === 0 && chunk.isLast) continue
      // A range without keys is the next one's; the last stays, for it has no bound.
      const isEmpty = chunk.isLast && marks.size === 0 && segment.upTo !== null
      const replaced = isEmpty ? [] : cut
      const changed = [...chain.slice(0, at), ...replaced, ...chain.slice(at + 1)]
      yield { ...emptyBatch(plan), rows: batch, progress: new Map([...first, ...changeSegments(chain, changed)]) }
      first = new Map()
      chain = changed
      at += replaced.length - 1
    }
    after = upTo === null ? after : [upTo]
  }
}

interface Chunk {
  readonly rows: readonly TableRow[]
  readonly isLast: boolean
}

/** Two lists are one chunk where no third follows; so a range that grew by a row is not cut for it. */
async function* chunksOf(lists: ReturnType<TableRows>): AsyncGenerator<Chunk> {
  let held: (readonly TableRow[])[] = []
  for await (const list of lists) {
    held = [...held, list]
    if (held.length < 3) continue
    yield { rows: held[0]!, isLast: false }
    held = held.slice(1)
  }
  yield { rows: held.flat(), isLast: true }
}

interface Compared {
  readonly batch: readonly SourceRow[]
  /** Of the rows of the chunk. */
  readonly marks: ReadonlyMap<string, string>
  /** Known keys of the range that the chunk has not: where more of it follows they may stand there. */
  readonly left: ReadonlyMap<string, string>
}

function compare(plan: ColumnPlan, segment: KeySegment, { rows, isLast }: Chunk, nowMs: number): Compared {
  const now = rows.map((row): KeyedRow<TableRow> => {
    const key = keyOf(plan, row)
    return { key: JSON.stringify(key), mark: Buffer.from(markRow(key, row).row, 'latin1').toString('base64'), row }
  })
  const { changed, deleted } = planKeyChanges(segment.marks, now)
  const gone = isLast ? deleted.map((key) => toDeletedRow(plan, JSON.parse(key) as string[], nowMs)) : []
  return {
    batch: [...changed.map(({ op, row: { row } }) => toSourceRow(plan, row, op)), ...gone],
    marks: new Map(now.map(({ key, mark }) => [key, mark])),
    left: new Map(deleted.map((key) => [key, segment.marks.get(key)!])),
  }
}
