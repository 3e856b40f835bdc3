import type { ColumnBatch, ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import { writeParquet } from '../parquet/write-parquet.ts'
import type { StagedFile } from '../ports/model-engine.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { NewFile } from './files/add-file.ts'
import { formatStats } from './files/file-stats.ts'
import { refuseNulls } from './files/not-null.ts'
import type { PartitionValues } from './log/action.ts'
import { logPath } from './log/file-key.ts'
import { partitionFolder, partitionValue } from './files/partition-path.ts'

export type { NewFile } from './files/add-file.ts'

interface TableShape {
  /** Rooted at the table. */
  readonly store: ObjectStore
  /** The table's columns. */
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  readonly newId: () => string
}

export interface DataFileRequest extends TableShape {
  /** At least one; columns of the partition are left out of the file. */
  readonly batches: readonly ColumnBatch[]
  /** Delta's text form; an empty text is stored as null. */
  readonly partitionValues: PartitionValues
  /** Columns whose least and greatest value must not stand in the log: those of personal data (I13). */
  readonly unstated: ReadonlySet<string>
}

export interface StagedFileRequest extends TableShape {
  readonly staged: StagedFile
  /** Beside those that the engine left out of its statistics. */
  readonly unstated?: ReadonlySet<string>
}

/**
 * Writes rows as one Parquet file of the table. The file is durable before this returns, and in no version of the table.
 * A null in a column that takes none is refused (COLUMN_NOT_NULL).
 */
export async function writeDataFile(request: DataFileRequest): Promise<NewFile> {
  const { store, batches, fields, partitionColumns, partitionValues, unstated } = request
  const stored = fields.filter((field) => !partitionColumns.includes(field.name))
  const values = completeValues(partitionColumns, partitionValues)
  refuseNulls({ uri: store.uri, fields, partitionColumns }, { partitionValues: values, nulls: () => undefined })
  const { bytes, rows, stats } = writeParquet({ fields: stored, batches })
  const path = newPath(request, values)
  await store.put(path, bytes)
  return describeFile(request, {
    path,
    values,
    rows,
    statsText: formatStats({ rows, stats, fields, partitionColumns, unstated }),
  })
}

/** Moves a finished local Parquet file of an engine into the table. COLUMN_NOT_NULL as the engine counted nulls. */
export async function addStagedFile(request: StagedFileRequest): Promise<NewFile> {
  const { store, staged, fields, partitionColumns, unstated = new Set() } = request
  const { rows, stats } = staged
  const values = completeValues(partitionColumns, staged.partitionValues)
  const nulls = (name: string): number | undefined =>
    stats.find(({ column, inside = [] }) => column === name && inside.length === 0)?.nulls
  refuseNulls({ uri: store.uri, fields, partitionColumns }, { partitionValues: values, nulls })
  const path = newPath(request, values)
  await store.putFile(path, staged.localFile)
  return describeFile(request, {
    path,
    values,
    rows,
    statsText: formatStats({ rows, stats, fields, partitionColumns, unstated }),
  })
}

interface WrittenFile {
  readonly path: string
  readonly values: PartitionValues
  readonly rows: number
  readonly statsText: string
}

/** Size and time are what the store says, so that the log never states another file than the one there. */
async function describeFile({ store }: TableShape, { path, values, rows, statsText }: WrittenFile): Promise<NewFile> {
  const stat = await store.stat(path)
  if (stat === null) {
    throw new SluiceError('STORE_UNAVAILABLE', `${store.uri}/${path} was written and is not there`, {
      where: { file: path },
    })
  }
  return {
    path: logPath(path),
    partitionValues: values,
    bytes: stat.bytes,
    modificationTimeMs: stat.modifiedMs,
    rows,
    statsText,
    tags: null,
  }
}

function newPath({ partitionColumns, newId }: TableShape, values: PartitionValues): string {
  return `${partitionFolder(partitionColumns, values)}part-${newId()}.parquet`
}

/** Delta wants a value, or null, for every partition column. */
function completeValues(partitionColumns: readonly string[], values: PartitionValues): PartitionValues {
  return Object.fromEntries(partitionColumns.map((column) => [column, partitionValue(values[column])]))
}
