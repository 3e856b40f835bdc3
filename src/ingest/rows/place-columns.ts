import type { Judgement } from '../../contract/judge.ts'
import type { Column, ColumnType } from '../../domain/column-batch.ts'
import type { ColumnRoom } from '../../domain/column-room.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import { laneHeadersReader } from './record-headers.ts'
import { constantColumn, repeatedTextColumn, SYSTEM_FIELDS } from './system-columns.ts'

/** The columns that say where each row came from. 64-bit integers are put together from halves: a BigInt a row costs more than the row. */

const WORD = 2 ** 32
const MAX_EXACT = Number.MAX_SAFE_INTEGER
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1
const HIGH = 1 - LOW

/** `_offset` of the records at these indexes. */
export function offsetColumn(batch: RecordBatch, rows: Int32Array, room: ColumnRoom): Column {
  const low = Number(BigInt.asUintN(32, batch.first))
  const high = Number(BigInt.asIntN(32, batch.first >> 32n))
  const { offsetDeltas } = batch
  const { length } = rows
  const { data, halves } = int64Room(room, length)
  for (let row = 0; row < length; row += 1) {
    const sum = low + offsetDeltas[rows[row]!]!
    halves[2 * row + LOW] = sum
    halves[2 * row + HIGH] = sum >= WORD ? high + 1 : high
  }
  return int64Column(SYSTEM_FIELDS.offset.type, data)
}

/** `_record_ts`, in microseconds: whole milliseconds of what the log says. */
export function recordTsColumn(batch: RecordBatch, rows: Int32Array, room: ColumnRoom): Column {
  const { timestampsMs } = batch
  const { length } = rows
  const { data, halves } = int64Room(room, length)
  for (let row = 0; row < length; row += 1) {
    const ms = Math.floor(timestampsMs[rows[row]!]!)
    const micros = ms * 1000
    if (micros > MAX_EXACT || micros < -MAX_EXACT) {
      data[row] = BigInt(ms) * 1000n
      continue
    }
    const high = Math.floor(micros / WORD)
    halves[2 * row + LOW] = micros - high * WORD
    halves[2 * row + HIGH] = high
  }
  return int64Column(SYSTEM_FIELDS.recordTs.type, data)
}

/** `_schema_id`: mostly one writer's, and then a constant. */
export function schemaIdColumn(ids: Int32Array): Column {
  const { type } = SYSTEM_FIELDS.schemaId
  const first = ids[0]
  if (first !== undefined && areAlike(ids)) return constantColumn(type, first, ids.length)
  return { type, length: ids.length, validity: null, values: { layout: 'int32', data: ids } }
}

function areAlike(ids: Int32Array): boolean {
  const { length } = ids
  for (let i = 1; i < length; i += 1) if (ids[i] !== ids[0]) return false
  return true
}

/** `_batch_id`, `_source_system` and `_op`: by headers, and d for a tombstone. */
export function headerColumns(
  batch: RecordBatch,
  { rows, ops }: Pick<Judgement, 'rows' | 'ops'>,
  batchId: string,
): { readonly batchIds: Column; readonly sources: Column; readonly ops: Column } {
  const headersOf = laneHeadersReader(batch)
  const { length } = rows
  const first = length === 0 ? null : headersOf(rows[0]!)
  let alike = first !== null && ops === null
  // Where no record has headers, as is common, none is looked at one by one.
  if (alike && !haveNone(batch))
    for (let row = 1; row < length && alike; row += 1) alike = headersOf(rows[row]!) === first
  if (first !== null && alike) {
    return {
      batchIds: constantColumn(SYSTEM_FIELDS.batchId.type, first.batchId ?? batchId, length),
      sources: constantColumn(SYSTEM_FIELDS.sourceSystem.type, first.source, length),
      ops: constantColumn(SYSTEM_FIELDS.op.type, first.op, length),
    }
  }
  const each = Array.from(rows, headersOf)
  return {
    batchIds: repeatedTextColumn(each.map((headers) => headers.batchId ?? batchId)),
    sources: repeatedTextColumn(each.map(({ source }) => source)),
    ops: repeatedTextColumn(each.map(({ op }, row) => (ops?.[row] === 1 ? 'd' : op))),
  }
}

function haveNone({ headersStarts, headersEnds, count }: RecordBatch): boolean {
  for (let i = 0; i < count; i += 1) if (headersStarts[i]! < headersEnds[i]!) return false
  return true
}

function int64Room(room: ColumnRoom, length: number): { readonly data: BigInt64Array; readonly halves: Int32Array } {
  const { buffer, byteOffset } = room.span(length * 8)
  return {
    data: new BigInt64Array(buffer, byteOffset, length),
    halves: new Int32Array(buffer, byteOffset, length * 2),
  }
}

function int64Column(type: ColumnType, data: BigInt64Array): Column {
  return { type, length: data.length, validity: null, values: { layout: 'int64', data } }
}
