import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type RecordBatch,
} from '../../../src/domain/record-batch.ts'
import type { RecordHeader } from '../../../src/domain/dead-letter.ts'
import type { SourceRefusal, SourceRow } from '../../../src/ports/source-connector.ts'

/** A record of the other cluster, as a row of its columns or as what no row can be made of. */
export type Taken =
  | { readonly kind: 'row'; readonly columns: readonly string[]; readonly row: SourceRow }
  | { readonly kind: 'refused'; readonly refusal: SourceRefusal }

/** Makes rows of records; a promise only where something must be fetched for it first. */
export type TakeRecord = (record: OtherRecord) => Taken | Promise<Taken>

export interface OtherRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  readonly timestampMs: number
}

/** Headers that are malformed count as absent, as wherever records are read. */
export function recordAt(batch: RecordBatch, index: number): OtherRecord {
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: recordOffset(batch, index),
    key: recordKey(batch, index),
    value: recordValue(batch, index),
    headers: headersAt(batch, index),
    timestampMs: batch.timestampsMs[index]!,
  }
}

function headersAt(batch: RecordBatch, index: number): readonly RecordHeader[] {
  try {
    return readHeaders(batch, index)
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}

/** Where a record stood: its partition and offset. */
export function placeOf({ partition, offset }: { readonly partition: number; readonly offset: bigint }): string {
  return `${partition}/${offset}`
}

export function refuse(record: OtherRecord, message: string): Taken {
  const raw = Uint8Array.from(record.value ?? new Uint8Array(0))
  return { kind: 'refused', refusal: { at: placeOf(record), message, raw } }
}

/** What a row keeps of the record that it is made of, but for its value and key. */
export function ownOf(record: OtherRecord): Pick<SourceRow, 'at' | 'headers' | 'partition' | 'timestampMs'> {
  const { headers, partition, timestampMs } = record
  return { at: placeOf(record), headers, partition, ...(timestampMs < 0 ? {} : { timestampMs }) }
}

/** The record as it is: key, value, headers and time. */
export const takeBytes: TakeRecord = (record) => {
  const { key, value } = record
  const payload = value === null ? ({ kind: 'tombstone' } as const) : ({ kind: 'bytes', bytes: value } as const)
  const op = opOf(record)
  return { kind: 'row', columns: NO_COLUMNS, row: { ...ownOf(record), values: [], op, key, payload } }
}

const NO_COLUMNS: readonly string[] = []

/** As another Sluice wrote it, else by whether there is a value. */
function opOf({ headers, value }: OtherRecord): SourceRow['op'] {
  const written = headers.findLast(({ key }) => key === 'sluice.op')
  const op = written === undefined ? null : Buffer.from(written.value).toString('utf8')
  if (op === 'c' || op === 'u' || op === 'd' || op === 'r') return op
  return value === null ? 'd' : 'c'
}
