import { classifyError, SluiceError } from '../../domain/errors.ts'
import type { ColumnRoom } from '../../domain/column-room.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import type { FetchOutcome } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { cutBatch } from '../rows/cut-batch.ts'
import type { WriterCache } from './resolve-writers.ts'

/** What one fetch gave a lane: batches that can be judged, and why nothing may follow them, if so. */
export interface LaneRead {
  readonly batches: readonly RecordBatch[]
  /** Only a person can clear it; what comes before it may land. */
  readonly stop: SluiceError | null
}

export interface LaneReadRequest {
  readonly world: Pick<World, 'log' | 'settings' | 'signal'>
  readonly table: string
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly source: bigint
  readonly writers: WriterCache
  /** Of `FetchRequest`. */
  readonly room?: ColumnRoom | undefined
}

/**
 * Fetches and resolves the writer schemas. Faults that only a person can clear come back as `stop`, so that they stop
 * this partition and no other (I8); those worth a retry are thrown.
 */
export async function readLane(request: LaneReadRequest): Promise<LaneRead> {
  const fetched = await fetchFrom(request)
  if (fetched === 'interrupted') return { batches: [], stop: null }
  if (fetched instanceof SluiceError) return { batches: [], stop: fetched }
  if (fetched.kind === 'empty') return { batches: [], stop: null }
  if (fetched.kind !== 'batches') return { batches: [], stop: unreachable(request, fetched) }
  const batches: RecordBatch[] = []
  for (const batch of fetched.batches) {
    const unknown = await request.writers.resolve(batch)
    if (unknown === null) {
      batches.push(batch)
      continue
    }
    const cut = cutBatch(batch, unknown.index)
    const message = `${batch.topic}/${batch.partition} offset ${cut.next} names schema id ${unknown.schemaId}, which the registry does not have`
    const where = { topic: batch.topic, partition: batch.partition, offset: String(cut.next), table: request.table }
    return { batches: [...batches, cut], stop: new SluiceError('SCHEMA_ID_UNKNOWN', message, { where }) }
  }
  return { batches, stop: null }
}

type Fetched = FetchOutcome | SluiceError | 'interrupted'

async function fetchFrom({ world, topic, partition, from, source, room }: LaneReadRequest): Promise<Fetched> {
  try {
    const { fetchBytes: maxBytes, maxBatchBytes } = world.settings.ingest
    const at = { topic, partition, from, source, room }
    return await world.log.fetch({ ...at, maxBytes, maxBatchBytes, waitMs: 0, signal: world.signal })
  } catch (error) {
    // What was read before stays good, and is flushed.
    if (world.signal.aborted) return 'interrupted'
    const known = classifyError(error)
    if (known.row.retry === 'operator') return known
    throw error
  }
}

type Unreachable = Exclude<FetchOutcome, { kind: 'batches' } | { kind: 'empty' }>

function unreachable({ topic, partition, from, table }: LaneReadRequest, fetched: Unreachable): SluiceError {
  if (fetched.kind === 'no_topic') {
    return new SluiceError(
      'SOURCE_CHANGED',
      `${topic}/${partition}, which ${table} reads, is gone, or was made again under its name`,
      {
        where: { topic, partition, table },
      },
    )
  }
  return outOfRange({ topic, partition, table }, { next: from, ...fetched })
}

/** A position in the old one tells nothing of the new one: all that it holds is unread, and of the old one what came after. */
export function sourceChanged(
  at: { readonly topic: string; readonly partition: number; readonly table: string },
  { next, held }: { readonly next: bigint; readonly held: { readonly start: bigint; readonly end: bigint } | null },
): SluiceError {
  const now = held === null ? 'there is no such partition' : `it holds [${held.start},${held.end}), all of it unread`
  return new SluiceError(
    'SOURCE_CHANGED',
    `${at.topic}/${at.partition} is not the topic that ${at.table} read before, up to offset ${next}: it was made again, or the broker is another one; ${now}`,
    { where: at },
  )
}

export function outOfRange(
  at: { readonly topic: string; readonly partition: number; readonly table: string },
  { next, start, end }: { readonly next: bigint; readonly start: bigint; readonly end: bigint },
): SluiceError {
  const gap =
    next < start
      ? `${start - next} records were removed before they were read`
      : `the log ends ${next - end} records before that`
  return new SluiceError(
    'OFFSET_OUT_OF_RANGE',
    `${at.table} reads ${at.topic}/${at.partition} next at offset ${next}, and the log holds [${start},${end}): ${gap}`,
    {
      where: { ...at, offset: String(next) },
    },
  )
}
