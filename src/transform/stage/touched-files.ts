import type { ColumnField } from '../../domain/column-batch.ts'
import { pruneFiles } from '../../lake/files/prune.ts'
import type { ColumnRange } from '../../lake/files/prune.ts'
import type { AddFile, Snapshot } from '../../lake/snapshot.ts'
import type { ModelNode } from '../graph.ts'
import type { OpenInput, RangeFiles } from '../model-inputs.ts'
import type { Scope } from '../plan.ts'
import { UNKNOWN_MEMBER } from '../rows/surrogate-key.ts'
import { same } from './stage-sql.ts'

/**
 * Which files an increment need open at all, told by what the log states of the files that came and went and of those
 * that are there: a file whose keys (by statistics or partition) lie outside all that changed is never opened or
 * fetched. Only what is certain is left out. Pure.
 */

export interface TouchFacts {
  readonly node: ModelNode
  /** See `StageFacts.plain`. */
  readonly plain: ReadonlyMap<string, string>
  readonly scope: Scope
  readonly ranges: readonly RangeFiles[]
}

/** Rows that lie within all of these. */
type Box = readonly ColumnRange[]

/** The target's files that may hold a row which the increment works out again. */
export function targetFiles(facts: TouchFacts, target: Snapshot): Iterable<AddFile> {
  const boxes = targetBoxes(facts, target)
  return boxes === null ? target.files.values() : within(target, boxes)
}

/** The target's files that may hold a fact on the unknown member. */
export function unknownFactFiles({ node }: Pick<TouchFacts, 'node'>, target: Snapshot): Iterable<AddFile> {
  return within(
    target,
    node.lookups.map(({ as }) => [{ column: as, min: UNKNOWN_MEMBER, max: UNKNOWN_MEMBER }]),
  )
}

/** The main input's files that may hold a row of a key that its own changes touch, where nothing else is read of it. */
export function mainFiles(facts: TouchFacts, main: OpenInput): Iterable<AddFile> {
  const { node, plain, scope, ranges } = facts
  const all = main.snapshot.files.values()
  const looked = [...node.lookups.map(({ dimension }) => dimension), ...node.model.rowLookups.map(({ table }) => table)]
  const isAlone = ranges.every(({ input }) => same(input.table, main.table))
  if (scope !== 'keys' || !isAlone || looked.some((table) => same(table, main.table))) return all
  const { fields } = main.snapshot.metadata
  const columns = node.model.key.map((column) => fieldOf(fields, plain.get(column)))
  if (columns.includes(undefined)) return all
  const pairs = columns.map((field): Pair => ({ own: field!, other: field! }))
  return within(
    main.snapshot,
    ranges.flatMap((range) => boxesOf(range, { pairs, since: null })),
  )
}

/** Null where some row may be touched wherever it lies. */
function targetBoxes({ node, plain, scope, ranges }: TouchFacts, target: Snapshot): readonly Box[] | null {
  if (scope === 'all' || node.model.kind === 'full' || node.model.kind === 'calendar') return null
  const { fields } = target.metadata
  const main = node.sql?.main ?? null
  const boxes: Box[] = []
  for (const range of ranges) {
    const { table, snapshot } = range.input
    const theirs = snapshot.metadata.fields
    // A fact of a moved member is found by rows of the main input, which may name another member than the table does.
    if (node.lookups.some(({ dimension }) => same(dimension, table))) return null
    if (main !== null && same(table, main)) {
      const pairs = node.model.key.flatMap((column) =>
        pairOf(fieldOf(fields, column), fieldOf(theirs, plain.get(column))),
      )
      boxes.push(...boxesOf(range, { pairs, since: null }))
    }
    for (const { on, at } of node.model.rowLookups.filter((lookup) => same(lookup.table, table))) {
      const pairs = on.flatMap(({ own, other }) => pairOf(fieldOf(fields, own), fieldOf(theirs, other)))
      const [since = null] = at === null ? [] : pairOf(fieldOf(fields, at.own), fieldOf(theirs, at.other))
      boxes.push(...boxesOf(range, { pairs, since }))
    }
  }
  return boxes
}

/** A column, and the one of the changed table whose values it has. */
interface Pair {
  readonly own: ColumnField
  readonly other: ColumnField
}

function fieldOf(fields: readonly ColumnField[], name: string | undefined): ColumnField | undefined {
  return fields.find((field) => field.name.toLowerCase() === name?.toLowerCase())
}

/** None where their values cannot be held against each other. */
function pairOf(own: ColumnField | undefined, other: ColumnField | undefined): readonly Pair[] {
  if (own === undefined || other === undefined) return []
  const isAlike = JSON.stringify(own.type) === JSON.stringify(other.type)
  return isAlike && BOUNDED.has(own.type.kind) ? [{ own, other }] : []
}

/** Not floating numbers: statistics leave NaN out, which is a value like any other here. */
const BOUNDED: ReadonlySet<string> = new Set(['int32', 'int64', 'decimal', 'string', 'date', 'timestamp', 'boolean'])

interface Bounded {
  readonly pairs: readonly Pair[]
  /** Rows from this column's least value on. */
  readonly since: Pair | null
}

/** One for each file that came or went. */
function boxesOf({ input, added, removed }: RangeFiles, { pairs, since }: Bounded): Box[] {
  const { partitionColumns } = input.snapshot.metadata
  return [...added, ...removed].map((file) => {
    const box = pairs.map((pair) => rangeOf(file, partitionColumns, pair))
    if (since === null) return box
    const { max: _max, ...from } = rangeOf(file, partitionColumns, since)
    return [...box, from]
  })
}

function rangeOf(file: AddFile, partitionColumns: readonly string[], { own, other }: Pair): ColumnRange {
  const column = own.name
  if (partitionColumns.includes(other.name)) {
    const value = file.partitionValues[other.name] ?? null
    return value === null ? { column } : { column, min: value, max: value }
  }
  const { stats } = file
  const min = stats?.min[other.name]
  // Statistics state a time in milliseconds, and some writers cut the rest off.
  const max = own.type.kind === 'timestamp' ? undefined : stats?.max[other.name]
  return { column, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
}

function within({ files, metadata }: Snapshot, boxes: readonly Box[]): readonly AddFile[] {
  const { fields, partitionColumns } = metadata
  return [...files.values()].filter((file) =>
    boxes.some((box) => pruneFiles([file], { fields, partitionColumns }, box).length > 0),
  )
}
