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
  let common: Common = { head: NOTHING, tail: NOTHING }
  const timeOf = timeWriter()
  return (out, letter, { recordJson, errorsJson }) => {
    const { log, rowId, recordTsMs, schemaId, contractId, raw, key, headers } = letter
    if (last === null || !alike(letter, last)) common = commonOf(letter)
    last = letter
    out.text(`{"row_id":${JSON.stringify(rowId)},`)
    out.bytes(common.head)
    out.text(`${log!.offset}","source":null,"record_ts":`)
    out.text(recordTsMs === null ? 'null' : timeOf(recordTsMs))
    out.text(`,"schema_id":${schemaId},"contract_id":${contractId},"errors":`)
    out.text(errorsJson)
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
