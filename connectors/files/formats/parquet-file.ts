import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { plainNames } from '../../../src/domain/plain-names.ts'
import { ofSource } from '../../../src/domain/source-error.ts'
import { typeText } from '../../../src/domain/type-text.ts'
import type { ParquetReadOptions } from '../../../src/parquet/read-parquet.ts'
import type { DescribedObject, SourceBatch } from '../../../src/ports/source-connector.ts'
import { fileChanged } from '../file-changed.ts'
import { seenUnchanged } from '../file-progress.ts'
import type { FilesOptions } from '../files-options.ts'
import type { OpenFile } from '../read-bytes.ts'
import { HeldRows, progressAt, type ReadFileRequest } from '../read-file.ts'
import { cellValue, valueBytes } from './parquet-values.ts'

/** Of one row group, unpacked: a file of larger ones is refused, for it is read a group at a time. */
const MAX_GROUP_BYTES = 1024 * 1024 * 1024

/** With its libraries only where there is a file of the kind: every process that could read one has this connector. */
const loadReader = () => import('../../../src/parquet/read-parquet.ts')

/**
 * The rows of one file after `start.lines`, in batches; their places count from 1. The last batch says that the file is
 * done, and comes only while it is the file that the fingerprint was taken of; else SOURCE_FILE_CHANGED (rows before
 * may have travelled then).
 */
export async function* readParquetFile(request: ReadFileRequest): AsyncGenerator<SourceBatch> {
  const { source, options, place, file, start, signal } = request
  const held = new HeldRows(file.object, false)
  let columns: readonly string[] | null = null
  let passed = start.lines
  const { readParquetGroups } = await loadReader()
  const groups = readParquetGroups({ ...parquetSource(request), skipRows: start.lines })
  for await (const { first, batch } of groupsOf(source, groups)) {
    if (isAborted(signal)) return
    columns ??= namesOf(batch.fields, options)
    const cells = batch.columns.map((column) => cellValue(column))
    for (let row = Math.max(0, start.lines - first); row < batch.length; row += 1) {
      const values = cells.map((cell) => cell(row))
      passed = first + row + 1
      held.add({ kind: 'row', columns, row: { values, at: String(passed), op: 'c' } }, valueBytes(values))
      if (!held.isFull()) continue
      yield held.take(progressAt(file, { ...start, lines: passed }))
      if (isAborted(signal)) return
    }
  }
  if (isAborted(signal)) return
  if (!seenUnchanged(start, await place.again(file))) throw fileChanged(source, file)
  yield held.take(progressAt(file, { ...start, lines: passed, done: true }))
}

function isAborted(signal: AbortSignal | null): boolean {
  return signal?.aborted === true
}

export async function describeParquet(opened: OpenFile, options: FilesOptions): Promise<DescribedObject> {
  const { source, file } = opened
  const { describeParquetFile } = await loadReader()
  const fields = await ofSource(source, () => describeParquetFile(parquetSource(opened)))
  const names = namesOf(fields, options)
  const columns = fields.map(({ type, nullable }, at) => ({
    name: names[at]!,
    type: typeText(type),
    holds: type,
    nullable,
  }))
  return { name: file.object, columns, key: [], bytes: file.bytes }
}

function parquetSource({ place, file }: OpenFile): ParquetReadOptions {
  return {
    source: { bytes: file.bytes, read: (start, end) => place.range(file, start, end) },
    name: file.object,
    limits: { groupBytes: MAX_GROUP_BYTES },
  }
}

function namesOf(fields: readonly ColumnField[], { plainNames: isPlain }: FilesOptions): readonly string[] {
  const names = fields.map(({ name }) => name)
  return isPlain ? plainNames(names) : names
}

/** What fails of a file is told of its source. */
async function* groupsOf<T>(source: string, groups: AsyncGenerator<T>): AsyncGenerator<T> {
  for (;;) {
    const next = await ofSource(source, () => groups.next())
    if (next.done === true) return
    yield next.value
  }
}
