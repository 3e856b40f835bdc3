import type { DeadLetter, RecordHeader } from '../domain/dead-letter.ts'
import { classifyError, type ErrorCode } from '../domain/errors.ts'
import { encodeHeaders, type OutgoingRecord } from '../domain/record-batch.ts'
import type { TopicLog } from '../ports/topic-log.ts'
import { fromLaneRecord, toLaneRecord, type LaneRecord } from './lane-record.ts'

const REMEMBERED_TEXT = 64
const REMEMBERED_TEXTS = 1_000
/** Lines whose letters are in memory at once (I12): what a flush mostly holds, in one append. */
const APPENDED_LINE_BYTES = 8 * 1024 * 1024
const NEWLINE = 10
const RECORD = Buffer.from('],"record":', 'latin1')
const SEALED = Buffer.from(',"sealed":', 'latin1')

export interface CopyTarget {
  readonly log: TopicLog
  /** The topic that the records were read from, or were meant for. */
  readonly topic: string
  readonly retentionMs: number | null
  readonly batchId: string
}

export interface CopyLettersRequest extends CopyTarget {
  readonly letters: readonly DeadLetter[]
  readonly sealKey: string | null
}

export interface CopyLinesRequest extends CopyTarget {
  /** Whole lines, as `LetterLines` gives them. */
  readonly lines: readonly Uint8Array[]
}

export type CopyOutcome =
  | { readonly kind: 'copied'; readonly records: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/**
 * Copies letters to `<topic>.errors` with Kafka Connect's `__connect.errors.*` headers (KIP-298), key and value as the
 * record had them, sealed where the ledger seals them (the record's own headers are then left out). At least once, and
 * only a copy: it never throws, and an outage must not stop who calls it; the ledger's files are what counts.
 */
export async function copyLetters({ letters, sealKey, ...target }: CopyLettersRequest): Promise<CopyOutcome> {
  if (letters.length === 0) return { kind: 'copied', records: 0 }
  return copyParts(target, [() => letters.map((letter) => storedForm(letter, sealKey))])
}

/** The same for letters that are lines already: nobody need keep them whole until they are durable. */
export async function copyLetterLines({ lines, ...target }: CopyLinesRequest): Promise<CopyOutcome> {
  if (lines.length === 0) return { kind: 'copied', records: 0 }
  return copyParts(
    target,
    partsOf(lines).map((part) => () => part.flatMap(lettersOf)),
  )
}

async function copyParts(
  { log, topic, retentionMs, batchId }: CopyTarget,
  parts: readonly (() => readonly StoredLetter[])[],
): Promise<CopyOutcome> {
  const errorsTopic = errorsTopicOf(topic)
  let copied = 0
  try {
    await log.create(errorsTopic, { partitions: 1, retentionMs })
    const header = rememberHeaders()
    for (const letters of parts) {
      const records = letters().map((letter) => new CopiedLetter(letter, { batchId, header }))
      await log.append({ batches: [{ topic: errorsTopic, partition: 0, records }], state: null })
      copied += records.length
    }
    return { kind: 'copied', records: copied }
  } catch (error) {
    const { code, message } = classifyError(error)
    return { kind: 'failed', code, message }
  }
}

/** A letter with bytes as the ledger stores them: sealed where it seals them, and then without its record's headers. */
type StoredLetter = Omit<DeadLetter, 'record'>

function storedForm(letter: DeadLetter, sealKey: string | null): StoredLetter {
  return letter.sealed ? storedLetter(toLaneRecord(letter, sealKey)) : letter
}

function storedLetter(line: LaneRecord): StoredLetter {
  if (!line.sealed) return fromLaneRecord(line, [])
  // Not opened: what is sealed goes out as it is.
  return { ...fromLaneRecord({ ...line, sealed: false, headers: [] }, []), sealed: true }
}

function partsOf(lines: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = []
  let bytes = Infinity
  for (const each of lines) {
    if (bytes + each.length > APPENDED_LINE_BYTES) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(each)
    bytes += each.length
  }
  return parts
}

function lettersOf(lines: Uint8Array): StoredLetter[] {
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
  const letters: StoredLetter[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start)
    letters.push(storedLetter(parseLine(bytes.subarray(start, end))))
    start = end + 1
  }
  return letters
}

/**
 * A line without its record, which no copy carries and which is most of what a line holds. What stands before it and
 * behind it holds no object but errors, whose names are ours, so that no text within a line reads as these marks.
 */
function parseLine(line: Buffer): LaneRecord {
  const [from, to] = [line.indexOf(RECORD), line.lastIndexOf(SEALED)]
  if (from === -1 || to < from) return JSON.parse(line.toString('utf8')) as LaneRecord
  return JSON.parse(line.toString('utf8', 0, from + 1) + line.toString('utf8', to)) as LaneRecord
}

export function errorsTopicOf(topic: string): string {
  return `${topic}.errors`
}

interface CopyContext {
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

/** Its headers are made when the log asks for them, and kept as bytes: those of a flush's letters, an object each, would else live at once. */
class CopiedLetter implements OutgoingRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestampMs: number
  readonly #letter: StoredLetter
  readonly #context: CopyContext
  #encoded: Uint8Array | null = null

  constructor(letter: StoredLetter, context: CopyContext) {
    this.key = letter.key
    this.value = letter.raw
    this.timestampMs = letter.quarantinedAtMs
    this.#letter = letter
    this.#context = context
  }

  get headers(): readonly RecordHeader[] {
    return headersOf(this.#letter, this.#context)
  }

  get encodedHeaders(): Uint8Array {
    return (this.#encoded ??= encodeHeaders(this.headers))
  }
}

function headersOf(letter: StoredLetter, { batchId, header }: CopyContext): RecordHeader[] {
  const { log, source, layer, table, stage, errors, sealed } = letter
  const first = errors[0]
  const headers: RecordHeader[] = [...letter.headers]
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
  return headers
}
