import { recordOffset, type BatchSkip, type RecordBatch } from '../../domain/record-batch.ts'

/** The part of a batch before its record `index`: what may still land when that record stops the lane. */
export function cutBatch(batch: RecordBatch, index: number): RecordBatch {
  const next = recordOffset(batch, index)
  return {
    ...batch,
    next,
    count: index,
    offsetDeltas: batch.offsetDeltas.subarray(0, index),
    timestampsMs: batch.timestampsMs.subarray(0, index),
    keyStarts: batch.keyStarts.subarray(0, index),
    keyEnds: batch.keyEnds.subarray(0, index),
    valueStarts: batch.valueStarts.subarray(0, index),
    valueEnds: batch.valueEnds.subarray(0, index),
    headersStarts: batch.headersStarts.subarray(0, index),
    headersEnds: batch.headersEnds.subarray(0, index),
    skips: batch.skips.flatMap((skip): BatchSkip[] => {
      if (skip.first >= next) return []
      return [{ ...skip, next: skip.next < next ? skip.next : next }]
    }),
  }
}
