import { SluiceError, classifyError } from '../../domain/errors.ts'
import type { ErrorCode } from '../../domain/errors.ts'

/** DuckDB's failures by their kind. What is about the SQL itself becomes `sqlCode`, with DuckDB's own message but for the values that it quotes. */
export function engineError(error: unknown, sqlCode: Extract<ErrorCode, 'MODEL_SQL' | 'QUERY_INVALID'>): SluiceError {
  if (error instanceof SluiceError) return error
  const message = (error instanceof Error ? error.message : String(error)).replace(ABOUT_ITS_CALL, '')
  if (/^(Out of Memory|OutOfMemory)/i.test(message)) {
    return new SluiceError('ENGINE_RESOURCES', firstLine(message), { cause: error })
  }
  if (/No space left|max_temp_directory_size/i.test(message)) {
    return new SluiceError('DISK_FULL', firstLine(message), { cause: error })
  }
  if (/^IO Error: No files found|^IO Error: Cannot open file .*No such file/i.test(message)) {
    return new SluiceError('TABLE_FILES_MISSING', firstLine(message), { cause: error })
  }
  if (/^IO Error/i.test(message)) return new SluiceError('STORE_UNAVAILABLE', firstLine(message), { cause: error })
  if (/^(INTERNAL|FATAL) Error/i.test(message)) return new SluiceError('BUG', firstLine(message), { cause: error })
  if (/^[A-Za-z ]+ Error: /.test(message)) {
    if (ABOUT_VALUES.test(message)) return new SluiceError(sqlCode, withoutValues(message))
    return new SluiceError(sqlCode, message.trim(), { cause: error })
  }
  return classifyError(error)
}

/** What is put before DuckDB's own words by the client, and by the engine where it is asked whether a statement is done. */
const ABOUT_ITS_CALL =
  /^(Failed to [a-z ]+: |Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result\nError: )/

const ABOUT_VALUES = /^(Conversion|Invalid Input|Out of Range|Constraint) Error/

/**
 * DuckDB quotes the value that failed, which belongs to a record (I13): in the first line or below it, over several
 * lines where the value has them. What stays are the first line without it, and the lines that quote the SQL.
 */
function withoutValues(message: string): string {
  const lines = message.trim().split('\n')
  const at = lines.findLastIndex((line) => /^LINE \d+: /.test(line))
  const said = (at < 0 ? lines : lines.slice(0, at)).join('\n').trim()
  const masked = said
    .replace(/'[\s\S]*'/, "'…'")
    .replace(/"[\s\S]*"/, '"…"')
    .replace(/\bvalue \S+/, 'value …')
    .replace(/-?\d+(\.\d+)? [-+*/] -?\d+(\.\d+)?/, '…')
    .replace(/\d{5,}(\.\d+)?/g, '…')
  return [firstLine(masked), ...(at < 0 ? [] : ['', ...lines.slice(at)])].join('\n')
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message
}
