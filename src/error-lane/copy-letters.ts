import type { DeadLetter } from '../domain/dead-letter.ts'
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
    const bytesOf = rememberTexts()
    const records = letters.map((letter) => toRecord(letter, { sealKey, batchId, bytesOf }))
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
  readonly bytesOf: (text: string) => Uint8Array
}

/** Most headers of a copy say what its neighbours' say: their bytes are made once. */
function rememberTexts(): (text: string) => Uint8Array {
  const known = new Map<string, Uint8Array>()
  return (text) => {
    if (text.length > REMEMBERED_TEXT) return Buffer.from(text, 'utf8')
    let bytes = known.get(text)
    if (bytes !== undefined) return bytes
    bytes = Buffer.from(text, 'utf8')
    if (known.size >= REMEMBERED_TEXTS) known.clear()
    known.set(text, bytes)
    return bytes
  }
}

function toRecord(letter: DeadLetter, { sealKey, batchId, bytesOf }: CopyContext): OutgoingRecord {
  // The ledger's own form decides what is sealed, and how.
  const stored = letter.sealed
    ? fromLaneRecord({ ...toLaneRecord(letter, sealKey), sealed: false, headers: [] }, [])
    : letter
  const first = letter.errors[0]
  const headers: [string, string | undefined][] = [
    ['__connect.errors.topic', letter.log?.topic],
    ['__connect.errors.partition', letter.log?.partition.toString()],
    ['__connect.errors.offset', letter.log?.offset.toString()],
    ['__connect.errors.connector.name', letter.source?.source ?? `${letter.layer}.${letter.table}`],
    ['__connect.errors.task.id', String(letter.log?.partition ?? 0)],
    ['__connect.errors.stage', letter.stage],
    ['__connect.errors.class.name', `sluice.${letter.stage}`],
    ['__connect.errors.exception.class.name', first?.code ?? 'UNKNOWN'],
    ['__connect.errors.exception.message', letter.errors.map((each) => each.message).join('; ')],
    ['__connect.errors.exception.stacktrace', JSON.stringify(letter.errors)],
    ['sluice.row_id', letter.rowId],
    ['sluice.letter_batch_id', batchId],
    ['sluice.sealed', letter.sealed ? 'true' : undefined],
    ['sluice.source_object', letter.source?.object],
    ['sluice.source_at', letter.source?.at],
  ]
  return {
    key: stored.key,
    value: stored.raw,
    headers: [
      ...stored.headers,
      ...headers.flatMap(([key, text]) => (text === undefined ? [] : [{ key, value: bytesOf(text) }])),
    ],
    timestampMs: letter.quarantinedAtMs,
  }
}
