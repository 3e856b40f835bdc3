import type { PackedRecords } from '../../domain/packed-records.ts'
import { BATCH_LIMITS, closeBatch, openBatch, type BatchLimits, type UnplacedBatch } from './stored-batch.ts'

/** Records `[from, to)` of a piece, and where their bytes lie in it. */
interface Part {
  readonly piece: PackedRecords
  readonly from: number
  readonly to: number
  readonly start: number
  readonly end: number
}

/**
 * The very batches that `encodeBatches` makes of the same records. Packed ones stand as a batch's payload has them, so
 * that a batch is a few copies of many records, and none of them becomes an object.
 */
export function encodePacked(pieces: readonly PackedRecords[], limits: BatchLimits = BATCH_LIMITS): UnplacedBatch[] {
  const batches: UnplacedBatch[] = []
  let parts: Part[] = []
  let count = 0
  let payload = 0
  const cut = (): void => {
    if (count > 0) batches.push(joinParts(parts, count, payload))
    parts = []
    count = 0
    payload = 0
  }
  for (const piece of pieces) {
    const { lengths } = piece
    const records = piece.timestampsMs.length
    let [from, start, at] = [0, 0, 0]
    const take = (to: number): void => {
      if (to > from) parts.push({ piece, from, to, start, end: at })
      from = to
      start = at
    }
    for (let record = 0; record < records; record += 1) {
      const key = lengths[record * 3]!
      const value = lengths[record * 3 + 1]!
      const bytes = (key < 0 ? 0 : key) + (value < 0 ? 0 : value) + lengths[record * 3 + 2]!
      if (count > 0 && (count >= limits.records || payload + bytes > limits.payloadBytes)) {
        take(record)
        cut()
      }
      count += 1
      payload += bytes
      at += bytes
    }
    take(records)
  }
  cut()
  return batches
}

function joinParts(parts: readonly Part[], count: number, payload: number): UnplacedBatch {
  const open = openBatch(count, payload)
  let record = 0
  let pos = open.payloadAt
  for (const { piece, from, to, start, end } of parts) {
    open.blob.set(piece.bytes.subarray(start, end), pos)
    pos += end - start
    open.timestamps.set(piece.timestampsMs.subarray(from, to), record)
    for (let i = from; i < to; i += 1, record += 1) {
      open.lengths[record] = piece.lengths[i * 3]!
      open.lengths[count + record] = piece.lengths[i * 3 + 1]!
      open.lengths[count * 2 + record] = piece.lengths[i * 3 + 2]!
    }
  }
  return closeBatch(open)
}
