import type { DeadLetter, RecordHeader } from '../domain/dead-letter.ts'
import { classifyError, type ErrorCode } from '../domain/errors.ts'
import type { OutgoingRecord } from '../domain/record-batch.ts'
import type { TopicLog } from '../ports/topic-log.ts'
import { fromLaneRecord, toLaneRecord } from './lane-record.ts'

const REMEMBERED_TEXT = 64
const REMEMBERED_TEXTS = 1_000

export interface CopyLettersRequest {
  readonly log: TopicLog
  /** The topic that the records were read from, or were meant for. */
  readonly topic: string
  readonly letters: readonly DeadLetter[]
  readonly sealKey: string | null
  readonly retentionMs: number | null
  readonly batchId: string
}

export type CopyOutcome =
  | { readonly kind: 'copied'; readonly records: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/**
 * Copies letters to `<topic>.errors` with Kafka Connect's `__connect.errors.*` headers (KIP-298), key and value as the
 * record had them, sealed where the ledger seals them (the record's own headers are then left out). At least once, and
 * only a copy: it never throws, and an outage must not stop who calls it; the ledger's files are what counts.
 */
export async function copyLetters(request: CopyLettersRequest): Promise<CopyOutcome> {
  const { log, topic, letters, sealKey, retentionMs, batchId } = request
  if (letters.length === 0) return { kind: 'copied', records: 0 }
  const errorsTopic = errorsTopicOf(topic)
  try {
    await log.create(errorsTopic, { partitions: 1, retentionMs })
    const header = rememberHeaders()
    const records = letters.map((letter) => toRecord(letter, { sealKey, batchId, header }))
    await log.append({ batches: [{ topic: errorsTopic, partition: 0, records }], state: null })
    return { kind: 'copied', records: records.length }
  } catch (error) {
    const { code, message } = classifyError(error)
    return { kind: 'failed', code, message }
  }
}

export function errorsTopicOf(topic: string): string {
  return `${topic}.errors`
}

interface CopyContext {
  readonly sealKey: string | null
  readonly batchId: string
  readonly header: (key: string, text: string) => RecordHeader
}

/** Most headers of a copy say what its neighbours' say: they are made once. */
function rememberHeaders(): CopyContext['header'] {
  const known = new Map<string, Map<string, RecordHeader>>()
  return (key, text) => {
    const fresh = (): RecordHeader => ({ key, value: Buffer.from(text, 'utf8') })
    if (text.length > REMEMBERED_TEXT) return fresh()
    let texts = known.get(key)
    if (texts === undefined || texts.size >= REMEMBERED_TEXTS) known.set(key, (texts = new Map()))
    let header = texts.get(text)
    if (header === undefined) texts.set(text, (header = fresh()))
    return header
  }
}

function toRecord(letter: DeadLetter, { sealKey, batchId, header }: CopyContext): OutgoingRecord {
  const { log, source, layer, table, stage, errors, sealed } = letter
  // The ledger's own form decides what is sealed, and how.
  const stored = sealed ? fromLaneRecord({ ...toLaneRecord(letter, sealKey), sealed: false, headers: [] }, []) : letter
  const first = errors[0]
  const headers: RecordHeader[] = [...stored.headers]
  const put = (key: string, text: string): void => void headers.push(header(key, text))
  if (log !== null) {
    put('__connect.errors.topic', log.topic)
    put('__connect.errors.partition', String(log.partition))
    headers.push({ key: '__connect.errors.offset', value: Buffer.from(log.offset.toString(), 'latin1') })
  }
  put('__connect.errors.connector.name', source?.source ?? `${layer}.${table}`)
  put('__connect.errors.task.id', String(log?.partition ?? 0))
  put('__connect.errors.stage', stage)
  put('__connect.errors.class.name', `sluice.${stage}`)
  put('__connect.errors.exception.class.name', first?.code ?? 'UNKNOWN')
  const message = errors.length === 1 ? first!.message : errors.map((each) => each.message).join('; ')
  put('__connect.errors.exception.message', message)
  put('__connect.errors.exception.stacktrace', JSON.stringify(errors))
  headers.push({ key: 'sluice.row_id', value: Buffer.from(letter.rowId, 'utf8') })
  put('sluice.letter_batch_id', batchId)
  if (sealed) put('sluice.sealed', 'true')
  if (source !== null) {
    put('sluice.source_object', source.object)
    put('sluice.source_at', source.at)
  }
  return { key: stored.key, value: stored.raw, headers, timestampMs: letter.quarantinedAtMs }
}
