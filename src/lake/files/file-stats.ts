import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import type { ColumnStats } from '../../domain/column-stats.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import { rawJson, writeLogJson, type LogJson } from '../log/log-json.ts'

export interface StatedFile {
  readonly rows: number
  readonly stats: readonly ColumnStats[]
  /** The table's columns; statistics of others, and of partition columns, are left out. */
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  /** Columns whose least and greatest value must not stand in the log. */
  readonly unstated: ReadonlySet<string>
}

/**
 * The text of `add.stats` (PROTOCOL, "Per-file Statistics"), of every column: a commit leaves those that its table wants
 * (`statsTrimmer`).
 */
export function formatStats({ rows, stats, fields, partitionColumns, unstated }: StatedFile): string {
  const stored = fields.filter((field) => !partitionColumns.includes(field.name))
  const own = leafTypes(stored)
  const [minValues, maxValues, nullCount]: [Tree, Tree, Tree] = [{}, {}, {}]
  for (const { column, inside = [], nulls, min, max } of stats) {
    const path = [column, ...inside]
    const type = own.get(pathKey(path))
    if (type === undefined) continue
    put(nullCount, path, nulls)
    if (unstated.has(column)) continue
    const [least, greatest] = [boundOf(min, type), boundOf(max, type)]
    if (least !== null) put(minValues, path, least)
    if (greatest !== null) put(maxValues, path, greatest)
  }
  return writeLogJson({ numRecords: rows, minValues, maxValues, nullCount })
}

function leafTypes(fields: readonly ColumnField[]): ReadonlyMap<string, ColumnType> {
  const types: [string, ColumnType][] = []
  const visit = ({ name, type }: ColumnField, above: readonly string[]): void => {
    const path = [...above, name]
    if (type.kind === 'struct') for (const field of type.fields) visit(field, path)
    else types.push([pathKey(path), type])
  }
  for (const field of fields) visit(field, [])
  return new Map(types)
}

/** Names hold no NUL: Parquet and Delta state them as text. */
function pathKey(path: readonly string[]): string {
  return path.join('\u0000')
}

interface Tree {
  [name: string]: LogJson
}

/** Own properties only: a column may be called like anything. */
function put(tree: Tree, path: readonly string[], value: LogJson): void {
  const [name, ...rest] = path
  const key = name!
  if (rest.length === 0) {
    define(tree, key, value)
    return
  }
  if (!Object.hasOwn(tree, key)) define(tree, key, {})
  put(tree[key] as Tree, rest, value)
}

function define(tree: Tree, key: string, value: LogJson): void {
  Object.defineProperty(tree, key, { value, enumerable: true, writable: true, configurable: true })
}

const DIGITS = /^-?\d+(\.\d+)?$/

/** As it stands in the log; numbers that JSON cannot state (NaN, infinities) are no bounds. */
function boundOf(value: JsonValue | undefined, { kind }: ColumnType): LogJson {
  if (value === undefined || typeof value === 'object' || (typeof value === 'number' && !Number.isFinite(value))) {
    return null
  }
  if (typeof value !== 'string' || (kind !== 'int64' && kind !== 'decimal')) return value
  return DIGITS.test(value) ? rawJson(value) : null
}
