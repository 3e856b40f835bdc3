import { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { EngineInput } from '../../ports/model-engine.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { LONG_TABLE_ROWS, changedInput, rowsOf } from './changed-rows.ts'
import type { StagedModel } from '../commit-model.ts'
import type { ModelNode } from '../graph.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { filePaths, filesInput, sameFields, wholeInput } from '../model-inputs.ts'
import type { OpenInput, RangeFiles } from '../model-inputs.ts'
import { scopeOf } from '../plan.ts'
import type { Scope } from '../plan.ts'
import { calendarSource, describeModel, stageRows } from './stage-model.ts'
import type { Description, StageWorld } from './stage-model.ts'
import { heldTables } from './held-tables.ts'
import { incrementSql } from './increment-sql.ts'
import {
  TARGET_VIEW,
  WHOLE_TARGET_VIEW,
  addedView,
  compareAllSql,
  inputView,
  rebuildSql,
  removedView,
  textsOf,
} from './stage-sql.ts'
import type { StageFacts, StageSql } from './stage-sql.ts'
import { mainFiles, targetFiles, unknownFactFiles } from './touched-files.ts'
import { unknownFiles } from '../unknown-member.ts'

/** What one attempt works on: everything pinned to a version. */
export interface Bearings {
  readonly world: StageWorld
  readonly node: ModelNode
  readonly emit: (happening: Happening) => void
  readonly inputs: readonly OpenInput[]
  readonly store: ObjectStore
  readonly target: Snapshot | null
  /** Some other model of this build reads the table: what changes in it is kept row by row. */
  readonly isReadNext: boolean
}

/** What is to be done about a model. */
export type Work =
  | { readonly mode: 'rebuild'; readonly reason: string }
  | { readonly mode: 'nothing'; readonly reason: string }
  | { readonly mode: 'increment'; readonly reason: string; readonly ranges: readonly RangeFiles[] }

/** Null where nothing is to be committed: only dimensions changed, and no fact's member with them. */
export async function stageWork(at: Bearings, work: Exclude<Work, { mode: 'nothing' }>): Promise<StagedModel | null> {
  const { world, node, inputs, target } = at
  checkPartitions(at)
  const described = await describeModel(world, node, inputs)
  if (work.mode === 'rebuild' || target === null) return stageRebuild(at, described, work.reason)
  if (!sameFields(described.shape.stored, target.metadata.fields)) {
    return stageRebuild(at, described, 'the columns of the result changed')
  }
  const main = node.sql?.main ?? null
  const mainRange = work.ranges.find(({ input }) => main !== null && input.name === formatTableName(main))
  const changed = work.ranges.map(({ input }) => input.table)
  const scope = scopeOf({
    kind: node.model.kind,
    main,
    isRowwise: described.isRowwise,
    isChanges: described.shape.isChanges,
    dimensions: node.lookups.map((lookup) => lookup.dimension),
    lookedUp: node.model.rowLookups.map((lookup) => lookup.table),
    changed,
    mainOnlyAdded: mainRange !== undefined && mainRange.removed.length === 0,
    named: node.sql?.inputs ?? [],
  })
  const views = await changeViews(scope, work.ranges)
  if (views === null) return stageRebuild(at, described, 'files that came or went were vacuumed')
  return stageIncrement({
    at,
    described,
    target,
    reason: work.reason,
    scope,
    views,
    ranges: work.ranges,
    mainChanged: mainRange !== undefined,
  })
}

async function changeViews(scope: Scope, ranges: readonly RangeFiles[]): Promise<readonly EngineInput[] | null> {
  if (scope === 'all') return []
  const views: EngineInput[] = []
  for (const { input, added, removed, rows } of ranges) {
    if (rows !== null) {
      const { fields } = input.snapshot.metadata
      views.push(changedInput(addedView(input.table), fields, rows.added))
      views.push(changedInput(removedView(input.table), fields, rows.removed))
      continue
    }
    for (const view of [
      await filesInput(addedView(input.table), input, added),
      await filesInput(removedView(input.table), input, removed),
    ]) {
      if (view === null) return null
      views.push(view)
    }
  }
  return views
}

async function stageRebuild(at: Bearings, described: Description, reason: string): Promise<StagedModel> {
  const { world, node, inputs, target, store } = at
  const hasUnknown =
    target !== null && (await unknownFiles(world, { store, snapshot: target }, node.model.surrogateKey)).length > 0
  const facts: StageFacts = { node, ...described, held: heldOf(at), hasUnknown }
  const calendar = await calendarOf(at)
  const sql: StageSql =
    calendar === null
      ? rebuildSql(facts)
      : { steps: [], output: `select * from ${calendar} days`, probes: new Map(), changes: null }
  const staged = await stageRows(world, {
    node,
    sql,
    inputs: await wholeInputs(inputs),
    fields: described.shape.stored,
    partitionBy: node.model.partitionBy,
  })
  refuseRepeated(node, staged.count('repeated'))
  warnLeftOut(at, { keyless: staged.count('keyless'), timeless: staged.count('timeless') })
  warnNone(at, (index) => staged.count(`none_${index}`))
  return {
    node,
    mode: 'rebuild',
    reason,
    fields: described.shape.stored,
    target,
    files: staged.result.files,
    rows: staged.result.rows,
    removes: target === null ? [] : [...target.files.values()],
    isSame: false,
    changes: null,
    needsUnknown: node.lookups.map((_, index) => staged.count(`unknown_${index}`) > 0),
  }
}

interface IncrementRequest {
  readonly at: Bearings
  readonly described: Description
  readonly target: Snapshot
  readonly reason: string
  readonly scope: Scope
  readonly views: readonly EngineInput[]
  readonly ranges: readonly RangeFiles[]
  readonly mainChanged: boolean
}

async function stageIncrement(increment: IncrementRequest): Promise<StagedModel | null> {
  const { at, described, target, reason, scope, views, ranges, mainChanged } = increment
  const { world, node } = at
  const facts: StageFacts = { node, ...described, held: heldOf(at), hasUnknown: false }
  const calendar = await calendarOf(at)
  const tables = ranges.map(({ input }) => input.table)
  const sql = calendar === null ? incrementSql(facts, { scope, tables }) : compareAllSql(facts, calendar)
  const staged = await stageRows(world, {
    node,
    sql,
    inputs: [...(await neededInputs(increment, sql)), ...views],
    keepsChanges: at.isReadNext || (rowsOf(target.files.values()) ?? 0) >= LONG_TABLE_ROWS,
    fields: target.metadata.fields,
    partitionBy: target.metadata.partitionColumns,
  })
  refuseRepeated(node, staged.count('repeated'))
  warnNone(at, (index) => staged.count(`none_${index}`))
  const isSame = staged.count('changed') === 0
  const needsUnknown = node.lookups.map((_, index) => staged.count(`unknown_${index}`) > 0)
  // else the unknown member, which facts give and take, would be news to them
  const isNoNews = isSame && !mainChanged && scope !== 'all' && staged.count('touched') === 0
  if (isNoNews && !(await lacksMember(at, needsUnknown))) return null
  const isWhole = node.model.kind === 'full' || node.model.kind === 'calendar'
  const replaced = isWhole
    ? [...target.files.values()]
    : filePaths(staged.rows('files')).map((path) => {
        const file = target.files.get(path)
        if (file === undefined) throw new SluiceError('BUG', `the engine named a file that ${node.name} does not have`)
        return file
      })
  return {
    node,
    mode: 'increment',
    reason,
    fields: target.metadata.fields,
    target,
    files: isSame ? [] : staged.result.files,
    rows: isSame ? 0 : staged.result.rows,
    removes: isSame ? [] : replaced,
    isSame,
    changes: staged.changes,
    needsUnknown,
  }
}

/** Of what the SQL reads, the files that may matter: others are neither opened nor fetched. */
async function neededInputs(increment: IncrementRequest, sql: StageSql): Promise<readonly EngineInput[]> {
  const { at, described, target, scope, ranges } = increment
  const { node, inputs, store } = at
  const facts = { node, plain: described.plain, scope, ranges }
  const main = node.sql?.main ?? null
  const own = { store, snapshot: target }
  const wanted = [
    ...inputs.map((input) => {
      const isMain = main !== null && input.name === formatTableName(main)
      const { store: at, snapshot } = input
      const files = isMain ? mainFiles(facts, input) : snapshot.files.values()
      return { name: inputView(input.table), store: at, snapshot, files }
    }),
    { name: TARGET_VIEW, ...own, files: targetFiles(facts, target) },
    { name: WHOLE_TARGET_VIEW, ...own, files: unknownFactFiles(facts, target) },
  ]
  const texts = textsOf(sql)
  return Promise.all(
    wanted.flatMap(({ name, store: at, snapshot, files }) =>
      texts.some((text) => text.includes(name)) ? [engineInput({ name, store: at, snapshot, files })] : [],
    ),
  )
}

/** A dimension that was restored to before its unknown member does not have what facts are still on. */
async function lacksMember({ world, node, inputs }: Bearings, needsUnknown: readonly boolean[]): Promise<boolean> {
  for (const [index, { dimension, surrogateKey }] of node.lookups.entries()) {
    const input = inputs.find(({ name }) => name === formatTableName(dimension))
    if (needsUnknown[index] !== true || input === undefined) continue
    if ((await unknownFiles(world, input, surrogateKey)).length === 0) return true
  }
  return false
}

async function calendarOf({ world, node, inputs }: Bearings): Promise<string | null> {
  const { over } = node.model
  if (over === null) return null
  const input = inputs.find(({ name }) => name === formatTableName(over.table))
  if (input === undefined) throw new SluiceError('BUG', `the input of calendar ${node.name} is not open`)
  return calendarSource(world, node, input)
}

function heldOf({ world, node, inputs }: Bearings): ReadonlySet<string> {
  const bytes = inputs.map(({ name, snapshot }): [string, number] => {
    let sum = 0
    for (const file of snapshot.files.values()) sum += file.bytes
    return [name, sum]
  })
  const { broadcastThresholdBytes } = world.settings.performance
  return heldTables(node, { bytes: new Map(bytes), thresholdBytes: broadcastThresholdBytes })
}

function wholeInputs(inputs: readonly OpenInput[]): Promise<readonly EngineInput[]> {
  return Promise.all(inputs.map((input) => wholeInput(inputView(input.table), input)))
}

function checkPartitions({ node: { name, model }, target }: Bearings): void {
  if (target === null || target.metadata.partitionColumns.join() === model.partitionBy.join()) return
  throw new SluiceError(
    'MODEL_INVALID',
    `${name} is partitioned by (${target.metadata.partitionColumns.join(', ')}), and a table keeps its partitions; partition_by says (${model.partitionBy.join(', ')})`,
    {
      where: { file: model.yamlFile, model: name, key: 'partition_by' },
      hint: 'Put partition_by back, or build under another name.',
    },
  )
}

function refuseRepeated(node: ModelNode, repeated: number): void {
  if (repeated === 0) return
  const key = node.model.key.join(', ')
  throw new SluiceError(
    'MODEL_INVALID',
    `${node.name}: ${repeated} keys (${key}) have more than one row, and nothing says which to take`,
    {
      where: { file: node.model.sqlFile, model: node.name, key: 'key' },
      hint: 'Make the key whole, or name sequence_by and tie_break.',
    },
  )
}

function warnNone({ node, emit }: Bearings, count: (index: number) => number): void {
  for (const [index, { table, at }] of node.model.rowLookups.entries()) {
    const rows = count(index)
    if (rows === 0) continue
    emit({
      type: 'warning',
      message: `${node.name}: ${rows} of the rows worked out found no row in ${formatTableName(table)}${at === null ? '' : ` at or before their ${at.own}`}`,
      where: { model: node.name, file: node.model.yamlFile },
    })
  }
}

function warnLeftOut({ node, emit }: Bearings, count: { readonly keyless: number; readonly timeless: number }): void {
  const where = { model: node.name, file: node.model.sqlFile }
  if (count.keyless > 0) {
    emit({ type: 'warning', message: `${node.name} left out ${count.keyless} rows without a whole key`, where })
  }
  if (count.timeless > 0) {
    emit({ type: 'warning', message: `${node.name} left out ${count.timeless} changes without a time`, where })
  }
}
