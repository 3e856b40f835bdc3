import type { ColumnField } from '../domain/column-batch.ts'
import { formatTableName } from '../domain/identifier.ts'
import type { TableName } from '../domain/identifier.ts'
import type { ModelDefinition } from '../domain/model.ts'
import type { EngineStep } from '../ports/model-engine.ts'
import { inputAsOf, sourceAsOf } from './as-of/as-of-sql.ts'
import type { ModelNode } from './graph.ts'
import type { Scope } from './plan.ts'
import { changeColumns, changesSql, sameKey, wholeKey } from './rows/changes.ts'
import { memberColumns, withKeysSql } from './rows/lookups.ts'
import { keyedRowsSql, latestOfSourceSql, latestSql } from './rows/merge.ts'
import { CHANGE_COLUMNS } from './rows/result-shape.ts'
import { decidingColumns, touchedRowsSql, withTakenSql } from './rows/row-lookups.ts'
import type { ResultShape } from './rows/result-shape.ts'
import { versionsSql } from './rows/scd2.ts'
import { UNKNOWN_MEMBER } from './rows/surrogate-key.ts'

/** What an engine is asked to do for one model, as SQL. Pure. */

export interface StageSql {
  readonly steps: readonly EngineStep[]
  readonly output: string
  readonly probes: ReadonlyMap<ProbeName, string>
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
  /** The table is a dimension with an unknown member, which stays. */
  readonly hasUnknown: boolean
}

export const TARGET_VIEW = 'sluice_target'

export function inputView(table: TableName): string {
  return `sluice_${table.layer}_${table.table}`
}

export function addedView(table: TableName): string {
  return `sluice_added_${table.layer}_${table.table}`
}

export function removedView(table: TableName): string {
  return `sluice_removed_${table.layer}_${table.table}`
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
    return { steps: [], output: `select ${columns} from (${rows}) n${keep}`, probes: leftOutProbes(facts, source) }
  }
  return {
    steps,
    output: `select ${columns} from sluice_new n${keep}`,
    probes: new Map([...leftOutProbes(facts, source), ...newRowProbes(facts), ...unknownProbes(node, null)]),
  }
}

export interface Changed {
  readonly scope: Scope
  /** Inputs of which rows came or went. */
  readonly tables: readonly TableName[]
}

