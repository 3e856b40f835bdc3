import { SluiceError } from '../../domain/errors.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import { RESERVED_WORDS } from '../../domain/sql-words.ts'

/** Column names in SQL that we write: plain, so that no engine's quoting is needed (I14). */

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/

/** Returns the name, or throws MODEL_INVALID saying how to give the column another. */
export function plainColumn(name: string, model: ModelDefinition): string {
  if (PLAIN.test(name) && !RESERVED_WORDS.has(name.toLowerCase())) return name
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
