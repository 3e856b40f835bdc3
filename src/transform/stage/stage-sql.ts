import type { ColumnField } from '../../domain/column-batch.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import type { EngineStep, OutputSlices } from '../../ports/model-engine.ts'
import { inputAsOf, sourceAsOf } from '../as-of/as-of-sql.ts'
import type { ModelNode } from '../graph.ts'
import { changesSql, wholeKey } from '../rows/changes.ts'
import { withKeysSql } from '../rows/lookups.ts'
import { keyedRowsSql, latestOfSourceSql } from '../rows/merge.ts'
import { boundedSteps, withTakenSql } from '../rows/row-lookups.ts'
import type { Bounded } from '../rows/row-lookups.ts'
import { heldSteps, heldView } from './held-tables.ts'
import type { ResultShape } from '../rows/result-shape.ts'
import { versionsSql } from '../rows/scd2.ts'
import { UNKNOWN_MEMBER } from '../rows/surrogate-key.ts'

/** What an engine is asked to do for one model, as SQL. Pure. */

export interface StageSql {
  readonly steps: readonly EngineStep[]
  readonly output: string
  readonly probes: ReadonlyMap<ProbeName, string>
  /** SELECTs of the rows that differ from the target's: as they are now, and as they were. Null where all are new. */
  readonly changes: { readonly added: string; readonly removed: string } | null
  /** The output holds rows of the target as they are, and others beside them. */
  readonly parts?: Pick<OutputSlices, 'keeps' | 'others'>
}

export type ProbeName =
  /** `file`: the target's files that the output takes the place of. */
  | 'files'
  /** `count`: keys (full: rows) that differ from the target's. */
  | 'changed'
  /** `count`: keys that rows which came or went touch. */
  | 'touched'
  /** `count`: keys that the result holds more than once. */
  | 'repeated'
  /** `count`: rows of the SELECT that were left out for want of a whole key. */
  | 'keyless'
  /** `count`: rows of the SELECT that were left out for want of a time. */
  | 'timeless'
  /** `count` a lookup, in order: facts on the unknown member, once the output is in place. */
  | `unknown_${number}`
  /** `count` a row lookup, in order: rows that found none. */
  | `none_${number}`

export interface StageFacts {
  readonly node: ModelNode
  readonly shape: ResultShape
  /** Inputs (`layer.table`) that keep deleted keys as rows: those rows are hidden from readers. */
  readonly keepsDeleted: ReadonlySet<string>
  /** Of the SELECT's columns, those that it takes from the main input as they are: by name, the input's column. */
  readonly plain: ReadonlyMap<string, string>
  /** Looked-up tables that are read once: see `heldTables`. */
  readonly held: ReadonlySet<string>
  /** The table is a dimension with an unknown member, which stays. */
  readonly hasUnknown: boolean
}

export const TARGET_VIEW = 'sluice_target'
/** The target where the other view has been narrowed to some of its files. */
export const WHOLE_TARGET_VIEW = 'sluice_whole_target'

export function inputView(table: TableName): string {
  return `sluice_${table.layer}_${table.table}`
}

export function addedView(table: TableName): string {
  return `sluice_added_${table.layer}_${table.table}`
}

export function removedView(table: TableName): string {
  return `sluice_removed_${table.layer}_${table.table}`
}

/** All the SQL that an engine is handed. */
export function textsOf({ steps, output, probes, changes, parts }: StageSql): readonly string[] {
  return [
    ...steps.map((step) => ('narrow' in step ? `${step.narrow} ${step.sql}` : step.sql)),
    output,
    ...probes.values(),
    ...(changes === null ? [] : [changes.added, changes.removed]),
    ...(parts === undefined ? [] : [TARGET_VIEW, parts.keeps ?? '', parts.others ?? '']),
  ]
}

