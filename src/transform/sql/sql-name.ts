import { SluiceError } from '../../domain/errors.ts'
import type { ModelDefinition } from '../../domain/model.ts'

/** Column names in SQL that we write: plain, so that no engine's quoting is needed (I14). */

const RESERVED = new Set(
  'all and any array as asc asymmetric between both by case cast check collate column constraint create cross current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc describe distinct do else end except exists false fetch filter for foreign from full grant group having ilike in initially inner intersect into is isnull join lambda lateral leading left like limit localtime localtimestamp minus natural not notnull null offset on only or order outer overlaps pivot placing positional primary qualify references returning right select semi session_user show similar some summarize symmetric table then to trailing true union unique unpivot user using values variadic when where window with'.split(
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
