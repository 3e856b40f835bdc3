import type { ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { ModelDefinition, RowLookup } from '../../domain/model.ts'
import type { EngineStep } from '../../ports/model-engine.ts'
import { readModelSql } from '../sql/model-sql.ts'
import { sameKey, wholeKey } from './changes.ts'
import type { ResultShape } from './result-shape.ts'

/**
 * Columns of other tables taken into a model's rows, and what is worked out from them. Applied after the SELECT and
 * the merge, so that an increment can work them out again from the model's own table: when a row of the other table
 * comes or goes, `touchedRowsSql` tells which rows may take something else.
 */

/** Pure. Throws MODEL_INVALID where a lookup could take one of several rows, or an expression is none. */
export function checkRowLookups(model: ModelDefinition, models: ReadonlyMap<string, ModelDefinition>): void {
  for (const lookup of model.rowLookups) {
    const name = formatTableName(lookup.table)
    const other = models.get(name)
    if (other === undefined) throw invalid(model, 'lookups', `lookups: ${name} is no model`, 'TABLE_UNKNOWN')
    if (other.kind !== 'merge') {
      throw invalid(model, 'lookups', `lookups: ${name} is of kind ${other.kind}; rows are taken from a merge`)
    }
    const by = new Set([...lookup.on.map((pair) => pair.other), ...lookup.tieBreak])
    if (lookup.at !== null) by.add(lookup.at.other)
    const open = other.key.filter((column) => !by.has(column))
    if (open.length === 0) continue
    const words = lookup.at === null ? 'on' : 'on, at or tie_break'
    throw invalid(
      model,
      'lookups',
      `lookups: several rows of ${name} could be meant, since ${words} does not name ${open.join(', ')} of its key`,
    )
  }
  for (const { name, sql } of model.derive) {
    const read = readModelSql(`select (${sql}) as ${name} from silver.row`, model.yamlFile)
    if (read.inputs.length === 1 && read.rowwise) continue
    throw invalid(model, 'derive', `derive: ${name} is no expression over the columns of one row`)
  }
}

/** The columns that the lookups take, typed as in their tables. */
export function takenFields(
  model: ModelDefinition,
  fieldsOf: (table: string) => readonly ColumnField[],
): readonly ColumnField[] {
  return model.rowLookups.flatMap(({ table, on, at, tieBreak, take }) => {
    const name = formatTableName(table)
    const fields = new Map(fieldsOf(name).map((field) => [field.name, field]))
    const wanted = [...on.map((pair) => pair.other), ...(at === null ? [] : [at.other]), ...tieBreak]
    const unknown = [...wanted, ...take.map((each) => each.column)].find((column) => !fields.has(column))
    if (unknown !== undefined) throw invalid(model, 'lookups', `lookups: ${name} has no column ${unknown}`)
    return take.map(({ column, as }) => ({ ...fields.get(column)!, name: as, nullable: true }))
  })
}

export interface TakeFrom {
  readonly model: ModelDefinition
  readonly shape: Pick<ResultShape, 'isChanges'>
  /** The rows of a table that readers see, in brackets or by name. */
  readonly view: (table: string) => string
  /** The steps of `boundedSteps` ran before: of a history only what they say is read. */
  readonly bounded?: Bounded
}

/** For an increment, by the lookup's place in the model: which rows ask a history; one that is not named is asked by all. */
export interface Bounded {
  readonly asking: ReadonlyMap<number, AskingKeys>
}

export interface AskingKeys {
  /** SELECT of the keys that ask. All others keep what they took. */
  readonly keys: string
  /** A table of the rows as they were, with the taken columns. */
  readonly old: string
}

/** `rows` (the name of a view with each key once) with the taken columns and the derived ones. */
export function withTakenSql(from: TakeFrom, rows: string): string {
  const { model, shape } = from
  const taken = model.rowLookups.map((lookup, index) => takeSql(from, rows, { lookup, index }))
  const columns = ['r.*', ...taken.flatMap((each) => each.columns)]
  const joined = `select ${columns.join(', ')} from ${rows} r${taken.map((each) => each.join).join('')}`
  if (model.derive.length === 0) return joined
  const derived = model.derive.map(({ name, sql }) => `${unlessDeleted(shape, '_deleted', `(${sql})`)} as ${name}`)
  return `select t.*, ${derived.join(', ')} from (${joined}) t`
}

interface Numbered {
  readonly lookup: RowLookup
  readonly index: number
}

function takeSql(
  { model, shape, view, bounded }: TakeFrom,
  rows: string,
  { lookup, index }: Numbered,
): { readonly columns: readonly string[]; readonly join: string } {
  const l = `l${index}`
  const k = `k${index}`
  const { on, at, take, table } = lookup
  const isKept = at !== null && bounded?.asking.has(index) === true
  const columns = take.map(({ column, as }) => {
    const found = `${l}.${column}`
    const taken = isKept ? `case when ${k}.${model.key[0]!} is not null then ${k}.${as} else ${found} end` : found
    return `${unlessDeleted(shape, 'r._deleted', taken)} as ${as}`
  })
  const matches = on.map((pair) => `${l}.${pair.other} = r.${pair.own}`)
  const name = formatTableName(table)
  if (at === null) return { columns, join: ` left join ${view(name)} ${l} on ${matches.join(' and ')}` }
  const p = `p${index}`
  const from = bounded === undefined ? view(name) : historyName(index)
  const wanted = bounded === undefined ? askedSql(lookup, rows) : 'true'
  const placed = placesSql(model.key, { lookup, from, wanted }, isKept ? askingName(index) : rows)
  return {
    columns,
    join:
      (isKept ? ` left join ${keptName(index)} ${k} on ${sameKey(model.key, k, 'r')}` : '') +
      ` left join (${placed}) ${p} on ${sameKey(model.key, p, 'r')}` +
      ` left join (${historySql({ lookup, from, wanted })}) ${l} on ${matches.join(' and ')} and ${l}.sluice_place = ${p}.sluice_place`,
  }
}

interface From {
  readonly lookup: RowLookup
  readonly from: string
  /** Which of its rows, under alias `x`, count. */
  readonly wanted: string
}

function askedSql({ on }: RowLookup, rows: string): string {
  return `exists (select 1 from ${rows} q where ${on.map((pair) => `q.${pair.own} = x.${pair.other}`).join(' and ')})`
}

function sinceSql({ lookup: { on, at }, index }: Numbered): string {
  const same = on.map((pair, i) => `q.o${i} = x.${pair.other}`)
  return `exists (select 1 from ${sinceName(index)} q where ${same.join(' and ')} and q.sluice_since <= cast(x.${at!.other} as timestamp))`
}

function sinceName(index: number): string {
  return `sluice_since_${index}`
}

function historyName(index: number): string {
  return `sluice_history_${index}`
}

function askingName(index: number): string {
  return `sluice_asking_${index}`
}

function keptName(index: number): string {
  return `sluice_kept_${index}`
}

export interface BoundedFrom extends Pick<TakeFrom, 'model' | 'view'> {
  /** The view over a lookup's table that nothing else reads and that may be narrowed; null where there is none. */
  readonly narrows: (lookup: RowLookup) => string | null
}

/**
 * For each history by time, from when on it is wanted for the rows that ask: from its latest row at or before the first
 * time that is asked for. So a few rows of today do not have the years before put in order, nor does a row of long ago
 * that asks another table. And that much of it, read once.
 */
export function boundedSteps(from: BoundedFrom, rows: string, { asking }: Bounded): readonly EngineStep[] {
  const { model } = from
  return model.rowLookups.flatMap((lookup, index): readonly EngineStep[] => {
    if (lookup.at === null) return []
    const some = asking.get(index)
    if (some === undefined) return sinceSteps(from, { lookup, index }, rows)
    const { keys, old } = some
    const asks = `exists (select 1 from (${keys}) t where ${sameKey(model.key, 't', 'o')})`
    const taken = [...model.key, ...lookup.take.map(({ as }) => as)].map((name) => `o.${name}`)
    const own = new Set([...model.key, ...lookup.on.map((pair) => pair.own), lookup.at.own])
    const isKept = `exists (select 1 from ${keptName(index)} k where ${sameKey(model.key, 'k', 'r')})`
    const columns = [...own].map((name) => `r.${name}`).join(', ')
    return [
      { name: keptName(index), sql: `select ${taken.join(', ')} from ${old} o where not ${asks}` },
      { name: askingName(index), sql: `select ${columns} from ${rows} r where not ${isKept}` },
      ...sinceSteps(from, { lookup, index }, askingName(index)),
    ]
  })
}

function sinceSteps({ view, narrows }: BoundedFrom, { lookup, index }: Numbered, rows: string): readonly EngineStep[] {
  const { on, at, table } = lookup
  if (at === null) return []
  const from = view(formatTableName(table))
  const asked = on.map((pair, i) => `r.${pair.own} as o${i}`).join(', ')
  const own = on.map((pair) => `r.${pair.own}`)
  const known = wholeKey([...on.map((pair) => pair.own), at.own], 'r.')
  const first = `select ${asked}, min(cast(r.${at.own} as timestamp)) as sluice_first from ${rows} r where ${known} group by ${own.join(', ')}`
  const time = `cast(x.${at.other} as timestamp)`
  const same = on.map((pair, i) => `x.${pair.other} = f.o${i}`).join(' and ')
  const keys = on.map((_, i) => `f.o${i}`).join(', ')
  const sql = `select ${keys}, coalesce(max(${time}), f.sluice_first) as sluice_since from (${first}) f left join ${from} x on ${same} and ${time} <= f.sluice_first group by ${keys}, f.sluice_first`
  const history = `select ${decidingColumns(lookup).join(', ')} from ${from} x where x.${at.other} is not null and ${sinceSql({ lookup, index })}`
  const narrowed = narrows(lookup)
  const late = `cast(x.${at.other} as timestamp) >= (select min(sluice_since) from ${sinceName(index)})`
  return [
    { name: sinceName(index), sql },
    ...(narrowed === null
      ? []
      : [{ narrow: narrowed, sql: `select distinct _file as file from ${narrowed} x where ${late}` }]),
    { name: historyName(index), sql: history },
  ]
}

/** The other table's rows, numbered in the order of their time. */
function historySql({ lookup, from, wanted }: From): string {
  const { on, at, tieBreak, take } = lookup
  const by = on.map((pair) => `x.${pair.other}`)
  const order = [`cast(x.${at!.other} as timestamp)`, ...tieBreak.map((name) => `x.${name} nulls first`)]
  const columns = [...new Set([...on.map((pair) => pair.other), ...take.map(({ column }) => column)])]
  return (
    `select ${columns.map((name) => `x.${name}`).join(', ')}, row_number() over (partition by ${by.join(', ')} order by ${order.join(', ')}) as sluice_place` +
    ` from ${from} x where x.${at!.other} is not null and ${wanted}`
  )
}

/**
 * For each of `rows` how many rows of the other table are of its time or earlier: the number of the latest. By one
 * ordered pass over both, so that a long history costs no more than its sort.
 */
function placesSql(key: readonly string[], { lookup, from, wanted }: From, rows: string): string {
  const { on, at } = lookup
  const asked = on.map((_, i) => `o${i}`)
  const own = [
    ...on.map((pair, i) => `r.${pair.own} as o${i}`),
    `cast(r.${at!.own} as timestamp) as sluice_at`,
    '1 as sluice_asks',
    ...key.map((column) => `r.${column}`),
  ]
  const other = [
    ...on.map((pair, i) => `x.${pair.other} as o${i}`),
    `cast(x.${at!.other} as timestamp) as sluice_at`,
    '0 as sluice_asks',
    ...key.map((column) => `null as ${column}`),
  ]
  const both =
    `select ${own.join(', ')} from ${rows} r where ${wholeKey([...on.map((pair) => pair.own), at!.own], 'r.')}` +
    ` union all select ${other.join(', ')} from ${from} x where x.${at!.other} is not null and ${wanted}`
  const place = `sum(1 - sluice_asks) over (partition by ${asked.join(', ')} order by sluice_at, sluice_asks rows between unbounded preceding and current row)`
  return `select ${key.join(', ')}, sluice_place from (select b.*, ${place} as sluice_place from (${both}) b) placed where sluice_asks = 1 and sluice_place > 0`
}

/**
 * Keys of `target`'s rows, with the files that hold them, that may take something else, now that rows of the lookup's table came and went: `changed` is
 * a view of those, read more than once. Where a row keeps the time of what it took, nothing earlier can take its place.
 */
export function touchedRowsSql(
  { key }: ModelDefinition,
  lookup: RowLookup,
  { target, changed }: { readonly target: string; readonly changed: string },
): string {
  const matches = lookup.on.map((pair) => `d.${pair.other} = o.${pair.own}`)
  let rows = target
  let differs = changed
  if (lookup.at !== null) {
    // a row as it was and as it is, and others of its time, tell the same
    const told = [...lookup.on.map((pair) => pair.other), lookup.at.other]
    differs = `(select distinct ${told.join(', ')} from ${changed})`
    const time = `cast(d.${lookup.at.other} as timestamp)`
    const own = `cast(o.${lookup.at.own} as timestamp)`
    matches.push(`${time} <= ${own}`)
    // most of a long table is older than all that changed: that is told without looking for its keys
    rows = `(select o.* from ${target} o where ${own} >= (select min(${time}) from ${changed} d))`
    const kept = lookup.take.find(({ column }) => column === lookup.at?.other)
    if (kept !== undefined) matches.push(`${time} >= coalesce(cast(o.${kept.as} as timestamp), ${time})`)
  }
  return `select ${key.map((column) => `o.${column}`).join(', ')}, o._file from ${rows} o where exists (select 1 from ${differs} d where ${matches.join(' and ')})`
}

/** The columns of the other table that decide what is taken. */
export function decidingColumns({ on, at, tieBreak, take }: RowLookup): readonly string[] {
  return [
    ...new Set([
      ...on.map((pair) => pair.other),
      ...(at === null ? [] : [at.other]),
      ...tieBreak,
      ...take.map(({ column }) => column),
    ]),
  ]
}

function unlessDeleted({ isChanges }: Pick<ResultShape, 'isChanges'>, deleted: string, value: string): string {
  return isChanges ? `case when ${deleted} then null else ${value} end` : value
}

function invalid(
  model: ModelDefinition,
  key: string,
  message: string,
  code: 'MODEL_INVALID' | 'TABLE_UNKNOWN' = 'MODEL_INVALID',
): SluiceError {
  return new SluiceError(code, message, {
    where: { file: model.yamlFile, model: formatTableName(model), key },
  })
}
