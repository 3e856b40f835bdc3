import type { RecordBatch } from '../../domain/record-batch.ts'

/** Records `[from, to)` of a batch, over the same bytes. For looking at records: it keeps no skips. */
export function sliceBatch(batch: RecordBatch, from: number, to: number): RecordBatch {
  return {
    ...batch,
    count: to - from,
    offsetDeltas: batch.offsetDeltas.subarray(from, to),
    timestampsMs: batch.timestampsMs.subarray(from, to),
    keyStarts: batch.keyStarts.subarray(from, to),
    keyEnds: batch.keyEnds.subarray(from, to),
    valueStarts: batch.valueStarts.subarray(from, to),
    valueEnds: batch.valueEnds.subarray(from, to),
    headersStarts: batch.headersStarts.subarray(from, to),
    headersEnds: batch.headersEnds.subarray(from, to),
    skips: [],
  }
}
