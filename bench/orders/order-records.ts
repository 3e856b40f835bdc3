import type { OutgoingRecord, RecordBatch } from '../../src/domain/record-batch.ts'

/** A batch of the measured orders as records to append; `schemaId` is what the registry gave their contract. */
export function orderRecords(batch: RecordBatch, schemaId: number): OutgoingRecord[] {
  const { bytes, keyStarts, keyEnds, valueStarts, valueEnds, timestampsMs } = batch
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: batch.count }, (_, i): OutgoingRecord => {
    view.setUint32(valueStarts[i]! + 1, schemaId)
    return {
      key: bytes.subarray(keyStarts[i], keyEnds[i]),
      value: bytes.subarray(valueStarts[i], valueEnds[i]),
      headers: [],
      timestampMs: timestampsMs[i]!,
    }
  })
}
