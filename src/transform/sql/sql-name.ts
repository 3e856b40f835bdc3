import { SluiceError } from '../../domain/errors.ts'
import type { ModelDefinition } from '../../domain/model.ts'

/** Column names in SQL that we write: plain, so that no engine's quoting is needed (I14). */

/** What DuckDB 1.5 or Spark 4 do not take as a column's name without quotes. */
const RESERVED = new Set(
  'all analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by case cast check collate collation column concurrently constraint create cross current_date current_time current_timestamp current_user default deferrable desc describe distinct do else end except execute exists false fetch filter for foreign freeze from full glob grant group having ilike in initially inner intersect into is isnull join lambda lateral leading left like limit localtime localtimestamp minus natural not notnull null offset on only or order outer overlaps percentile_cont percentile_disc pivot pivot_longer pivot_wider placing positional primary qualify references returning right select semi session_user show similar some summarize symmetric table tablesample then to trailing true union unique unpack unpivot user using variadic verbose when where window with within'.split(
    ' ',
  ),
)
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/

/** Returns the name, or throws MODEL_INVALID saying how to give the column another. */
export function plainColumn(name: string, model: ModelDefinition): string {
  if (PLAIN.test(name) && !RESERVED.has(name.toLowerCase())) return name
  throw new SluiceError(
    'MODEL_INVALID',
    `the result column ${JSON.stringify(name)} ${PLAIN.test(name) ? 'is a word of SQL' : 'may hold only letters, digits and "_"'}`,
    { where: { file: model.sqlFile }, hint: 'Name it otherwise: `… as another_name`.' },
  )
}

/** Reads as text in single quotes. Only for texts of ours and for days; never for values of records. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
