import { SluiceError } from '../../../domain/errors.ts'
import { partitionKey, type PartitionPosition } from '../../../domain/position.ts'
import { pruneFiles } from '../../../lake/files/prune.ts'
import type { AddFile, Snapshot } from '../../../lake/snapshot.ts'
import { cellsOf } from '../../../parquet/decode/read-cell.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import type { TopicSight } from '../known-topic.ts'
import { readPosition } from '../lane-position.ts'
import { landedRows } from './landed-rows.ts'

/**
 * Whether a table still has the positions of the rows that it holds (I1). Other engines may drop a `txn` that nobody
 * moved for a while (`delta.setTransactionRetentionDuration`), and a lane without a position would begin again and land
 * its rows twice. So where a table states no position of a partition, or an older epoch than its rows have, the rows
 * themselves are asked, and a lane that landed some stops. Asked once a partition for as long as it has no position.
 * Non-guarantee: of a position without rows (all were refused, or erased) nothing is known; what is read again then
 * lands nothing twice.
 */
export class LostPositions {
  readonly #asked = new Set<string>()

  /** By partition, where its rows say that it stood; `next` may be less than it was. */
  async find(sight: TopicSight): Promise<ReadonlyMap<number, PartitionPosition>> {
    const { world, table, topic, snapshot, partitions } = sight
    const sought = new Map<number, Sought>()
    for (const partition of snapshot === null ? [] : partitions) {
      const position = readPosition(snapshot!.txns, { topic: topic.topic, partition })
      if (position !== null) this.#asked.delete(askedKey(partition, null))
      // Nothing was ever in it, so nothing of it has landed.
      if (this.#asked.has(askedKey(partition, position)) || (topic.partitions[partition]?.end ?? 0n) === 0n) continue
      sought.set(partition, { position, source: topic.source })
    }
    if (snapshot === null || sought.size === 0) return new Map()
    const store = world.lake.at(`bronze/${table.table}`)
    const lost = await findRows({ store, snapshot, topic: topic.topic, sought })
    for (const [partition, { position }] of sought) {
      if (!lost.has(partition)) this.#asked.add(askedKey(partition, position))
    }
    return lost
  }

  /** The same as what stops a partition. */
  async stops(sight: TopicSight): Promise<ReadonlyMap<number, SluiceError>> {
    const lost = await this.find(sight)
    return new Map(Array.from(lost, ([partition, rows]) => [partition, positionLost(sight, partition, rows)]))
  }
}

function askedKey(partition: number, position: PartitionPosition | null): string {
  return `${partition}/${position?.epoch ?? ''}`
}

interface Sought {
  /** What the table states. */
  readonly position: PartitionPosition | null
  readonly source: bigint
}

interface RowSearch {
  readonly store: ObjectStore
  readonly snapshot: Snapshot
  readonly topic: string
  readonly sought: ReadonlyMap<number, Sought>
}

const COLUMNS = ['_topic', '_partition', '_epoch', '_offset']

async function findRows(search: RowSearch): Promise<ReadonlyMap<number, PartitionPosition>> {
  const found = new Map<number, PartitionPosition>()
  for (const file of search.snapshot.files.values()) {
    if ([...search.sought].some(([partition, { position }]) => mayTell(search, file, { partition, position }))) {
      await readRows(search, file, found)
    }
  }
  return found
}

/** A position that is there has lost its epoch only where statistics say so: else each start would read whole tables. */
function mayTell(
  { snapshot, topic }: RowSearch,
  file: AddFile,
  { partition, position }: { readonly partition: number; readonly position: PartitionPosition | null },
): boolean {
  if (position !== null && file.stats?.max['_epoch'] === undefined) return false
  const epoch = position === null ? [] : [{ column: '_epoch', min: position.epoch + 1 }]
  const ranges = [
    { column: '_partition', min: partition, max: partition },
    { column: '_topic', min: topic, max: topic },
  ]
  return pruneFiles([file], snapshot.metadata, [...ranges, ...epoch]).length > 0
}

async function readRows(
  { store, topic, sought }: RowSearch,
  file: AddFile,
  found: Map<number, PartitionPosition>,
): Promise<void> {
  for await (const { batch } of landedRows(store, file, { columns: COLUMNS })) {
    const { length, columns } = batch
    const [topicOf, partitionOf, epochOf, offsetOf] = columns.map((column) => cellsOf(column))
    if (offsetOf === undefined) return
    for (let row = 0; row < length; row += 1) {
      const partition = Number(partitionOf!(row))
      const asked = sought.get(partition)
      const epoch = Number(epochOf!(row))
      if (asked === undefined || epoch <= (asked.position?.epoch ?? -1) || topicOf!(row) !== topic) continue
      const next = asked.position?.next ?? (offsetOf(row) as bigint) + 1n
      const known = found.get(partition)
      if (known === undefined || epoch > known.epoch || (epoch === known.epoch && next > known.next)) {
        found.set(partition, { next, epoch, source: asked.source })
      }
    }
  }
}

function positionLost({ table, topic, snapshot }: TopicSight, partition: number, rows: PartitionPosition): SluiceError {
  const at = { topic: topic.topic, partition }
  const name = `bronze.${table.table}`
  const stated = snapshot === null ? null : readPosition(snapshot.txns, at)
  const what =
    stated === null
      ? `states no position of ${partitionKey(at)}, and holds its rows up to offset ${rows.next - 1n}`
      : `states epoch ${stated.epoch} of ${partitionKey(at)}, and holds rows of epoch ${rows.epoch}`
  return new SluiceError(
    'POSITION_LOST',
    `${name} ${what}: another engine dropped its \`txn\`; from the log's start all would land twice`,
    {
      where: { ...at, offset: String(rows.next), table: name },
      hint: `Go on behind the rows: \`sluice checkpoint reset --topic ${topic.topic} --partition ${partition} --to-offset ${rows.next}\`.`,
    },
  )
}
