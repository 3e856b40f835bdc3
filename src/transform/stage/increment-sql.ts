import { formatTableName } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import type { EngineStep } from '../../ports/model-engine.ts'
import type { Scope } from '../plan.ts'
import { changeColumns, changesSql, sameKey, wholeKey } from '../rows/changes.ts'
import { movedSpansSql, memberColumns } from '../rows/lookups.ts'
import type { Lookup } from '../rows/lookups.ts'
import { latestSql } from '../rows/merge.ts'
import { CHANGE_COLUMNS } from '../rows/result-shape.ts'
import { decidingColumns, touchedRowsSql } from '../rows/row-lookups.ts'
import type { AskingKeys, Bounded } from '../rows/row-lookups.ts'
import { UNKNOWN_MEMBER } from '../rows/surrogate-key.ts'
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
  const isWhole = changed.scope === 'all'
  const isTouched = (alias: string): string =>
    isWhole ? wholeKey(key, `${alias}.`) : `exists (select 1 from sluice_touched t where ${sameKey(key, 't', alias)})`
  const isChanged = (alias: string): string =>
    `exists (select 1 from sluice_changed c where ${sameKey(key, 'c', alias)})`
  const touched = isWhole ? null : touchedKeys(facts, changed)
  const steps: EngineStep[] = [
    ...(touched?.steps ?? []),
    { name: 'sluice_old', sql: `select ${columns}, _file from ${TARGET_VIEW} o where ${isTouched('o')}` },
    ...newSteps(facts, newRowsSql(facts, changed, isTouched), touched?.bounded),
    {
      name: 'sluice_changed',
      sql: `select distinct ${key.join(', ')} from (${differenceSql(columns, 'sluice_new', 'sluice_old')}) d`,
    },
    { name: 'sluice_files', sql: `select distinct _file from sluice_old o where ${isChanged('o')}` },
    { narrow: TARGET_VIEW, sql: 'select _file as file from sluice_files' },
  ]
  const added = `select ${columns} from sluice_new n where ${isChanged('n')}`
  const keeps = `not ${isChanged('k')}`
  const kept = `select ${columns} from ${TARGET_VIEW} k where ${keeps}`
  return {
    steps,
    output: `${kept} union all ${added}`,
    probes: new Map<ProbeName, string>([
      ['files', 'select _file as file from sluice_files'],
      ['changed', 'select count(*) as count from sluice_changed'],
      ...(isWhole ? [] : [['touched', 'select count(*) as count from sluice_touched'] as const]),
      ...newRowProbes(facts),
      ...unknownProbes(node, isTouched('k')),
    ]),
    parts: { keeps, others: added },
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

interface Touched {
  readonly steps: readonly EngineStep[]
  readonly bounded: Bounded
}

/**
 * The keys to work out again, as `sluice_touched`: of rows that came or went, and of facts whose dimension's history
 * changed. What came and went is kept in steps of its own, so that the main input can be narrowed by it before. The
 * target is narrowed to the files that hold them.
 */
function touchedKeys(facts: StageFacts, { tables, scope }: Changed): Touched {
  const { node } = facts
  const { key } = node.model
  const keys = key.join(', ')
  const isOneOf = (table: TableName): boolean => tables.some((each) => same(each, table))
  const main = node.sql?.main ?? null
  const steps: EngineStep[] = []
  const parts: string[] = []
  if (main !== null && isOneOf(main)) {
    steps.push({ name: 'sluice_came', sql: cameSql(facts, scope) })
    parts.push(`select ${keys} from sluice_came`)
  }
  const came = [...parts]
  const moved = node.lookups.flatMap((lookup, index) => {
    if (!isOneOf(lookup.dimension)) return []
    const name = `sluice_moved_${index}`
    steps.push({ name, sql: lookup.isVersioned ? spansSql(facts, lookup) : membersDifferenceSql(facts, lookup) })
    const on = lookup.on.map((pair) => `d.${pair.dimension} = s.${pair.fact}`)
    if (lookup.at !== null) {
      const at = `cast(s.${lookup.at} as timestamp)`
      on.push(`d.sluice_from <= ${at}`, `${at} < d.sluice_until`)
    }
    parts.push(
      `select ${keys} from ${selectSql(facts, inputView)} s where exists (select 1 from ${name} d where ${on.join(' and ')}) and ${wholeKey(key)}`,
    )
    return [{ lookup, name }]
  })
  const taken = [...node.model.rowLookups.entries()].filter(([, { table }]) => isOneOf(table))
  const narrow = scope === 'keys' && taken.length === 0 ? narrowMainSql(facts, parts, moved) : null
  if (main !== null && narrow !== null) steps.push({ narrow: inputView(main), sql: narrow })
  // which rows of the target these are is known with their files
  for (const [index, lookup] of taken) {
    const changed = `sluice_differs_${index}`
    const columns = decidingColumns(lookup).join(', ')
    steps.push({ name: changed, sql: lookedUpDifference(facts, lookup.table, { columns, where: 'true' }) })
    steps.push({ name: takenName(index), sql: touchedRowsSql(node.model, lookup, { target: TARGET_VIEW, changed }) })
  }
  const known = taken.map(([index]) => takenName(index))
  const all = [...parts, ...known.map((name) => `select ${keys} from ${name}`)]
  steps.push({ name: 'sluice_touched', sql: `select distinct ${keys} from (${all.join(' union all ')}) u` })
  // of rows that came no more than the keys is known, nor of facts whose dimension moved
  const sought = known.length === 0 || moved.length > 0 ? ['sluice_touched'] : came.map(() => 'sluice_came')
  steps.push({ narrow: TARGET_VIEW, sql: touchedFilesSql(key, { sought, known }) })
  return {
    steps,
    bounded: { asking: askingKeys(facts, { came, moved: moved.length, taken: taken.map(([index]) => index) }) },
  }
}

function takenName(index: number): string {
  return `sluice_taken_${index}`
}

/** `sought` are tables of keys, which are looked for in the target; `known` hold the files themselves. */
function touchedFilesSql(
  key: readonly string[],
  { sought, known }: { readonly sought: readonly string[]; readonly known: readonly string[] },
): string {
  const arms = [
    ...sought.map((keys) => `${TARGET_VIEW} o where exists (select 1 from ${keys} t where ${sameKey(key, 't', 'o')})`),
    ...known,
  ].map((rows) => `select _file as file from ${rows}`)
  return `select distinct file from (${arms.join(' union all ')}) arms`
}

interface KeyParts {
  /** SELECT of the keys that came or went, where the main input changed. */
  readonly came: readonly string[]
  /** How many dimensions touch keys. */
  readonly moved: number
  /** Row lookups whose tables changed. */
  readonly taken: readonly number[]
}

/** A history is asked by rows that came, or for which it changed; a row touched by something else keeps what it took. */
function askingKeys({ node }: StageFacts, { came, moved, taken }: KeyParts): ReadonlyMap<number, AskingKeys> {
  const keys = node.model.key.join(', ')
  const asking = new Map<number, AskingKeys>()
  for (const [index, { at }] of node.model.rowLookups.entries()) {
    if (at === null || moved + taken.filter((other) => other !== index).length === 0) continue
    const arms = [...came, ...(taken.includes(index) ? [`select ${keys} from ${takenName(index)}`] : [])]
    const none = `select ${keys} from sluice_old where false`
    asking.set(index, { keys: arms.length === 0 ? none : arms.join(' union all '), old: 'sluice_old' })
  }
  return asking
}

/** Keys of rows of the main input that came or went. */
function cameSql(facts: StageFacts, scope: Scope): string {
  const { node, shape } = facts
  const { key } = node.model
  const added = selectSql(facts, viewOfMain(node, addedView))
  const removed = selectSql(facts, viewOfMain(node, removedView))
  const own = [...shape.own.map(({ name }) => name), ...(shape.isChanges ? CHANGE_COLUMNS : [])].join(', ')
  const rows = scope === 'compete' ? added : `(${differenceSql(own, `${added} a`, `${removed} r`)})`
  return `select distinct ${key.join(', ')} from ${rows} changed where ${wholeKey(key)}`
}

interface MovedMembers {
  readonly lookup: Lookup
  /** The step that holds them. */
  readonly name: string
}

/**
 * The files of the main input that hold all rows of touched keys: told by the columns that decide alone, where the
 * SELECT takes those as they are. Null where it does not, or reads the table for something else too.
 */
function narrowMainSql(
  { node, plain }: StageFacts,
  parts: readonly string[],
  moved: readonly MovedMembers[],
): string | null {
  const main = node.sql?.main ?? null
  const others = [...node.lookups.map(({ dimension }) => dimension), ...node.model.rowLookups.map(({ table }) => table)]
  if (main === null || others.some((table) => same(table, main))) return null
  const decides = [
    ...node.model.key,
    ...moved.flatMap(({ lookup }) => (lookup.at === null ? lookup.on.map((pair) => pair.fact) : [lookup.at])),
  ]
  if (decides.some((column) => !plain.has(column))) return null
  const of = (column: string): string => `m.${plain.get(column)!}`
  const wanted = moved.map(({ lookup, name }) => {
    if (lookup.at !== null) return `cast(${of(lookup.at)} as timestamp) >= (select min(sluice_from) from ${name})`
    const on = lookup.on.map((pair) => `d.${pair.dimension} = ${of(pair.fact)}`)
    return `exists (select 1 from ${name} d where ${on.join(' and ')})`
  })
  if (parts.length > moved.length) {
    const key = node.model.key.map((column) => `t.${column} = ${of(column)}`)
    wanted.push(`exists (select 1 from sluice_came t where ${key.join(' and ')})`)
  }
  const arms = wanted.map((where) => `select distinct _file as file from ${inputView(main)} m where ${where}`)
  return `select distinct file from (${arms.join(' union all ')}) arms`
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
