import { randomUUID } from 'node:crypto'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import { openFileCache } from '../../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../../src/adapters/s3/s3-store.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { writeDataFile } from '../../../src/lake/data-file.ts'
import type { NewFile } from '../../../src/lake/data-file.ts'
import { storePath } from '../../../src/lake/log/file-key.ts'
import type { AddFile } from '../../../src/lake/snapshot.ts'
import { readParquetRows, type ParquetRow } from '../../parquet/whole-file.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { batchOf } from '../../parquet/build-columns.ts'
import { s3Settings, type S3Login } from '../../services/s3-settings.ts'

/** The table that a race is about: offsets of lanes, as ingest lands them, and how often each row was merged. */

export const TABLE = 'silver.race'
export const FOLDER = 'silver/race'
export const FIELDS: readonly ColumnField[] = [
  { name: 'lane', type: { kind: 'string' }, nullable: false },
  { name: 'n', type: { kind: 'int32' }, nullable: false },
  { name: 'rev', type: { kind: 'int32' }, nullable: false },
  { name: 'part', type: { kind: 'string' }, nullable: true },
]
/** Versions that ended longer ago than this are not travelled to. */
export const TRAVEL_MS = 100
export const PARTITIONS = ['part']
export const PARTS = ['a', 'b c', null] as const
export type Part = (typeof PARTS)[number]

/** `n` is the offset. */
export type RaceRow = readonly [lane: string, n: number, rev: number]

export interface RacePlace {
  /** A folder, or `s3://bucket/prefix`. */
  readonly lake: string
  /** Copies of an S3 store's files. */
  readonly work: string
  readonly s3: S3Login | null
}

export function openRaceLake({ lake, work, s3 }: RacePlace): ObjectStore {
  if (s3 === null) return openFilesystemStore(lake)
  return openS3Store({ uri: lake, settings: s3Settings(s3), cache: openFileCache({ folder: work, maxBytes: 1e9 }) })
}

export function writeRows(store: ObjectStore, rows: readonly RaceRow[], part: Part): Promise<NewFile> {
  return writeDataFile({
    store,
    batches: [batchOf(FIELDS.slice(0, 3), rows)],
    fields: FIELDS,
    partitionColumns: PARTITIONS,
    partitionValues: { part },
    unstated: new Set(),
    newId: () => randomUUID(),
  })
}

/** Throws where the file that a version holds is not there. */
export async function readRows(store: ObjectStore, file: AddFile): Promise<RaceRow[]> {
  const source = await store.read(storePath(file.path))
  if (source === null) throw new Error(`${store.uri} declares ${file.path}, which is gone`)
  const rows: RaceRow[] = []
  for await (const row of readParquetRows({ source, name: file.path })) {
    rows.push(raceRow(row))
  }
  return rows
}

export function raceRow(row: ParquetRow): RaceRow {
  return [row['lane'] as string, row['n'] as number, row['rev'] as number]
}

export function rowKey([lane, n]: RaceRow): string {
  return `${lane}/${n}`
}
