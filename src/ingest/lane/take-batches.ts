import type { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { World } from '../../ports/world.ts'
import type { Accumulator } from '../accumulator.ts'
import { judgeBatch } from '../rows/judge-batch.ts'
import type { LaneJudge } from './lane-judge.ts'
import { readLane } from './read-lane.ts'
import type { WriterCache } from './resolve-writers.ts'

export interface TakeRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'log' | 'runId' | 'signal'>
  readonly table: BronzeTableSettings
  readonly writers: WriterCache
  readonly judge: LaneJudge
  readonly held: Accumulator
  readonly batchId: string
  readonly emit: (happening: Happening) => void
}

export interface Taken {
  readonly batches: number
  /** Why nothing may follow what was taken; null where more may. */
  readonly stop: SluiceError | null
}

/** One fetch of one begun partition, judged and held. */
export async function takeBatches(
  request: TakeRequest,
  { partition, epoch }: { readonly partition: number; readonly epoch: number },
): Promise<Taken> {
  const { world, table, writers, judge, held, batchId, emit } = request
  const { topic } = table
  const from = held.next({ topic, partition })!
  const read = await readLane({ world, table: `bronze.${table.table}`, topic, partition, from, writers })
  for (const batch of read.batches) {
    emit({ type: 'fetch.done', topic, partition, first: batch.first, next: batch.next, records: batch.count })
    const judged = judgeBatch(batch, {
      table: table.table,
      judge: judge.judge,
      writers: writers.known,
      epoch,
      runId: world.runId,
      batchId,
      nowMs: world.clock.nowMs(),
      maxRecordBytes: world.settings.ingest.maxRecordBytes,
    })
    judge.learn(judged.rows)
    held.add(judged, world.clock.nowMs())
  }
  return { batches: read.batches.length, stop: read.stop }
}
