import type { ColumnField } from '../../domain/column-batch.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type { EngineStep } from '../../ports/model-engine.ts'

export interface ChangeFacts {
  /** Columns of both tables. */
  readonly key: readonly string[]
  /** What a row says, key and watermark among them. */
  readonly columns: readonly ColumnField[]
  /** Null where no bronze table is there; a column that it lacks counts as null. */
  readonly held: ReadonlySet<string> | null
  /** Null where rows do not carry it, or it is no time. */
  readonly watermark: string | null
  /** The part of the range that is read: after this or, where it is read from its beginning, at it. */
  readonly start: { readonly at: string; readonly included: boolean }
  /** Exclusive. Both are `YYYY-MM-DD HH:MM:SS.f`, UTC. */
  readonly end: string
  /** Which of how many parts of the keys; all rows of a key are in one. */
  readonly slice?: { readonly at: number; readonly of: number }
}

const BUCKETS = 4096

export const KINDS = ['new', 'changed', 'older', 'same'] as const
export type ChangeKind = (typeof KINDS)[number]

/**
 * Steps over the views `read_rows` (what a backfill read, in the order of `_offset`) and `bronze_rows`, in the dialect
 * that engines share. They end in `told`, a row a key that was read (`k0`…, `what`: a kind), and `gone`, a row a key whose
 * newest row in bronze lies in the range and that was not read. Newest is by the watermark, then by place, as models
 * order changes; a delete without values goes by its record's time. Pure; names are quoted, times are formatted by us.
 */
export function changeSteps(facts: ChangeFacts): EngineStep[] {
  const { key, columns } = facts
  const ks = key.map((_, at) => `k${at}`)
  const same = (a: string, b: string): string => ks.map((k) => `${a}.${k} = ${b}.${k}`).join(' and ')
  const differs = columns.map((_, at) => `i.c${at} is distinct from l.c${at}`)
  const at = `i.at_time < l.at_time`
  return [
    { name: 'incoming', sql: newest(shape(facts, 'read_rows', null), ks) },
    { name: 'landed', sql: landed(facts, ks) },
    {
      name: 'told',
      sql: `select ${ks.map((k) => `i.${k}`).join(', ')}, case when l.op is null then 'new' when ${at} then 'older' when i.op = 'd' and l.op = 'd' then 'same' when i.op = 'd' or l.op = 'd' then 'changed' when ${differs.join(' or ') || '1 = 0'} then 'changed' else 'same' end as what from incoming i left join landed l on ${same('i', 'l')}`,
    },
    { name: 'gone', sql: gone(facts, ks) },
  ]
}

function landed(facts: ChangeFacts, ks: readonly string[]): string {
  if (facts.held === null) return `select * from incoming where 1 = 0`
  const isRead = `exists (select 1 from incoming i where ${matches(ks, 'b')})`
  return newest(`select * from (${shape(facts, 'bronze_rows', facts.held)}) b where ${isRead}`, ks)
}

function gone(facts: ChangeFacts, ks: readonly string[]): string {
  const { held, watermark, start, end } = facts
  const list = ks.join(', ')
  if (held === null || watermark === null) return `select ${list} from incoming where 1 = 0`
  const inRange = `at_time ${start.included ? '>=' : '>'} timestamp '${start.at}' and at_time < timestamp '${end}'`
  const all = shape(facts, 'bronze_rows', held)
  const touched = `select distinct ${list} from (${all}) t where ${inRange}`
  const left = `select ${list} from (${touched}) b where not exists (select 1 from incoming i where ${matches(ks, 'b')})`
  const rows = `select * from (${all}) b where exists (select 1 from (${left}) i where ${matches(ks, 'b')})`
  return `select ${list} from (${newest(rows, ks)}) n where op <> 'd' and ${inRange}`
}

function matches(ks: readonly string[], of: string): string {
  return ks.map((k) => `${of}.${k} = i.${k}`).join(' and ')
}

/** A table's rows under plain names, so that no column of it meets one of ours. */
function shape(
  { key, columns, watermark, slice }: ChangeFacts,
  table: string,
  held: ReadonlySet<string> | null,
): string {
  const own = (name: string): string => (held === null || held.has(name) ? quoteIdentifier(name) : 'null')
  // Maps have no order of their own to compare by.
  const value = ({ name, type }: ColumnField): string =>
    type.kind === 'map' ? `cast(${own(name)} as varchar)` : own(name)
  const recorded = 'cast(_record_ts as timestamp)'
  const time =
    watermark === null ? 'cast(null as timestamp)' : `coalesce(cast(${own(watermark)} as timestamp), ${recorded})`
  return `select ${[
    ...key.map((name, at) => `${quoteIdentifier(name)} as k${at}`),
    ...columns.map((column, at) => `${value(column)} as c${at}`),
    '_op as op',
    `${time} as at_time`,
    '_epoch as p0, _partition as p1, _offset as p2',
  ].join(', ')} from ${table}${slice === undefined || slice.of === 1 ? '' : ` where ${inSlice(key, slice)}`}`
}

/** By a hash of the key's texts: both tables must have its columns in the same types. */
function inSlice(key: readonly string[], { at, of }: { readonly at: number; readonly of: number }): string {
  const bucket = (index: number): string =>
    `'${Math.floor((index * BUCKETS) / of)
      .toString(16)
      .padStart(3, '0')}'`
  const texts = key.map((name) => `cast(${quoteIdentifier(name)} as varchar)`).join(', ')
  const hashed = `substr(md5(concat_ws('|', ${texts})), 1, 3)`
  return `${hashed} >= ${bucket(at)}${at + 1 === of ? '' : ` and ${hashed} < ${bucket(at + 1)}`}`
}

/** How many rows of bronze lie in the range; null where that cannot be told. */
export function inRangeQuestion({ held, watermark, start, end }: ChangeFacts): string | null {
  if (held === null || watermark === null || !held.has(watermark)) return null
  const time = `cast(${quoteIdentifier(watermark)} as timestamp)`
  return `select count(*) as n from bronze_rows where ${time} >= timestamp '${start.at}' and ${time} < timestamp '${end}'`
}

function newest(rows: string, ks: readonly string[]): string {
  const order = 'at_time desc nulls last, p0 desc, p1 desc, p2 desc'
  return `select * from (select *, row_number() over (partition by ${ks.join(', ')} order by ${order}) as nth from (${rows}) a) b where nth = 1`
}

/** Of each kind how many keys; then how many are gone. */
export const COUNTS = [
  'select what, count(*) as n from told group by what',
  "select 'gone' as what, count(*) as n from gone",
]

/** Keys as texts, the first by their own order. */
export function keysQuestion(keys: number, kind: ChangeKind | 'gone', limit: number): string {
  const ks = Array.from({ length: keys }, (_, at) => `k${at}`)
  const from = kind === 'gone' ? 'gone' : `told where what = '${kind}'`
  const texts = ks.map((k) => `cast(${k} as varchar) as t${k}`).join(', ')
  return `select ${texts} from ${from} order by ${ks.join(', ')} limit ${limit}`
}
