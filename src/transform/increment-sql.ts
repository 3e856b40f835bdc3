import { formatTableName } from '../domain/identifier.ts'
import type { TableName } from '../domain/identifier.ts'
import type { EngineStep } from '../ports/model-engine.ts'
import type { Scope } from './plan.ts'
import { changeColumns, changesSql, sameKey, wholeKey } from './rows/changes.ts'
import { movedSpansSql, memberColumns } from './rows/lookups.ts'
import type { Lookup } from './rows/lookups.ts'
import { latestSql } from './rows/merge.ts'
import { CHANGE_COLUMNS } from './rows/result-shape.ts'
import { decidingColumns, touchedRowsSql } from './rows/row-lookups.ts'
import { UNKNOWN_MEMBER } from './rows/surrogate-key.ts'
import {
  TARGET_VIEW,
  addedView,
  compareAllSql,
  differenceSql,
  inputView,
  names,
  newRowProbes,
  newSteps,
  removedView,
  resultSql,
  same,
  selectSql,
  unknownProbes,
  viewOfMain,
  visible,
} from './stage-sql.ts'
import type { ProbeName, StageFacts, StageSql } from './stage-sql.ts'

/** What an engine is asked to do for an increment of one model, as SQL. Pure. */

export interface Changed {
  readonly scope: Scope
  /** Inputs of which rows came or went. */
  readonly tables: readonly TableName[]
}

/**
 * The rows that changes of the inputs bring, and the files of the target that they replace. Keys are looked for by
 * themselves first: of the files that hold none of them nothing else is read.
 */
export function incrementSql(facts: StageFacts, changed: Changed): StageSql {
  const { node, shape } = facts
  if (node.model.kind === 'full' || node.model.kind === 'calendar') {
    return compareAllSql(facts, selectSql(facts, inputView))
  }
  const columns = names(shape)
  const { key } = node.model
  const touched = changed.scope === 'all' ? null : touchedSql(facts, changed)
  const isTouched = (alias: string): string =>
    touched === null
      ? wholeKey(key, `${alias}.`)
      : `exists (select 1 from sluice_touched t where ${sameKey(key, 't', alias)})`
  const isChanged = (alias: string): string =>
    `exists (select 1 from sluice_changed c where ${sameKey(key, 'c', alias)})`
  const narrowed: EngineStep[] =
    touched === null
      ? []
      : [
          { name: 'sluice_touched', sql: touched },
          {
            narrow: TARGET_VIEW,
            sql: `select distinct _file as file from ${TARGET_VIEW} o where ${isTouched('o')}`,
          },
        ]
  const steps: EngineStep[] = [
    ...narrowed,
    { name: 'sluice_old', sql: `select ${columns}, _file from ${TARGET_VIEW} o where ${isTouched('o')}` },
    ...newSteps(facts, newRowsSql(facts, changed, isTouched), touched !== null),
    {
      name: 'sluice_changed',
      sql: `select distinct ${key.join(', ')} from (${differenceSql(columns, 'sluice_new', 'sluice_old')}) d`,
    },
    { name: 'sluice_files', sql: `select distinct _file from sluice_old o where ${isChanged('o')}` },
    { narrow: TARGET_VIEW, sql: 'select _file as file from sluice_files' },
  ]
  const added = `select ${columns} from sluice_new n where ${isChanged('n')}`
  const kept = `select ${columns} from ${TARGET_VIEW} k where not ${isChanged('k')}`
  return {
    steps,
    output: `${kept} union all ${added}`,
    probes: new Map<ProbeName, string>([
      ['files', 'select _file as file from sluice_files'],
      ['changed', 'select count(*) as count from sluice_changed'],
      ...(touched === null ? [] : [['touched', 'select count(*) as count from sluice_touched'] as const]),
      ...newRowProbes(facts),
      ...unknownProbes(node, isTouched('k')),
    ]),
    others: added,
    changes: { added, removed: `select ${columns} from sluice_old o where ${isChanged('o')}` },
  }
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
  const own = `select ${changeColumns(node.model, shape).join(', ')} from sluice_old o`
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
    const moved = lookup.isVersioned ? spansSql(facts, lookup) : membersDifferenceSql(facts, lookup)
    const on = lookup.on.map((pair) => `d.${pair.dimension} = s.${pair.fact}`)
    if (lookup.at !== null) {
      const at = `cast(s.${lookup.at} as timestamp)`
      on.push(`d.sluice_from <= ${at}`, `${at} < d.sluice_until`)
    }
    parts.push(
      `select ${keys} from ${selectSql(facts, inputView)} s where exists (select 1 from (${moved}) d where ${on.join(' and ')}) and ${wholeKey(key)}`,
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

function spansSql(facts: StageFacts, lookup: Lookup): string {
  return movedSpansSql(lookup, (side) =>
    visible(facts, formatTableName(lookup.dimension), (side === 'added' ? addedView : removedView)(lookup.dimension)),
  )
}

function membersDifferenceSql(facts: StageFacts, lookup: Lookup): string {
  return lookedUpDifference(facts, lookup.dimension, {
    columns: memberColumns(lookup).join(', '),
    where: `${lookup.surrogateKey} <> '${UNKNOWN_MEMBER}'`,
  })
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
