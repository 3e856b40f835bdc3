import { SluiceError } from './errors.ts'
import type { SettingValue } from './setting-declarations.ts'
import { setting, type Setting } from './setting-declarations.ts'
import { checkSqlName, parseTablePath } from './source-name.ts'

/** What every connector that reads a database's table declares, beside how the database is reached. */
export function databaseSettings({ table }: { readonly table: string }): Readonly<Record<string, Setting>> {
  return {
    table: setting({
      type: { kind: 'text' },
      required: true,
      example: table,
      meaning: 'The table or view that is read, with its schema.',
    }),
    columns: setting({
      type: { kind: 'texts' },
      meaning: 'Columns that travel (default: all of the table).',
    }),
    primary_key: setting({
      type: { kind: 'texts' },
      required: true,
      example: ['order_id'],
      meaning: "Columns that name a row; without `key`, the record's key too.",
    }),
    load_type: setting({
      type: { kind: 'choice', values: ['incremental', 'full'] },
      default: 'incremental',
      meaning:
        '`incremental` reads rows behind the watermark; `full` reads all, sends what differs from what was sent, and a delete for each key that is gone.',
    }),
    watermark_column: setting({
      type: { kind: 'text' },
      example: 'updated_at',
      meaning: 'For `incremental`: grows with every insert and update of a row.',
    }),
    watermark_state_key: setting({
      type: { kind: 'text' },
      meaning: 'Name that the watermark is published under where `watermark_mirror` is set.',
    }),
    overlap: setting({
      type: { kind: 'duration', forever: false },
      meaning:
        'How far behind the watermark rows are looked at again, for transactions that commit late (default: 1m; 1d where the watermark is a date; none where it is no time).',
    }),
    soft_delete_column: setting({
      type: { kind: 'text' },
      meaning: 'A row whose value here is neither null nor false is sent as a delete.',
    }),
    batch_rows: setting({
      type: { kind: 'integer', min: 1, max: 1_000_000 },
      default: 10_000,
      meaning: 'Rows that are fetched, and appended, together.',
    }),
    page_rows: setting({
      type: { kind: 'integer', min: 1, max: 1_000_000_000 },
      default: 1_000_000,
      meaning: 'Rows that one query reads before the next begins behind them.',
    }),
    max_rows_per_second: setting({
      type: { kind: 'integer', min: 1, max: 1_000_000_000 },
      meaning: 'Upper bound of what is read of the source (default: none).',
    }),
  }
}

/** The options of one source, checked. */
export interface DatabaseOptions {
  /** Its name with its schema, in parts. */
  readonly table: readonly string[]
  /** Null: all of the table. */
  readonly columns: readonly string[] | null
  readonly primaryKey: readonly string[]
  /** `stream`: the database keeps what changed; which feed of it is the connector's own to say. */
  readonly load:
    | { readonly kind: 'full' }
    | { readonly kind: 'incremental'; readonly watermarkColumn: string }
    | { readonly kind: 'stream' }
  /** Null: what suits the type of the watermark column. */
  readonly overlapMs: number | null
  readonly softDeleteColumn: string | null
  readonly batchRows: number
  readonly pageRows: number
  readonly maxRowsPerSecond: number | null
}

type Options = Readonly<Record<string, SettingValue>>

/** Whether rows of a source can be told by a watermark: a range of it, or a place to read on from. */
export function hasWatermark({ options }: { readonly options: Options }): boolean {
  return typeof options['watermark_column'] === 'string' && options['load_type'] !== 'full'
}

/** Throws SETTINGS_INVALID or IDENTIFIER_INVALID, with the key. */
export function readDatabaseOptions(source: string, options: Options): DatabaseOptions {
  const at = (key: string): string => `sources.${source}.${key}`
  const text = (key: string): string | null => {
    const value = options[key] ?? null
    return typeof value === 'string' ? value : null
  }
  const number = (key: string, otherwise: number): number => {
    const value = options[key]
    return typeof value === 'number' ? value : otherwise
  }
  const names = (key: string): readonly string[] | null => {
    const value = options[key] ?? null
    if (value === null || typeof value !== 'object') return null
    for (const name of value) checkSqlName(name, at(key))
    if (new Set(value).size < value.length) throw refused(at(key), 'names a column twice')
    return value
  }
  const column = (key: string): string | null => {
    const name = text(key)
    return name === null ? null : checkSqlName(name, at(key))
  }
  const table = text('table')
  if (table === null) throw refused(at('table'), 'is missing')
  const primaryKey = names('primary_key') ?? []
  if (primaryKey.length === 0) throw refused(at('primary_key'), 'is missing: it tells rows of one watermark apart')
  const columns = names('columns')
  if (columns?.length === 0) throw refused(at('columns'), 'is empty')
  const watermarkColumn = column('watermark_column')
  const loadType = text('load_type')
  const isOther = loadType === 'full' || loadType === 'stream'
  if (!isOther && watermarkColumn === null)
    throw refused(at('watermark_column'), 'is missing; a table without one is read with `load_type: full`')
  const rate = options['max_rows_per_second']
  const overlap = options['overlap']
  return {
    table: parseTablePath(table, at('table')),
    columns,
    primaryKey,
    load:
      isOther || watermarkColumn === null
        ? { kind: loadType === 'stream' ? 'stream' : 'full' }
        : { kind: 'incremental', watermarkColumn },
    overlapMs: typeof overlap === 'number' ? overlap : null,
    softDeleteColumn: column('soft_delete_column'),
    batchRows: number('batch_rows', 10_000),
    pageRows: number('page_rows', 1_000_000),
    maxRowsPerSecond: typeof rate === 'number' ? rate : null,
  }
}

function refused(key: string, why: string): SluiceError {
  return new SluiceError('SETTINGS_INVALID', `${key} ${why}`, { where: { key } })
}