/** The rows that changes of the inputs bring, and the files of the target that they replace. */
export function incrementSql(facts: StageFacts, changed: Changed): StageSql {
  const { node, shape } = facts
  const source = selectSql(facts, inputView)
  if (node.model.kind === 'full' || node.model.kind === 'calendar') return compareAllSql(facts, source)
  const columns = names(shape)
  const { key } = node.model
  const touched = changed.scope === 'all' ? null : touchedSql(facts, changed)
  const isTouched = (alias: string): string =>
    touched === null
      ? wholeKey(key, `${alias}.`)
      : `exists (select 1 from sluice_touched t where ${sameKey(key, 't', alias)})`
  const isChanged = (alias: string): string =>
    `exists (select 1 from sluice_changed c where ${sameKey(key, 'c', alias)})`
  const steps: EngineStep[] = [
    ...(touched === null ? [] : [{ name: 'sluice_touched', sql: touched }]),
    ...newSteps(facts, newRowsSql(facts, changed, isTouched)),
    { name: 'sluice_old', sql: `select ${columns}, _file from ${TARGET_VIEW} o where ${isTouched('o')}` },
    {
      name: 'sluice_changed',
      sql: `select distinct ${key.join(', ')} from (${differenceSql(columns, 'sluice_new', 'sluice_old')}) d`,
    },
    { name: 'sluice_files', sql: `select distinct _file from sluice_old o where ${isChanged('o')}` },
  ]
  const kept = `select ${columns} from ${TARGET_VIEW} k where k._file in (select _file from sluice_files) and not ${isChanged('k')}`
  return {
    steps,
    output: `${kept} union all select ${columns} from sluice_new n where ${isChanged('n')}`,
    probes: new Map<ProbeName, string>([
      ['files', 'select _file as file from sluice_files'],
      ['changed', 'select count(*) as count from sluice_changed'],
      ...(touched === null ? [] : [['touched', 'select count(*) as count from sluice_touched'] as const]),
      ...newRowProbes(facts),
      ...unknownProbes(node, isTouched('k')),
    ]),
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

function visible(facts: Pick<StageFacts, 'node' | 'keepsDeleted'>, table: string, view: string): string {
  const condition = facts.keepsDeleted.has(table) ? 'not coalesce(_deleted, false)' : inputAsOf(facts.node, table)
  return condition === null ? view : `(select * from ${view} where ${condition})`
}

function resultSql(facts: StageFacts, source: string): string {
  const { node, shape } = facts
  const { model } = node
  if (model.kind === 'full') return `select ${names(shape)} from ${source} s`
  if (model.kind === 'scd2') return versionsSql(model, shape, source)
  return shape.isChanges ? latestOfSourceSql(model, shape, source) : keyedRowsSql(model, shape, source)
}

/** A merge's rows, and what is looked up for them. */
function newSteps(facts: StageFacts, rows: string): EngineStep[] {
  const { node, shape } = facts
  const { model, lookups } = node
  if (model.kind !== 'merge') return [{ name: 'sluice_new', sql: rows }]
  const view = lookedUpView(facts)
  if (model.rowLookups.length + model.derive.length === 0) {
    return [{ name: 'sluice_new', sql: withKeysSql(model, { shape, lookups, view }, rows) }]
  }
  const taken = withTakenSql({ model, shape, view }, 'sluice_rows')
  return [
    { name: 'sluice_rows', sql: rows },
    { name: 'sluice_new', sql: withKeysSql(model, { shape, lookups, view }, taken) },
  ]
}

function newRowsSql(facts: StageFacts, { scope, tables }: Changed, isTouched: (alias: string) => string): string {
  const { node, shape } = facts
  const source = selectSql(facts, inputView)
  if (scope === 'all') return resultSql(facts, source)
  if (scope === 'keys') return resultSql(facts, `(select s.* from ${source} s where ${isTouched('s')})`)
  const main = node.sql?.main ?? null
  const isMain = main !== null && tables.some((table) => same(table, main))
  const added = isMain
    ? `${changesSql(node.model, shape, selectSql(facts, viewOfMain(node, addedView)))} union all `
    : ''
  const own = `select ${changeColumns(node.model, shape).join(', ')} from ${TARGET_VIEW} o where ${isTouched('o')}`
  return latestSql(node.model, shape, `${added}${own}`)
}

/** The keys to work out again: of rows that came or went, and of facts whose dimension's history changed. */
function touchedSql(facts: StageFacts, { tables, scope }: Changed): string {
  const { node } = facts
  const { key } = node.model
  const keys = key.join(', ')
  const parts: string[] = []
  const main = node.sql?.main ?? null
  if (main !== null && tables.some((table) => same(table, main))) {
    const added = selectSql(facts, viewOfMain(node, addedView))
    const removed = selectSql(facts, viewOfMain(node, removedView))
    const own = [...facts.shape.own.map(({ name }) => name), ...(facts.shape.isChanges ? CHANGE_COLUMNS : [])].join(
      ', ',
    )
    const rows = scope === 'compete' ? added : `(${differenceSql(own, `${added} a`, `${removed} r`)})`
    parts.push(`select ${keys} from ${rows} changed where ${wholeKey(key)}`)
  }
  for (const lookup of node.lookups) {
    if (!tables.some((table) => same(table, lookup.dimension))) continue
    const columns = memberColumns(lookup).join(', ')
    const difference = lookedUpDifference(facts, lookup.dimension, {
      columns,
      where: `${lookup.surrogateKey} <> '${UNKNOWN_MEMBER}'`,
    })
    const on = lookup.on.map((pair) => `d.${pair.dimension} = s.${pair.fact}`).join(' and ')
    parts.push(
      `select ${keys} from ${selectSql(facts, inputView)} s where exists (select 1 from (${difference}) d where ${on}) and ${wholeKey(key)}`,
    )
  }
  for (const lookup of node.model.rowLookups) {
    if (!tables.some((table) => same(table, lookup.table))) continue
    const columns = decidingColumns(lookup).join(', ')
    const difference = lookedUpDifference(facts, lookup.table, { columns, where: 'true' })
    parts.push(touchedRowsSql(node.model, lookup, { target: TARGET_VIEW, changed: difference }))
  }
  return `select distinct ${keys} from (${parts.join(' union all ')}) u`
}

/** What a looked-up table's rows that came and went differ by. */
function lookedUpDifference(
  facts: StageFacts,
  table: TableName,
  { columns, where }: { readonly columns: string; readonly where: string },
): string {
  const rows = (view: string): string =>
    `(select ${columns} from ${visible(facts, formatTableName(table), view)} m where ${where}) m`
  return differenceSql(columns, rows(addedView(table)), rows(removedView(table)))
}

/** Rows (over the named columns) that are not as often in the one as in the other. Nulls are alike. */
function differenceSql(columns: string, one: string, other: string): string {
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
  }
}

function newRowProbes(facts: StageFacts): readonly (readonly [ProbeName, string])[] {
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
function unknownProbes(node: ModelNode, touched: string | null): readonly (readonly [ProbeName, string])[] {
  return node.lookups.map((lookup, index) => {
    const one = `select ${lookup.as} as sk from sluice_new`
    const kept =
      touched === null ? '' : ` union all select ${lookup.as} as sk from ${TARGET_VIEW} k where not (${touched})`
    return [`unknown_${index}`, `select count(*) as count from (${one}${kept}) f where sk = '${UNKNOWN_MEMBER}'`]
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
  return (table) => visible(facts, table, inputView(byName.get(table)!))
}

/** The main input by another view, the others as they stand. */
function viewOfMain(node: ModelNode, view: (table: TableName) => string): (table: TableName) => string {
  const main = node.sql?.main ?? null
  return (table) => (main !== null && same(table, main) ? view(table) : inputView(table))
}

function names(shape: ResultShape): string {
  return shape.stored.map((field) => field.name).join(', ')
}

function same(a: TableName, b: TableName): boolean {
  return a.layer === b.layer && a.table === b.table
}
