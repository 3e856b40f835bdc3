import { fileChanged } from './file-changed.ts'
import type { SourceBatch, SourceRefusal, SourceRow } from '../../src/ports/source-connector.ts'
import { formatProgress, progressKey, type FileProgress } from './file-progress.ts'
import { delimiterOf, formatOf, type FilesOptions } from './files-options.ts'
import type { FilePlace, FoundFile } from './places/file-place.ts'
import { openBytes } from './read-bytes.ts'
import { csvRows, jsonRows, type FileRow } from './formats/read-rows.ts'
import { createRecordSplitter, type RecordSplitter, type TextRecord } from './formats/split-records.ts'

export const BATCH_ROWS = 2_000
export const BATCH_BYTES = 1024 * 1024

export interface ReadFileRequest {
  readonly source: string
  readonly options: FilesOptions
  readonly place: FilePlace
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
  place,
  file,
  start,
  signal,
}: ReadFileRequest): AsyncGenerator<SourceBatch> {
  const csv = formatOf(file.object, options.format) === 'csv'
  const splitter = createSplitter(file, options)
  const toRow = csv ? csvRows({ source, object: file.object, plainNames: options.plainNames }) : jsonRows(options)
  const bytes = openBytes({ source, place, file }, signal ?? undefined)
  const held = new HeldRows(file.object, csv)
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
    throw fileChanged(source, file)
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

/** Rows of one list of columns on their way into a batch. */
export class HeldRows {
  rows: SourceRow[] = []
  readonly #object: string
  readonly #textual: boolean
  #columns: readonly string[] = []
  #refused: SourceRefusal[] = []
  #bytes = 0

  constructor(object: string, textual: boolean) {
    this.#object = object
    this.#textual = textual
  }

  columns(): readonly string[] {
    return this.#columns
  }

  add(row: FileRow, bytes: number): void {
    if (row.kind === 'none') return
    this.#bytes += bytes
    if (row.kind === 'refused') {
      this.#refused.push(row.refusal)
      return
    }
    this.#columns = row.columns
    this.rows.push(row.row)
  }

  isFull(): boolean {
    return this.rows.length + this.#refused.length >= BATCH_ROWS || this.#bytes >= BATCH_BYTES
  }

  take(progress: SourceBatch['progress']): SourceBatch {
    const batch: SourceBatch = {
      object: this.#object,
      columns: this.#columns,
      textual: this.#textual,
      rows: this.rows,
      refused: this.#refused,
      progress,
    }
    this.rows = []
    this.#refused = []
    this.#bytes = 0
    return batch
  }
}

export function progressAt(file: FoundFile, progress: FileProgress): SourceBatch['progress'] {
  return new Map([[progressKey(file.object), formatProgress(progress)]])
}
