import type { RecordHeader } from '../domain/dead-letter.ts'
import { encodeHeaders, type RecordBatch } from '../domain/record-batch.ts'

export interface PlacedRecord {
  readonly offset: bigint
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  readonly timestampMs: number
}

/**
 * Records as a batch of one topic-partition, at least one, offsets ascending and less than 2^31 apart. Sparse: nothing
 * stands between its offsets; `first` and `next` are only its borders. Pure.
 */
export function packRecords(
  place: { readonly topic: string; readonly partition: number },
  records: readonly PlacedRecord[],
): RecordBatch {
  const count = records.length
  const first = records[0]!.offset
  const parts: Uint8Array[] = []
  let at = 0
  const put = (bytes: Uint8Array | null): [number, number] => {
    if (bytes === null) return [-1, -1]
    parts.push(bytes)
    at += bytes.length
    return [at - bytes.length, at]
  }
  const spans = () => ({ starts: new Int32Array(count), ends: new Int32Array(count) })
  const [keys, values, headers] = [spans(), spans(), spans()]
  const offsetDeltas = new Int32Array(count)
  const timestampsMs = new Float64Array(count)
  records.forEach((record, i) => {
    offsetDeltas[i] = Number(record.offset - first)
    timestampsMs[i] = record.timestampMs
    ;[keys.starts[i], keys.ends[i]] = put(record.key)
    ;[values.starts[i], values.ends[i]] = put(record.value)
    ;[headers.starts[i], headers.ends[i]] = put(encodeHeaders(record.headers))
  })
  return {
    ...place,
    first,
    next: records[count - 1]!.offset + 1n,
    count,
    bytes: Buffer.concat(parts),
    offsetDeltas,
    timestampsMs,
    keyStarts: keys.starts,
    keyEnds: keys.ends,
    valueStarts: values.starts,
    valueEnds: values.ends,
    headersStarts: headers.starts,
    headersEnds: headers.ends,
    skips: [],
  }
}
