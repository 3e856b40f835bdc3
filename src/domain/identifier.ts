import { SluiceError } from './errors.ts'

/**
 * Names that settings or data bring (I14). A name that passes may be used in a path; in SQL it is still quoted by
 * `quoteIdentifier`, because a column of a foreign contract may hold what a path may not.
 */

const PATH_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/
const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const COLUMN_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/

export type Layer = 'bronze' | 'silver' | 'gold'
export const LAYERS: readonly Layer[] = ['bronze', 'silver', 'gold']

export interface TableName {
  readonly layer: Layer
  readonly table: string
}

/** A topic, source or subject name: letters, digits, `_`, `.`, `-`; never a path separator, never leading dots. */
export function checkName(name: string, what: string): string {
  if (!PATH_NAME.test(name)) {
    throw new SluiceError(
      'IDENTIFIER_INVALID',
      `${what} ${JSON.stringify(name)} may hold only letters, digits, "_", "." and "-"`,
    )
  }
  return name
}

export function checkColumnName(name: string): string {
  if (!COLUMN_NAME.test(name)) {
    throw new SluiceError('IDENTIFIER_INVALID', `column ${JSON.stringify(name)} may hold only letters, digits and "_"`)
  }
  return name
}

/** Parses `silver.orders`; with `fallback`, `orders` too. */
export function parseTableName(text: string, fallback?: Layer): TableName {
  const parts = text.split('.')
  const [layer, table] = parts.length === 1 ? [fallback, parts[0]] : [parts[0], parts[1]]
  if (parts.length > 2 || !isLayer(layer) || table === undefined || !TABLE_NAME.test(table)) {
    throw new SluiceError(
      'IDENTIFIER_INVALID',
      `${JSON.stringify(text)} is not a table name such as bronze.orders, silver.orders or gold.dim_customer`,
    )
  }
  return { layer, table }
}

export function formatTableName({ layer, table }: TableName): string {
  return `${layer}.${table}`
}

export function isLayer(text: string | undefined): text is Layer {
  return text === 'bronze' || text === 'silver' || text === 'gold'
}

/** Backquotes are not portable and double quotes are a string in Spark: an engine's adapter passes its own mark. */
export function quoteIdentifier(name: string, mark: '"' | '`' = '"'): string {
  if (name.length === 0 || name.includes('\0'))
    throw new SluiceError('IDENTIFIER_INVALID', 'a name is empty or holds a zero byte')
  return mark + name.replaceAll(mark, mark + mark) + mark
}
