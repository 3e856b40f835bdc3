import { readHeaders, type RecordBatch } from '../../domain/record-batch.ts'

/** What Sluice itself reads from a record's headers. */
export interface LaneHeaders {
  /** `_source_system`: header `sluice.source`, else kafka. */
  readonly source: string
  /** `_op`: header `sluice.op`, else c. */
  readonly op: 'c' | 'u' | 'd' | 'r'
  /** Set by a backfill. */
  readonly batchId: string | null
}

const PLAIN: LaneHeaders = { source: 'kafka', op: 'c', batchId: null }
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const SOURCE = /^[a-z0-9_-]{1,64}$/

/**
 * Reads the headers of a batch's records. Neighbours mostly carry the same bytes, so equal bytes are parsed once.
 * Headers that cannot be read, or whose values are not of the known form, count as absent: they are a producer's
 * courtesy and never a reason to refuse a record.
 */
export function laneHeadersReader(batch: RecordBatch): (index: number) => LaneHeaders {
  let lastStart = -1
  let lastEnd = -1
  let last = PLAIN
  return (index) => {
    const start = batch.headersStarts[index]!
    const end = batch.headersEnds[index]!
    if (start >= end) return PLAIN
    if (lastStart >= 0 && sameBytes(batch.bytes, { start, end }, { start: lastStart, end: lastEnd })) return last
    lastStart = start
    lastEnd = end
    last = parse(batch, index)
    return last
  }
}

function parse(batch: RecordBatch, index: number): LaneHeaders {
  let { source, op, batchId } = PLAIN
  try {
    for (const header of readHeaders(batch, index)) {
      if (!header.key.startsWith('sluice.')) continue
      const value = Buffer.from(header.value).toString('utf8')
      if (header.key === 'sluice.source' && SOURCE.test(value)) source = value
      if (header.key === 'sluice.op' && (value === 'c' || value === 'u' || value === 'd' || value === 'r')) op = value
      if (header.key === 'sluice.batch_id' && UUID.test(value)) batchId = value
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return { source, op, batchId }
}

interface Span {
  readonly start: number
  readonly end: number
}

function sameBytes(bytes: Uint8Array, a: Span, b: Span): boolean {
  const length = a.end - a.start
  if (length !== b.end - b.start) return false
  for (let i = 0; i < length; i += 1) if (bytes[a.start + i] !== bytes[b.start + i]) return false
  return true
}