/** All rows of the model, from all of its inputs. */
export function rebuildSql(facts: StageFacts): StageSql {
  const { node, shape } = facts
  const source = selectSql(facts, inputView)
  const steps = newSteps(facts, resultSql(facts, source))
  const keep = facts.hasUnknown ? ` union all ${unknownMemberSql({ model: node.model, stored: shape.stored })}` : ''
  const columns = names(shape)
  if (!isProbed(facts)) {
    const rows = steps.at(-1)!.sql
    const output = `select ${columns} from (${rows}) n${keep}`
    return { steps: [], output, probes: leftOutProbes(facts, source), changes: null }
  }
  return {
    steps,
    output: `select ${columns} from sluice_new n${keep}`,
    probes: new Map([...leftOutProbes(facts, source), ...newRowProbes(facts), ...unknownProbes(node, null)]),
    changes: null,
  }
}

/** The SELECT over each input as `view` names it, in brackets; rows of deleted keys are hidden. */
export function selectSql(
  facts: Pick<StageFacts, 'node' | 'keepsDeleted'>,
  view: (table: TableName) => string,
): string {
  const { sql, inputs } = facts.node
  if (sql === null) throw new Error('a calendar has no SELECT')
  const byName = new Map(inputs.map((input) => [formatTableName(input), input]))
  return sourceAsOf(facts.node, `(${sql.bind((name) => visible(facts, name, view(byName.get(name)!)))}\n)`)
}

/** The unknown member as a row of the table. */
export function unknownMemberSql({
  model,
  stored,
}: {
  model: ModelDefinition
  stored: readonly ColumnField[]
}): string {
  const columns = stored.map(({ name }) => {
    if (name === model.surrogateKey) return `'${UNKNOWN_MEMBER}' as ${name}`
    if (name === 'is_current' && model.kind === 'scd2') return `true as ${name}`
    if (name === '_deleted') return `false as ${name}`
    return `null as ${name}`
  })
  return `select ${columns.join(', ')}`
}

export function visible(facts: Pick<StageFacts, 'node' | 'keepsDeleted'>, table: string, view: string): string {
  const condition = facts.keepsDeleted.has(table) ? 'not coalesce(_deleted, false)' : inputAsOf(facts.node, table)
  return condition === null ? view : `(select * from ${view} where ${condition})`
}

export function resultSql(facts: StageFacts, source: string): string {
  const { node, shape } = facts
  const { model } = node
  if (model.kind === 'full') return `select ${names(shape)} from ${source} s`
  if (model.kind === 'scd2') return versionsSql(model, shape, source)
  return shape.isChanges ? latestOfSourceSql(model, shape, source) : keyedRowsSql(model, shape, source)
}

/** A merge's rows, and what is looked up for them; `bounded` reads no more of a history than they ask for. */
export function newSteps(facts: StageFacts, rows: string, bounded?: Bounded): EngineStep[] {
  const { node, shape } = facts
  const { model, lookups } = node
  if (model.kind !== 'merge') return [{ name: 'sluice_new', sql: rows }]
  const view = lookedUpView(facts)
  const held = heldSteps(node, facts.held, (table) => visible(facts, formatTableName(table), inputView(table)))
  if (model.rowLookups.length + model.derive.length === 0) {
    return [...held, { name: 'sluice_new', sql: withKeysSql(model, { shape, lookups, view }, rows) }]
  }
  const asked =
    bounded === undefined
      ? []
      : boundedSteps({ model, view, narrows: (lookup) => ownView(facts, lookup.table) }, 'sluice_rows', bounded)
  const taken = withTakenSql({ model, shape, view, ...(bounded === undefined ? {} : { bounded }) }, 'sluice_rows')
  return [
    ...held,
    { name: 'sluice_rows', sql: rows },
    ...asked,
    { name: 'sluice_new', sql: withKeysSql(model, { shape, lookups, view }, taken) },
  ]
}

/** Rows (over the named columns) that are not as often in the one as in the other. Nulls are alike. */
export function differenceSql(columns: string, one: string, other: string): string {
  const sides = `select ${columns}, 1 as sluice_side from ${one} union all select ${columns}, -1 as sluice_side from ${other}`
  return `select ${columns} from (${sides}) sides group by ${columns} having sum(sluice_side) <> 0`
}

