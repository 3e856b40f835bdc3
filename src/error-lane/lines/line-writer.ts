import type { JsonValue, UnshownLetter } from '../../domain/dead-letter.ts'
import type { JsonBytes } from '../../domain/json-bytes.ts'
import { isoTime, toLaneRecord, type LaneRecord } from '../lane-record.ts'

/** Appends a letter, whose record is given as JSON, as a line. Throws SEAL_KEY_MISSING, with nothing appended. */
export type LineWriter = (out: JsonBytes, letter: UnshownLetter, recordJson: Uint8Array) => void

/**
 * Letters as lines: the very text of `JSON.stringify(toLaneRecord(letter))` and a line end, but what neighbours have in
 * common is made into text once, and bytes go from one to the other as bytes.
 */
export function lineWriter(sealKey: string | null): LineWriter {
  let last: UnshownLetter | null = null
  let common: Common = { head: NOTHING, tail: NOTHING }
  const timeOf = timeWriter()
  return (out, letter, recordJson) => {
    const { log, rowId, recordTsMs, schemaId, contractId, errors, raw, key, headers } = letter
    // Seals are the ledger's own matter, and places of other kinds are few.
    if (letter.sealed || log === null || letter.source !== null) {
      const record = JSON.parse(Buffer.from(recordJson).toString('utf8')) as JsonValue
      out.text(`${JSON.stringify(toLaneRecord({ ...letter, record }, sealKey))}\n`)
      return
    }
    if (last === null || !alike(letter, last)) common = commonOf(letter)
    last = letter
    out.text(`{"row_id":${JSON.stringify(rowId)},`)
    out.bytes(common.head)
    out.text(`${log.offset}","source":null,"record_ts":`)
    out.text(recordTsMs === null ? 'null' : timeOf(recordTsMs))
    out.text(`,"schema_id":${schemaId},"contract_id":${contractId},"errors":`)
    out.text(JSON.stringify(errors))
    out.text(',"record":')
    out.bytes(recordJson)
    out.text(',"sealed":false,"raw":')
    putBytes(out, raw)
    out.text(',"key":')
    putBytes(out, key)
    out.text(',"headers":[')
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

/** What stands around the parts of a line that are its own. */
interface Common {
  readonly head: Uint8Array
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
    a.quarantinedAtMs === b.quarantinedAtMs
  )
}

function commonOf({ layer, table, runId, batchId, stage, log, quarantinedAtMs }: UnshownLetter): Common {
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
    head: Buffer.from(`${JSON.stringify(head).slice(1, -1)},"offset":"`),
    tail: Buffer.from(`],"quarantined_at":"${isoTime(quarantinedAtMs)}"}\n`),
  }
}

function putBytes(out: JsonBytes, bytes: Uint8Array | null): void {
  if (bytes === null) out.text('null')
  else out.base64(bytes, 0, bytes.length)
}

const MINUTE_MS = 60_000

/** `isoTime` in quotes. Neighbours mostly share the minute, of which the text is kept. */
function timeWriter(): (ms: number) => string {
  let minute = Number.NaN
  let head = ''
  return (ms) => {
    if (!Number.isInteger(ms)) return `"${isoTime(ms)}"`
    const begun = Math.floor(ms / MINUTE_MS)
    if (begun !== minute) {
      head = `"${isoTime(begun * MINUTE_MS).slice(0, -'00.000Z'.length)}`
      minute = begun
    }
    const rest = ms - begun * MINUTE_MS
    const seconds = Math.floor(rest / 1000)
    const millis = rest - seconds * 1000
    return `${head}${seconds < 10 ? '0' : ''}${seconds}.${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}Z"`
  }
}
