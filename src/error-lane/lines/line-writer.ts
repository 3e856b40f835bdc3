import type { UnshownLetter } from '../../domain/dead-letter.ts'
import type { JsonBytes } from '../../domain/json-bytes.ts'
import { isoTime, type LaneRecord } from '../lane-record.ts'

/** Appends a letter that is not sealed and was read from a topic; its record and its errors are given as JSON. */
export type LineWriter = (out: JsonBytes, letter: UnshownLetter, parts: LineParts) => void

export interface LineParts {
  readonly recordJson: Uint8Array
  readonly errorsJson: string
}

/**
 * Letters as lines: the very text of `JSON.stringify(toLaneRecord(letter))` and a line end, but what neighbours have in
 * common is made into text once, and bytes go from one to the other as bytes.
 */
export function lineWriter(): LineWriter {
  let last: UnshownLetter | null = null
  let common: Common = { head: NOTHING, schemas: NOTHING, tail: NOTHING }
  const putTime = timeWriter()
  return (out, letter, { recordJson, errorsJson }) => {
    const { log, rowId, recordTsMs, raw, key, headers } = letter
    if (last === null || !alike(letter, last)) common = commonOf(letter)
    last = letter
    out.bytes(ROW_ID)
    out.text(JSON.stringify(rowId))
    out.bytes(common.head)
    out.text(log!.offset.toString())
    out.bytes(RECORD_TS)
    if (recordTsMs === null) out.text('null')
    else putTime(out, recordTsMs)
    out.bytes(common.schemas)
    out.text(errorsJson)
    out.bytes(RECORD)
    out.bytes(recordJson)
    out.bytes(RAW)
    putBytes(out, raw)
    out.bytes(KEY)
    putBytes(out, key)
    out.bytes(HEADERS)
    for (let i = 0; i < headers.length; i += 1) {
      const header = headers[i]!
      out.text(`${i === 0 ? '[' : ',['}${JSON.stringify(header.key)},`)
      putBytes(out, header.value)
      out.text(']')
    }
    out.bytes(common.tail)
  }
}

const NOTHING = new Uint8Array(0)
const ROW_ID = Buffer.from('{"row_id":')
const RECORD_TS = Buffer.from('","source":null,"record_ts":')
const RECORD = Buffer.from(',"record":')
const RAW = Buffer.from(',"sealed":false,"raw":')
const KEY = Buffer.from(',"key":')
const HEADERS = Buffer.from(',"headers":[')

/** What stands around the parts of a line that are its own. */
interface Common {
  readonly head: Uint8Array
  readonly schemas: Uint8Array
  readonly tail: Uint8Array
}

function alike(a: UnshownLetter, b: UnshownLetter): boolean {
  return (
    a.log!.topic === b.log!.topic &&
    a.log!.partition === b.log!.partition &&
    a.log!.epoch === b.log!.epoch &&
    a.layer === b.layer &&
    a.table === b.table &&
    a.runId === b.runId &&
    a.batchId === b.batchId &&
    a.stage === b.stage &&
    a.schemaId === b.schemaId &&
    a.contractId === b.contractId &&
    a.quarantinedAtMs === b.quarantinedAtMs
  )
}

function commonOf(letter: UnshownLetter): Common {
  const { layer, table, runId, batchId, stage, log, schemaId, contractId, quarantinedAtMs } = letter
  const { topic, partition, epoch } = log!
  const head = {
    layer,
    table,
    run_id: runId,
    batch_id: batchId,
    stage,
    topic,
    partition,
    epoch,
  } satisfies Partial<LaneRecord>
  return {
    head: Buffer.from(`,${JSON.stringify(head).slice(1, -1)},"offset":"`),
    schemas: Buffer.from(`,"schema_id":${schemaId},"contract_id":${contractId},"errors":`),
    tail: Buffer.from(`],"quarantined_at":"${isoTime(quarantinedAtMs)}"}\n`),
  }
}

function putBytes(out: JsonBytes, bytes: Uint8Array | null): void {
  if (bytes === null) out.text('null')
  else out.base64(bytes, 0, bytes.length)
}

const MINUTE_MS = 60_000

/** `isoTime` in quotes. Neighbours mostly share the minute, of which the text is kept. */
function timeWriter(): (out: JsonBytes, ms: number) => void {
  let minute = Number.NaN
  let head = NOTHING
  return (out, ms) => {
    if (!Number.isInteger(ms)) return out.text(`"${isoTime(ms)}"`)
    const begun = Math.floor(ms / MINUTE_MS)
    if (begun !== minute) {
      head = Buffer.from(`"${isoTime(begun * MINUTE_MS).slice(0, -'00.000Z'.length)}`)
      minute = begun
    }
    const rest = ms - begun * MINUTE_MS
    const seconds = Math.floor(rest / 1000)
    out.bytes(head)
    out.digits(seconds, 2)
    out.byte(DOT)
    out.digits(rest - seconds * 1000, 3)
    return out.bytes(TIME_END)
  }
}

const DOT = 46
const TIME_END = Buffer.from('Z"')