/** A model without a key is replaced whole, if it differs at all. */
export function compareAllSql(facts: StageFacts, source: string): StageSql {
  const columns = names(facts.shape)
  const rows = facts.node.model.kind === 'calendar' ? source : resultSql(facts, source)
  const different = differenceSql(columns, 'sluice_new', TARGET_VIEW)
  return {
    steps: [{ name: 'sluice_new', sql: `select ${columns} from (${rows}) n` }],
    output: `select ${columns} from sluice_new`,
    probes: new Map<ProbeName, string>([['changed', `select count(*) as count from (${different}) d`]]),
    changes: null,
  }
}

export function newRowProbes(facts: StageFacts): readonly (readonly [ProbeName, string])[] {
  return [...noneProbes(facts), ...repeatedProbes(facts)]
}

function noneProbes({ node: { model }, shape }: StageFacts): readonly (readonly [ProbeName, string])[] {
  const alive = shape.isChanges ? 'not _deleted' : 'true'
  return model.rowLookups.flatMap(({ warnsIfNone, take }, index) => {
    const none = `select count(*) as count from sluice_new where ${take[0]!.as} is null and ${alive}`
    return warnsIfNone ? [[`none_${index}`, none] as const] : []
  })
}

function repeatedProbes({ node, shape }: StageFacts): readonly (readonly [ProbeName, string])[] {
  if (node.model.kind !== 'merge' || shape.isChanges || node.model.sequenceBy !== null) return []
  const key = node.model.key.join(', ')
  return [
    ['repeated', `select count(*) as count from (select ${key} from sluice_new group by ${key} having count(*) > 1) r`],
  ]
}

/** `touched` tells rows of the target that the output replaces; null where it replaces all. */
export function unknownProbes(node: ModelNode, touched: string | null): readonly (readonly [ProbeName, string])[] {
  return node.lookups.map((lookup, index) => {
    const isUnknown = `${lookup.as} = '${UNKNOWN_MEMBER}'`
    const one = `select 1 as one from sluice_new where ${isUnknown}`
    const kept =
      touched === null
        ? ''
        : ` union all select 1 as one from ${WHOLE_TARGET_VIEW} k where ${isUnknown} and not (${touched})`
    return [`unknown_${index}`, `select count(*) as count from (${one}${kept}) f`]
  })
}

function leftOutProbes({ node, shape }: StageFacts, source: string): ReadonlyMap<ProbeName, string> {
  const { model } = node
  const probes = new Map<ProbeName, string>()
  if (model.key.length === 0) return probes
  probes.set('keyless', `select count(*) as count from ${source} s where not (${wholeKey(model.key)})`)
  if (model.kind === 'scd2' && shape.isChanges) {
    const changes = changesSql(model, shape, source)
    probes.set('timeless', `select count(*) as count from (${changes}) s where _sequence is null`)
  }
  return probes
}

/** Rows are kept for probes where the result may be refused, or looked at for unknown members. */
function isProbed({ node, shape }: StageFacts): boolean {
  const { rowLookups, derive } = node.model
  return (
    node.lookups.length + rowLookups.length + derive.length > 0 || (node.model.kind === 'merge' && !shape.isChanges)
  )
}

function lookedUpView(facts: StageFacts): (table: string) => string {
  const byName = new Map(facts.node.inputs.map((table) => [formatTableName(table), table]))
  return (table) =>
    facts.held.has(table) ? heldView(byName.get(table)!) : visible(facts, table, inputView(byName.get(table)!))
}

/** The view over a looked-up table, where one lookup alone reads it from its files. */
function ownView({ node, held }: StageFacts, table: TableName): string | null {
  const named = node.sql?.inputs ?? []
  const lookedUp = [
    ...node.lookups.map(({ dimension }) => dimension),
    ...node.model.rowLookups.map((each) => each.table),
  ]
  const readers = [...named, ...lookedUp].filter((each) => same(each, table))
  return readers.length === 1 && !held.has(formatTableName(table)) ? inputView(table) : null
}

/** The main input by another view, the others as they stand. */
export function viewOfMain(node: ModelNode, view: (table: TableName) => string): (table: TableName) => string {
  const main = node.sql?.main ?? null
  return (table) => (main !== null && same(table, main) ? view(table) : inputView(table))
}

export function names(shape: ResultShape): string {
  return shape.stored.map((field) => field.name).join(', ')
}

export function same(a: TableName, b: TableName): boolean {
  return a.layer === b.layer && a.table === b.table
}
