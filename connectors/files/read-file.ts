import { SluiceError } from '../../src/domain/errors.ts'
import type { SourceBatch, SourceRefusal, SourceRow } from '../../src/ports/source-connector.ts'
import { formatProgress, progressKey, type FileProgress } from './file-progress.ts'
import { delimiterOf, formatOf, type FilesOptions } from './files-options.ts'
import type { FoundFile } from './list-files.ts'
import { openBytes } from './read-bytes.ts'
import { csvRows, jsonRows, type FileRow } from './read-rows.ts'
import { createRecordSplitter, type RecordSplitter, type TextRecord } from './split-records.ts'

export const BATCH_ROWS = 2_000
export const BATCH_BYTES = 1024 * 1024

export interface ReadFileRequest {
  readonly source: string
  readonly options: FilesOptions
  readonly file: FoundFile
  /** The fingerprint just taken, and the lines passed already. */
  readonly start: FileProgress
  readonly signal: AbortSignal | null
}

/**
 * The rows of one file after `start.lines`, in batches. The last batch says that the file is done, and comes only
 * when the bytes read were the bytes that the fingerprint was taken of; else SOURCE_FILE_CHANGED (rows before may have
 * travelled then).
 */
export async function* readFile({
  source,
  options,
  file,
  start,
  signal,
}: ReadFileRequest): AsyncGenerator<SourceBatch> {
  const csv = formatOf(file.object, options.format) === 'csv'
  const splitter = createSplitter(file, options)
  const toRow = csv ? csvRows({ source, object: file.object, plainNames: options.plainNames }) : jsonRows(options)
  const bytes = openBytes(source, file, signal ?? undefined)
  const held = createBatch(file.object, csv)
  let lines = start.lines

  for await (const records of splitAll(bytes.chunks, splitter)) {
    for (const record of records) {
      const passed = record.lines <= start.lines
      if (passed && !csv) continue
      const row = toRow(record)
      if (passed) continue
      if (held.rows.length > 0 && row.kind === 'row' && row.columns !== held.columns()) {
        yield held.take(progressAt(file, { ...start, lines }))
      }
      lines = record.lines
      held.add(row, record.raw.length)
      if (held.isFull()) yield held.take(progressAt(file, { ...start, lines }))
    }
    if (signal?.aborted === true) return
  }
  if (signal?.aborted === true) return
  if (bytes.digest().sha256 !== start.sha256) {
    throw new SluiceError('SOURCE_FILE_CHANGED', `source ${source}: ${file.object} changed while it was read`, {
      where: { source, file: file.object },
      hint: 'Put whole files into the folder, by a rename; some rows of this one may have travelled.',
    })
  }
  yield held.take(progressAt(file, { ...start, lines, done: true }))
}

export function createSplitter(file: FoundFile, options: FilesOptions): RecordSplitter {
  const csv = formatOf(file.object, options.format) === 'csv'
  return createRecordSplitter({
    delimiter: csv ? delimiterOf(file.object, options) : null,
    maxRecordBytes: options.maxRecordBytes,
  })
}

export async function* splitAll(chunks: AsyncIterable<Buffer>, splitter: RecordSplitter): AsyncGenerator<TextRecord[]> {
  for await (const chunk of chunks) yield splitter.push(chunk)
  yield splitter.end()
}

interface HeldBatch {
  readonly rows: readonly SourceRow[]
  columns(): readonly string[]
  add(row: FileRow, bytes: number): void
  isFull(): boolean
  take(progress: SourceBatch['progress']): SourceBatch
}

function createBatch(object: string, textual: boolean): HeldBatch {
  let columns: readonly string[] = []
  let rows: SourceRow[] = []
  let refused: SourceRefusal[] = []
  let bytes = 0
  return {
    get rows() {
      return rows
    },
    columns: () => columns,
    add: (row, size) => {
      if (row.kind === 'none') return
      bytes += size
      if (row.kind === 'refused') {
        refused.push(row.refusal)
        return
      }
      columns = row.columns
      rows.push(row.row)
    },
    isFull: () => rows.length + refused.length >= BATCH_ROWS || bytes >= BATCH_BYTES,
    take: (progress) => {
      const batch: SourceBatch = { object, columns, textual, rows, refused, progress }
      rows = []
      refused = []
      bytes = 0
      return batch
    },
  }
}

function progressAt(file: FoundFile, progress: FileProgress): SourceBatch['progress'] {
  return new Map([[progressKey(file.object), formatProgress(progress)]])
}
