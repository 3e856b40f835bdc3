import { SluiceError, classifyError } from '../../domain/errors.ts'
import type { ErrorCode } from '../../domain/errors.ts'

/** DuckDB's failures by their kind. What is about the SQL itself becomes `sqlCode`, with DuckDB's own message. */
export function engineError(error: unknown, sqlCode: Extract<ErrorCode, 'MODEL_SQL' | 'QUERY_INVALID'>): SluiceError {
  if (error instanceof SluiceError) return error
  const message = (error instanceof Error ? error.message : String(error)).replace(/^Failed to [a-z ]+: /, '')
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
    if (sqlCode === 'MODEL_SQL' && ABOUT_VALUES.test(message)) return new SluiceError(sqlCode, withoutValues(message))
    return new SluiceError(sqlCode, message.trim(), { cause: error })
  }
  return classifyError(error)
}

const ABOUT_VALUES = /^(Conversion|Invalid Input|Out of Range|Constraint) Error/

/** DuckDB quotes the value that failed, which belongs to a record (I13). The lines after quote the SQL and stay. */
function withoutValues(message: string): string {
  const [first = '', ...rest] = message.trim().split('\n')
  const masked = first
    .replace(/'.*'/, "'…'")
    .replace(/".*"/, '"…"')
    .replace(/\bvalue \S+/, 'value …')
    .replace(/-?\d+(\.\d+)? [-+*/] -?\d+(\.\d+)?/, '…')
  return [masked, ...rest].join('\n')
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message
}
