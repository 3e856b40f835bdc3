import { isAbsolute } from 'node:path'
import { SluiceError } from '../../../domain/errors.ts'
import type { EngineFile } from '../../../ports/model-engine.ts'

/** Text in single quotes; DuckDB knows no escapes inside them but the doubled quote. */
export function quoteText(text: string): string {
  if (text.includes('\0')) throw new SluiceError('IDENTIFIER_INVALID', 'a text holds a zero byte')
  return `'${text.replaceAll("'", "''")}'`
}

export function localFile(file: EngineFile): string {
  if (!isAbsolute(file.localFile)) throw new SluiceError('BUG', `the engine was given a relative path`)
  return file.localFile
}
