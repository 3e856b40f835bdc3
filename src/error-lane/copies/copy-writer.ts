import type { DeadLetter } from '../../domain/dead-letter.ts'
import { encodeHeaders, headerName } from '../../domain/record-batch.ts'
import { fromLaneRecord, type LaneRecord } from '../lane-record.ts'
import { RecordPacker, type PackedRecords } from '../../domain/packed-records.ts'

/** A letter with bytes as the ledger stores them: sealed where it seals them, and then without its record's headers. */
export type StoredLetter = Omit<DeadLetter, 'record'>

/** A line of the ledger as a letter; what is sealed is not opened. */
export function storedLetter(line: LaneRecord): StoredLetter {
  if (!line.sealed) return fromLaneRecord(line, [])
  return { ...fromLaneRecord({ ...line, sealed: false, headers: [] }, []), sealed: true }
}

/** Letters as records of the error topic, put together one at a time. Keeps nothing of a letter. */
export class LetterCopies {
  readonly #batchId: string
  readonly #out = new RecordPacker()
  readonly #codes = new Map<string, Uint8Array>()
  #last: StoredLetter | null = null
  #common: Common = { place: NOTHING, stage: NOTHING, tail: NOTHING, headers: 0 }

  /** Of the flush or append that copies them. */
  constructor(batchId: string) {
    this.#batchId = batchId
  }

  /** `errorsJson`: the letter's errors as `JSON.stringify` writes them. */
  add(letter: StoredLetter, errorsJson: string): void {
    const out = this.#out
    if (this.#last === null || !alike(letter, this.#last)) this.#common = commonOf(letter, this.#batchId)
    this.#last = letter
    const { log, errors, rowId, key, raw, headers, quarantinedAtMs } = letter
    const { place, stage, tail, headers: ours } = this.#common
    out.begin({ key, value: raw, timestampMs: quarantinedAtMs, headers: headers.length + ours })
    for (const header of headers) {
      out.bytes(headerName(header.key))
      out.value(header.value)
    }
    if (log !== null) {
      out.bytes(place)
      out.text(log.offset.toString())
    }
    out.bytes(stage)
    const [first] = errors
    out.bytes(this.#codeOf(first?.code ?? 'UNKNOWN'))
    out.bytes(MESSAGE)
    out.text(errors.length === 1 ? first!.message : errors.map(({ message }) => message).join('; '))
    out.bytes(STACKTRACE)
    out.text(errorsJson)
    out.bytes(ROW_ID)
    out.text(rowId)
    out.bytes(tail)
    out.end()
  }

  /** Every letter added so far, in order. */
  take(): PackedRecords[] {
    return this.#out.take()
  }

  /** A header whole; codes are few. */
  #codeOf(code: string): Uint8Array {
    let known = this.#codes.get(code)
    if (known === undefined)
      this.#codes.set(code, (known = headerBytes([['__connect.errors.exception.class.name', code]])))
    return known
  }
}

const NOTHING = new Uint8Array(0)
const OFFSET = headerName('__connect.errors.offset')
const MESSAGE = headerName('__connect.errors.exception.message')
const STACKTRACE = headerName('__connect.errors.exception.stacktrace')
const ROW_ID = headerName('sluice.row_id')
/** Headers that every copy has: code, message, stacktrace, row id. */
const ALWAYS = 4

/** What stands around the headers that are a letter's own. */
interface Common {
  /** Topic and partition, and the name of the offset. Nothing for what never reached a topic. */
  readonly place: Uint8Array
  readonly stage: Uint8Array
  readonly tail: Uint8Array
  /** All headers but the record's own. */
  readonly headers: number
}

function alike(a: StoredLetter, b: StoredLetter): boolean {
  return (
    a.log?.topic === b.log?.topic &&
    a.log?.partition === b.log?.partition &&
    a.source === null &&
    b.source === null &&
    a.layer === b.layer &&
    a.table === b.table &&
    a.stage === b.stage &&
    a.sealed === b.sealed
  )
}

function commonOf({ log, source, layer, table, stage, sealed }: StoredLetter, batchId: string): Common {
  const place: Header[] = []
  if (log !== null)
    place.push(['__connect.errors.topic', log.topic], ['__connect.errors.partition', String(log.partition)])
  const middle: Header[] = [
    ['__connect.errors.connector.name', source?.source ?? `${layer}.${table}`],
    ['__connect.errors.task.id', String(log?.partition ?? 0)],
    ['__connect.errors.stage', stage],
    ['__connect.errors.class.name', `sluice.${stage}`],
  ]
  const tail: Header[] = [['sluice.letter_batch_id', batchId]]
  if (sealed) tail.push(['sluice.sealed', 'true'])
  if (source !== null) tail.push(['sluice.source_object', source.object], ['sluice.source_at', source.at])
  return {
    place: log === null ? NOTHING : Buffer.concat([headerBytes(place), OFFSET]),
    stage: headerBytes(middle),
    tail: headerBytes(tail),
    headers: place.length + (log === null ? 0 : 1) + middle.length + tail.length + ALWAYS,
  }
}

type Header = readonly [key: string, text: string]

/** A few headers without their count, which takes one byte. */
function headerBytes(headers: readonly Header[]): Uint8Array {
  return encodeHeaders(headers.map(([key, text]) => ({ key, value: Buffer.from(text, 'utf8') }))).subarray(1)
}
