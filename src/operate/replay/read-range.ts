import type { DeadLetter } from '../../domain/dead-letter.ts'
import type { ColumnBatch } from '../../domain/column-batch.ts'
import { batchBytes } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { Emit } from '../../domain/events.ts'
import { normalizeRanges, subtractRanges, type OffsetRange } from '../../domain/offset-range.ts'
import { recordOffset, selectRecords, type RecordBatch } from '../../domain/record-batch.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { writeLetters } from '../../error-lane/write-letters.ts'
import type { LaneJudge } from '../../ingest/lane/lane-judge.ts'
import { readLane } from '../../ingest/lane/read-lane.ts'
import type { WriterCache } from '../../ingest/lane/resolve-writers.ts'
import { cutBatch } from '../../ingest/rows/cut-batch.ts'
import { judgeBatch } from '../../ingest/rows/judge-batch.ts'
import type { World } from '../../ports/world.ts'
import type { PartitionReplay } from './plan-replay.ts'

export interface ReadRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'lake' | 'log' | 'runId' | 'signal'>
  readonly table: BronzeTableSettings
  readonly judge: LaneJudge
  readonly writers: WriterCache
  readonly batchId: string
  readonly replay: PartitionReplay
  /** Offsets that must not come back: those of skips (erased). */
  readonly erased: readonly OffsetRange[]
  /** Takes rows when enough are held; what it answers ends the reading: why the replay must begin again. */
  readonly land: (rows: readonly ColumnBatch[]) => Promise<string | null>
  readonly emit: Emit
}

/** What was read of a range. */
export interface ReadRange {
  /** Offsets whose records the log gave: only their rows are replaced. */
  readonly read: readonly OffsetRange[]
  /** Of those, offsets that pass now. */
  readonly landed: readonly OffsetRange[]
  readonly rows: number
  readonly letters: number
}

/**
 * Reads a range from the log and judges it by the function that ingest uses (I15). Letters are durable before this
 * returns, rows go to `land` in portions of `ingest.flush_mb` (I12). What the log has no record for (control, aborted,
 * compacted) is no part of the replay: a row that landed from there before stays.
 */
export async function readRange(request: ReadRequest): Promise<ReadRange | string> {
  const { world, table, judge, writers, replay, erased, land, emit } = request
  const { topic, partition, source, epoch, next } = replay
  const gone: OffsetRange[] = [...erased]
  const landed: OffsetRange[] = []
  let held: ColumnBatch[] = []
  let heldBytes = 0
  let rows = 0
  let letters = 0
  for (let from = replay.first; from < next;) {
    world.signal.throwIfAborted()
    const found = await readLane({ world, table: `bronze.${table.table}`, topic, partition, source, from, writers })
    if (found.stop !== null) throw found.stop
    if (found.batches.length === 0) throw shortRead(replay, from)
    for (const whole of found.batches) {
      if (whole.first >= next) break
      const batch = withoutErased(cutAt(whole, next), erased)
      from = batch.next
      for (const skip of batch.skips) gone.push(skip)
      const judged = judgeBatch(batch, {
        table: table.table,
        judge: judge.judge,
        writers: writers.known,
        epoch,
        runId: world.runId,
        batchId: request.batchId,
        nowMs: world.clock.nowMs(),
        maxRecordBytes: world.settings.ingest.maxRecordBytes,
      })
      judge.learn(judged.rows)
      await writeRefused(request, judged.letters)
      letters += judged.letters.length
      rows += judged.rows.length
      landed.push(...passedOffsets(batch, judged.letters))
      if (judged.rows.length > 0) held.push(judged.rows)
      heldBytes += batchBytes(judged.rows)
      if (heldBytes < world.settings.ingest.flushBytes) continue
      const obstacle = await land(held)
      if (obstacle !== null) return obstacle
      held = []
      heldBytes = 0
    }
    emit({ type: 'fetch.done', topic, partition, first: replay.first, next: from, records: rows + letters })
  }
  const obstacle = held.length === 0 ? null : await land(held)
  if (obstacle !== null) return obstacle
  return { read: subtractRanges([replay], gone), landed: normalizeRanges(landed), rows, letters }
}

async function writeRefused({ world, table, emit }: ReadRequest, letters: readonly DeadLetter[]): Promise<void> {
  const { sealKey } = world.settings.errors
  const newId = (): string => world.clock.newId()
  const written = await writeLetters({ store: world.lake.at('_errors'), letters, sealKey, newId })
  if (written !== null)
    emit({ type: 'letters.written', table: table.table, letters: written.letters, path: written.path })
}

function passedOffsets(batch: RecordBatch, letters: readonly DeadLetter[]): OffsetRange[] {
  const refused = new Set(letters.map(({ log }) => log?.offset))
  const ranges: { first: bigint; next: bigint }[] = []
  for (let index = 0; index < batch.count; index += 1) {
    const offset = recordOffset(batch, index)
    if (refused.has(offset)) continue
    const last = ranges.at(-1)
    if (last !== undefined && last.next === offset) last.next = offset + 1n
    else ranges.push({ first: offset, next: offset + 1n })
  }
  return ranges
}

function cutAt(batch: RecordBatch, next: bigint): RecordBatch {
  if (batch.next <= next) return batch
  for (let index = 0; index < batch.count; index += 1)
    if (recordOffset(batch, index) >= next) return { ...cutBatch(batch, index), next }
  return { ...batch, next, skips: batch.skips.flatMap((skip) => (skip.first < next ? [{ ...skip, next }] : [])) }
}

function withoutErased(batch: RecordBatch, erased: readonly OffsetRange[]): RecordBatch {
  const inside = (offset: bigint): boolean => erased.some(({ first, next }) => offset >= first && offset < next)
  const kept: number[] = []
  for (let index = 0; index < batch.count; index += 1) if (!inside(recordOffset(batch, index))) kept.push(index)
  return kept.length === batch.count ? batch : selectRecords(batch, kept)
}

function shortRead({ topic, partition, next }: PartitionReplay, at: bigint): SluiceError {
  return new SluiceError(
    'OFFSET_OUT_OF_RANGE',
    `${topic}/${partition} gave nothing at offset ${at}, though it said that it holds all up to ${next}`,
    { where: { topic, partition, offset: String(at) }, hint: 'Nothing was changed; replay again.' },
  )
}
