import type { RecordHeader } from '../domain/dead-letter.ts'
import type { SourceRow } from '../ports/source-connector.ts'

/** The words of `_source_system` where they differ from the connector's name. */
const SYSTEMS: Readonly<Record<string, string>> = { files: 'file' }

export type HeadersOf = (row: Pick<SourceRow, 'op' | 'headers'>) => readonly RecordHeader[]

export interface HeaderFacts {
  readonly connector: string
  /** 32 hex digits. */
  readonly traceId: string
  readonly batchId: string
  /** `sluice.batch_id` says to ingest what batch the rows are of. */
  readonly isBatchTold: boolean
}

/**
 * `sluice.source` always, `sluice.op` where it is not c, and the W3C `traceparent` of the append. Rows of one op share
 * one list. Headers that a row brings stand first, as they are, and none of theirs is said again.
 */
export function headersOfBatch({ connector, traceId, batchId, isBatchTold }: HeaderFacts): HeadersOf {
  const text = (key: string, value: string): RecordHeader => ({ key, value: Buffer.from(value, 'utf8') })
  const shared = [text('sluice.source', SYSTEMS[connector] ?? connector)]
  if (isBatchTold) shared.push(text('sluice.batch_id', batchId))
  const span = batchId.replaceAll('-', '').slice(0, 16)
  if (/^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(span)) {
    shared.push(text('traceparent', `00-${traceId}-${span}-01`))
  }
  const known = new Map<SourceRow['op'], readonly RecordHeader[]>([['c', shared]])
  const ofOp = (op: SourceRow['op']): readonly RecordHeader[] => {
    const headers = known.get(op) ?? [...shared, text('sluice.op', op)]
    known.set(op, headers)
    return headers
  }
  return ({ op, headers: own = [] }) => {
    const added = ofOp(op)
    if (own.length === 0) return added
    return [...own, ...added.filter(({ key }) => !own.some((header) => header.key === key))]
  }
}
