import type { PartitionPosition } from '../../domain/position.ts'
import { holdsRow } from '../../domain/row-set.ts'
import { readDeletedRows } from '../../lake/deletion/read-deleted.ts'
import { pruneFiles } from '../../lake/files/prune.ts'
import type { AddFile, Snapshot } from '../../lake/snapshot.ts'
import { cellsOf } from '../../parquet/decode/read-cell.ts'
import type { GroupBounds } from '../../parquet/read-parquet.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { KnownRecord } from './ledger/known-record.ts'
import { landedRows } from './ledger/landed-rows.ts'

export interface LastLandedRequest {
  /** Rooted at the table. */
  readonly store: ObjectStore
  readonly snapshot: Snapshot
  readonly topic: string
  /** The partitions asked for, and where they stand. */
  readonly positions: ReadonlyMap<number, PartitionPosition>
}

const COLUMNS = ['_topic', '_partition', '_epoch', '_offset', '_record_ts']
/** The newest files tell nearly always; a lane that has been silent for longer is not worth a read of its whole table. */
const MAX_FILES = 8

/** By partition, the last row that the table holds of it, from the data files themselves. One that none of the newest files holds a row of is left out. */
export async function readLastLanded(request: LastLandedRequest): Promise<ReadonlyMap<number, KnownRecord>> {
  const { store, snapshot, positions } = request
  const found = new Map<number, KnownRecord>()
  const files = Array.from(snapshot.files.values(), (file) => ({ file, last: lastOffset(file) })).sort((a, b) =>
    compare(b.last, a.last),
  )
  let read = 0
  for (const { file } of files) {
    if (read === MAX_FILES) break
    if (![...positions.keys()].some((partition) => mayAdd({ file, snapshot, partition }, found.get(partition))))
      continue
    read += 1
    await readFile({ ...request, store }, file, found)
  }
  return found
}

interface Sought {
  readonly file: AddFile
  readonly snapshot: Snapshot
  readonly partition: number
}

function mayAdd({ file, snapshot, partition }: Sought, known: KnownRecord | undefined): boolean {
  const { fields, partitionColumns } = snapshot.metadata
  const after = known === undefined ? [] : [{ column: '_offset', min: known.offset + 1n }]
  const wanted = [{ column: '_partition', min: partition, max: partition }, ...after]
  return pruneFiles([file], { fields, partitionColumns }, wanted).length > 0
}

async function readFile(
  { store, topic, positions }: LastLandedRequest,
  file: AddFile,
  found: Map<number, KnownRecord>,
): Promise<void> {
  const { deletionVector: vector, stats } = file
  const gone =
    vector === null ? null : await readDeletedRows(store, { path: file.path, rows: stats?.rows ?? null, vector })
  const backwards = (bounds: GroupBounds): boolean =>
    [...positions.keys()].some((partition) => mayHoldLater(bounds, partition, found.get(partition)))
  for await (const { first, batch } of landedRows(store, file, { columns: COLUMNS, backwards })) {
    const { length, columns } = batch
    const [topicOf, partitionOf, epochOf, offsetOf, timeOf] = columns.map((column) => cellsOf(column))
    if (timeOf === undefined) return
    for (let row = 0; row < length; row += 1) {
      if (gone !== null && holdsRow(gone, first + row)) continue
      const partition = Number(partitionOf!(row))
      const position = positions.get(partition)
      if (position === undefined || Number(epochOf!(row)) !== position.epoch || topicOf!(row) !== topic) continue
      const offset = offsetOf!(row) as bigint
      const known = found.get(partition)
      if (known === undefined || offset > known.offset)
        found.set(partition, { offset, recordTs: timeOf(row) as bigint })
    }
  }
}

/** As `mayAdd`, of a row group. */
function mayHoldLater(bounds: GroupBounds, partition: number, known: KnownRecord | undefined): boolean {
  const [partitions, offsets] = [bounds('_partition'), bounds('_offset')]
  if (partitions !== null && (Number(partitions.min) > partition || Number(partitions.max) < partition)) return false
  return known === undefined || offsets === null || typeof offsets.max !== 'bigint' || offsets.max > known.offset
}

/** A file without statistics may hold the newest. */
function lastOffset({ stats }: AddFile): bigint {
  const last = stats?.max['_offset']
  return typeof last === 'number' || typeof last === 'bigint' ? BigInt(last) : 2n ** 63n
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
