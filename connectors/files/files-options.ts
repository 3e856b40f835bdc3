import { SluiceError } from '../../src/domain/errors.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'

/** The options of one source, checked. */
export interface FilesOptions {
  readonly path: string
  /** Null: every file of a known ending. */
  readonly pattern: string | null
  readonly format: 'auto' | FileFormat
  /** One ASCII character. */
  readonly delimiter: string
  /** Columns come under the names that `plainNames` gives them. */
  readonly plainNames: boolean
  readonly maxRecordBytes: number
}

export type FileFormat = 'csv' | 'jsonl' | 'parquet'

const DEFAULT_MAX_RECORD_BYTES = 1024 * 1024

export function readFilesOptions(name: string, options: SourceSettings['options']): FilesOptions {
  const refuse = (key: string, why: string): SluiceError =>
    new SluiceError('SETTINGS_INVALID', `sources.${name}.${key} ${why}`, { where: { key: `sources.${name}.${key}` } })
  const text = (key: string): string | null => {
    const value = options[key] ?? null
    if (value === null) return null
    if (typeof value !== 'string' || value === '') throw refuse(key, 'is no text')
    return value
  }
  const path = text('path')
  if (path === null) throw refuse('path', 'is missing')
  const format = text('format') ?? 'auto'
  if (format !== 'auto' && format !== 'csv' && format !== 'jsonl' && format !== 'parquet')
    throw refuse('format', 'is none of auto, csv, jsonl, parquet')
  const delimiter = text('delimiter') ?? ','
  if (!/^[\t\x20-\x7e]$/.test(delimiter) || delimiter === '"') {
    throw refuse('delimiter', 'must be one ASCII character other than a quote')
  }
  const pattern = text('pattern')
  if (pattern !== null && (pattern.startsWith('/') || pattern.split('/').includes('..'))) {
    throw refuse('pattern', 'must stay below path')
  }
  const bytes = options['max_record_mb'] ?? DEFAULT_MAX_RECORD_BYTES
  if (typeof bytes !== 'number' || bytes < 1) throw refuse('max_record_mb', 'is no size')
  const plainNames = options['plain_names'] === true
  return { path, pattern, format, delimiter, plainNames, maxRecordBytes: bytes }
}

/** How a file is written, by its options and its ending; null where neither tells. */
export function formatOf(object: string, format: FilesOptions['format']): FileFormat | null {
  if (format !== 'auto') return format
  if (/\.(parquet|pq)$/i.test(object)) return 'parquet'
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(object)?.[1]?.toLowerCase()
  if (ending === 'csv' || ending === 'tsv') return 'csv'
  return ending === 'jsonl' || ending === 'ndjson' ? 'jsonl' : null
}

export function delimiterOf(object: string, options: FilesOptions): string {
  return options.format === 'auto' && /\.tsv(\.gz)?$/i.test(object) ? '\t' : options.delimiter
}

export function isGzip(object: string): boolean {
  return /\.gz$/i.test(object)
}
