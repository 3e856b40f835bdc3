import type { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { World } from '../../ports/world.ts'
import type { Accumulator } from '../accumulator.ts'
import { readLane } from './read-lane.ts'
import type { WriterCache } from './resolve-writers.ts'

export interface TakeRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'log' | 'signal'>
  readonly table: BronzeTableSettings
  readonly writers: WriterCache
  readonly held: Accumulator
  readonly emit: (happening: Happening) => void
}

/** What a partition's records belong to while it is read. */
export interface OpenPartition {
  readonly epoch: number
  /** The incarnation of the topic; another one is never read in its place (I18). */
  readonly source: bigint
}

export interface Taken {
  readonly batches: number
  /** Why nothing may follow what was taken; null where more may. */
  readonly stop: SluiceError | null
}

/** One fetch of one begun partition, handed to the decoding and held. */
export async function takeBatches(
  request: TakeRequest,
  { partition, epoch, source }: OpenPartition & { readonly partition: number },
): Promise<Taken> {
  const { world, table, writers, held, emit } = request
  const { topic } = table
  const from = held.next({ topic, partition })!
  const room = held.decoding.fetchRoom()
  const read = await readLane({ world, table: `bronze.${table.table}`, topic, partition, from, source, writers, room })
  const nowMs = world.clock.nowMs()
  for (const batch of read.batches) {
    emit({ type: 'fetch.done', topic, partition, first: batch.first, next: batch.next, records: batch.count })
    held.add(batch, epoch, nowMs)
  }
  if (read.batches.length > 0) await held.decoding.take(read.batches, { epoch, nowMs, writers: writers.known })
  return { batches: read.batches.length, stop: read.stop }
}
