import { portablePattern } from '../../contract/rules/portable-pattern.ts'
import type { ColumnField } from '../../domain/column-batch.ts'
import type { Expectation } from '../../domain/expectation.ts'
import { formatTableName, parseTableName } from '../../domain/identifier.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { EngineInput } from '../../ports/model-engine.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { BornAt, JudgedTable, ParentTable } from '../../quality/judged-table.ts'
import type { StagedModel } from '../../transform/build.ts'
import type { ModelNode } from '../../transform/graph.ts'
import { keepsDeleted, tableStore, wholeInput, type OpenInput } from '../../transform/model-inputs.ts'
import { inputView, selectSql } from '../../transform/stage/stage-sql.ts'

/** What an engine is asked a suite of: the views, and what they stand for. */
export interface JudgedViews {
  readonly table: JudgedTable
  readonly inputs: readonly EngineInput[]
}

export const JUDGED_VIEW = 'sluice_judged'

/** The table as it would be after the commit: staged files, and those of the target that stay. */
export async function stagedInput(
  name: string,
  store: ObjectStore,
  { target, files, fields, removes, node }: StagedModel,
): Promise<EngineInput> {
  const gone = new Set(removes.map(({ path }) => path))
  const kept = [...(target?.files.values() ?? [])].filter(({ path }) => !gone.has(path))
  const base = target === null ? null : await engineInput({ name, store, snapshot: target, fields, files: kept })
  return {
    name,
    fields,
    partitionColumns: target?.metadata.partitionColumns ?? node.model.partitionBy,
    files: [
      ...(base?.files ?? []),
      ...files.map(({ localFile, partitionValues }, at) => ({ path: `staged/${at}`, localFile, partitionValues })),
    ],
  }
}

export interface ViewRequest {
  readonly lake: ObjectStore
  readonly staged: StagedModel
  /** What the staged result was made from: a parent among them is read as it was then. */
  readonly inputs: readonly OpenInput[]
  readonly expectations: readonly Expectation[]
  readonly nowMs: number
}

export async function openStagedViews(request: ViewRequest): Promise<JudgedViews> {
  const { lake, staged, inputs, expectations, nowMs } = request
  const { node, fields } = staged
  const own = await stagedInput(JUDGED_VIEW, tableStore(lake, node.model), staged)
  const views = new Map<string, EngineInput>()
  const parents = await openParents({ lake, expectations, inputs, self: { name: node.name, fields }, views })
  const deletions = node.model.kind === 'scd2' ? deletionsSql(node, inputs) : null
  const born = expectations.some(({ kwargs }) => typeof kwargs['parent'] === 'string')
    ? bornAt(fields, node, inputs)
    : { at: null, reads: null }
  for (const input of inputs) {
    if (deletions === null && input !== born.reads) continue
    const view = inputView(input.table)
    views.set(view, await wholeInput(view, input))
  }
  const table: JudgedTable = {
    name: node.model,
    view: visibleRows(JUDGED_VIEW, fields),
    fields,
    key: node.model.key,
    bornAt: born.at,
    nowMs,
    parent: (name) => parents.get(name) ?? null,
    deletions,
    pattern: enginePattern,
  }
  return { table, inputs: [own, ...views.values()] }
}

/** A deleted key is kept as a row of nulls, which readers never see. */
export function visibleRows(view: string, fields: readonly ColumnField[]): string {
  const keepsDeleted = fields.some(({ name }) => name === '_deleted')
  return keepsDeleted ? `(select * from ${view} where not coalesce(_deleted, false))` : view
}

export function enginePattern(text: string): ReturnType<JudgedTable['pattern']> {
  return portablePattern(text, { subject: 'dq', path: 'regex' })
}

export interface ParentsRequest {
  readonly lake: ObjectStore
  readonly expectations: readonly Expectation[]
  readonly inputs: readonly OpenInput[]
  /** A table may be its own parent. */
  readonly self: { readonly name: string; readonly fields: readonly ColumnField[] }
  /** Takes the views that are opened. */
  readonly views: Map<string, EngineInput>
}

export async function openParents(request: ParentsRequest): Promise<ReadonlyMap<string, ParentTable>> {
  const { lake, expectations, inputs, self, views } = request
  const parents = new Map<string, ParentTable>()
  for (const { kwargs } of expectations) {
    const name = kwargs['parent']
    if (typeof name !== 'string' || parents.has(name)) continue
    if (name === self.name) {
      parents.set(name, { view: JUDGED_VIEW, fields: self.fields })
      continue
    }
    const table = parseTableName(name)
    const store = tableStore(lake, table)
    const snapshot = inputs.find((input) => input.name === name)?.snapshot ?? (await openSnapshot(store))
    if (snapshot === null) continue
    const view = `sluice_parent_${table.layer}_${table.table}`
    views.set(view, await engineInput({ name: view, store, snapshot }))
    parents.set(name, { view, fields: snapshot.metadata.fields })
  }
  return parents
}

/** When a row landed, found by its place in bronze; else when it changed, or when the fact happened. */
function bornAt(
  fields: readonly ColumnField[],
  { model, sql }: ModelNode,
  inputs: readonly OpenInput[],
): { readonly at: BornAt | null; readonly reads: OpenInput | null } {
  const isTime = (name: string): boolean =>
    fields.some(({ name: own, type }) => own === name && (type.kind === 'timestamp' || type.kind === 'date'))
  if (isTime('_ingest_ts')) return { at: { column: '_ingest_ts' }, reads: null }
  const main = inputs.find(({ name }) => sql?.main?.layer === 'bronze' && name === formatTableName(sql.main))
  const place = ['_epoch', '_partition', '_offset']
  if (main !== undefined && place.every((name) => fields.some((field) => field.name === name))) {
    return { at: { view: inputView(main.table), same: place, column: '_ingest_ts' }, reads: main }
  }
  const column = ['_sequence', ...model.lookups.flatMap(({ at }) => at ?? [])].find(isTime)
  return { at: column === undefined ? null : { column }, reads: null }
}

/** When a key was deleted: a version ends there and none begins. */
function deletionsSql(node: ModelNode, inputs: readonly OpenInput[]): string | null {
  const { sequenceBy, key } = node.model
  if (node.sql === null || sequenceBy === null) return null
  const hidden = new Set(
    inputs.filter((input) => keepsDeleted(input.snapshot)).map(({ table }) => formatTableName(table)),
  )
  const source = selectSql({ node, keepsDeleted: hidden }, inputView)
  return `select ${key.join(', ')}, coalesce(cast(${sequenceBy} as timestamp), cast(_record_ts as timestamp)) as _sequence from ${source} s where _op = 'd'`
}
