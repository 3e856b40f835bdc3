import type { Judge } from '../../contract/judge.ts'
import { readSchemaId } from '../../contract/wire.ts'
import { OWN_ROOM, type ColumnRoom } from '../../domain/column-room.ts'
import type { Column, ColumnBatch, ColumnField } from '../../domain/column-batch.ts'
import { hasPii } from '../../domain/contract.ts'
import type { DeadLetter, RuleBreach, Skip, UnshownLetter } from '../../domain/dead-letter.ts'
import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  selectRecords,
  type KeptBack,
  type RecordBatch,
} from '../../domain/record-batch.ts'
import { rowIdOfLog } from '../../error-lane/row-id.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import { headerColumns, offsetColumn, recordTsColumn, schemaIdColumn } from './place-columns.ts'
import { laneHeadersReader } from './record-headers.ts'
import { constantColumn, SYSTEM_FIELDS } from './system-columns.ts'

/** What a batch is judged under; fixed for a flush. */
export interface JudgeContext {
  /** The bronze table. */
  readonly table: string
  readonly judge: Judge
  readonly writers: ReadonlyMap<number, RegisteredSchema>
  readonly epoch: number
  readonly runId: string
  readonly batchId: string
  readonly nowMs: number
  /** A record of more bytes is refused unseen. */
  readonly maxRecordBytes: number
  /**
   * Takes each letter as soon as it is known, and its record as JSON: `letters` then stays empty, and no more than one
   * is there at a time. Its bytes are the batch's, and must be done with when the call ends.
   */
  readonly tell?: (letter: UnshownLetter, recordJson: Uint8Array) => void
  /** Where the rows' columns lie; else in buffers of their own. */
  readonly room?: ColumnRoom
}

/** A judged batch: every offset of `[first, next)` is a row, a letter or a skip. */
export interface JudgedBatch {
  readonly topic: string
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
  /** The contract's columns, then the system columns but `_ingest_ts`, which the flush stamps. */
  readonly rows: ColumnBatch
  readonly letters: readonly DeadLetter[]
  readonly skips: readonly Skip[]
}

/**
 * The one function from a batch to staged rows and dead letters (I15): ingest, replay, redrive and rehearse call it.
 * Pure; every writer id of the batch must be in `writers`.
 */
export function judgeBatch(whole: RecordBatch, context: JudgeContext): JudgedBatch {
  const { batch, tooLarge } = setLargeAside(whole, context.maxRecordBytes)
  const { room = OWN_ROOM } = context
  const contract = context.judge.contract
  const letterOf = letterWriter(batch, context)
  const letters: DeadLetter[] = []
  const { tell } = context
  const verdict = context.judge.judge(batch, context.writers, {
    room,
    ...(tell === undefined ? {} : { tell: (refusal, recordJson): void => tell(letterOf(refusal), recordJson) }),
  })
  for (const refusal of verdict.refusals) letters.push({ ...letterOf(refusal), record: refusal.record })
  const { length } = verdict.rows
  const { batchIds, sources, ops } = headerColumns(batch, verdict, context.batchId)

  const fields: ColumnField[] = [...verdict.columns.fields]
  const columns: Column[] = [...verdict.columns.columns]
  const put = (field: ColumnField, column: Column): void => {
    fields.push(field)
    columns.push(column)
  }
  const { type: int32 } = SYSTEM_FIELDS.partition
  put(SYSTEM_FIELDS.batchId, batchIds)
  put(SYSTEM_FIELDS.sourceSystem, sources)
  put(SYSTEM_FIELDS.topic, constantColumn(SYSTEM_FIELDS.topic.type, batch.topic, length))
  put(SYSTEM_FIELDS.partition, constantColumn(int32, batch.partition, length))
  put(SYSTEM_FIELDS.epoch, constantColumn(int32, context.epoch, length))
  put(SYSTEM_FIELDS.offset, offsetColumn(batch, verdict.rows, room))
  put(SYSTEM_FIELDS.recordTs, recordTsColumn(batch, verdict.rows, room))
  put(SYSTEM_FIELDS.op, ops)
  put(SYSTEM_FIELDS.schemaId, schemaIdColumn(verdict.schemaIds))
  put(SYSTEM_FIELDS.contractId, constantColumn(int32, contract.id, length))
  put(SYSTEM_FIELDS.rescued, verdict.rescued)

  const why = whole.keptBack === undefined ? null : refuseKeptBack(whole.keptBack)
  const largeLetterOf = letterWriter(whole, context)
  for (const index of tooLarge) {
    const large = why === null ? refuseLarge(whole, index, context.maxRecordBytes) : { ...why, index }
    const letter = largeLetterOf(large)
    if (tell === undefined) letters.push({ ...letter, record: null })
    else tell(letter, NO_RECORD)
  }
  const skips = batch.skips.map((skip): Skip => ({
    topic: batch.topic,
    partition: batch.partition,
    epoch: context.epoch,
    ...skip,
  }))
  return {
    topic: batch.topic,
    partition: batch.partition,
    first: batch.first,
    next: batch.next,
    rows: { length, fields, columns },
    letters,
    skips,
  }
}

/** One record's refusal by the contract, or by its size. */
interface Refused {
  readonly index: number
  readonly schemaId: number | null
  readonly errors: readonly RuleBreach[]
}

const NO_RECORD = Buffer.from('null')

function letterWriter(
  batch: RecordBatch,
  { judge: { contract }, table, runId, batchId, epoch, nowMs, tell }: JudgeContext,
): (refused: Refused) => UnshownLetter {
  const sealed = hasPii(contract)
  const own = (bytes: Uint8Array | null): Uint8Array | null =>
    bytes === null || tell !== undefined ? bytes : copyOf(bytes)
  const headersOf = laneHeadersReader(batch)
  return ({ index, schemaId, errors }) => {
    const log = { topic: batch.topic, partition: batch.partition, epoch, offset: recordOffset(batch, index) }
    return {
      rowId: rowIdOfLog(log),
      layer: 'bronze',
      table,
      runId,
      batchId: headersOf(index).batchId ?? batchId,
      stage: 'contract',
      log,
      source: null,
      recordTsMs: batch.timestampsMs[index]!,
      schemaId,
      contractId: contract.id,
      errors,
      raw: own(recordValue(batch, index)),
      key: own(recordKey(batch, index)),
      headers: tell === undefined ? ownHeaders(batch, index) : lenientHeaders(batch, index),
      sealed,
      quarantinedAtMs: nowMs,
    }
  }
}

function ownHeaders(batch: RecordBatch, index: number): DeadLetter['headers'] {
  return lenientHeaders(batch, index).map(({ key, value }) => ({ key, value: copyOf(value) }))
}

/** A letter that is kept must not hold the bytes of all that was fetched with its record (I12). */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes)
}

const NO_HEADERS: DeadLetter['headers'] = []

function lenientHeaders(batch: RecordBatch, index: number): DeadLetter['headers'] {
  if (batch.headersStarts[index]! >= batch.headersEnds[index]!) return NO_HEADERS
  try {
    return readHeaders(batch, index)
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}

interface SizedBatch {
  readonly batch: RecordBatch
  /** Indexes in the whole batch. */
  readonly tooLarge: readonly number[]
}

function setLargeAside(whole: RecordBatch, maxBytes: number): SizedBatch {
  if (whole.keptBack !== undefined)
    return { batch: selectRecords(whole, []), tooLarge: Array.from({ length: whole.count }, (_, index) => index) }
  if (whole.bytes.length <= maxBytes) return { batch: whole, tooLarge: [] }
  const tooLarge: number[] = []
  for (let index = 0; index < whole.count; index += 1) if (sizeOf(whole, index) > maxBytes) tooLarge.push(index)
  if (tooLarge.length === 0) return { batch: whole, tooLarge }
  const large = new Set(tooLarge)
  const fitting = Array.from({ length: whole.count }, (_, index) => index).filter((index) => !large.has(index))
  return { batch: selectRecords(whole, fitting), tooLarge }
}

function sizeOf(batch: RecordBatch, index: number): number {
  return batch.valueEnds[index]! - batch.valueStarts[index]! + batch.keyEnds[index]! - batch.keyStarts[index]!
}

function refuseLarge(batch: RecordBatch, index: number, maxBytes: number): Refused {
  const value = recordValue(batch, index)
  const message = `The record has ${sizeOf(batch, index)} bytes, and ingest.max_record_mb allows ${maxBytes}.`
  return {
    index,
    schemaId: value === null ? null : (readSchemaId(value)?.schemaId ?? null),
    errors: [{ code: 'TOO_LARGE', field: null, rule: `max_record_mb ${maxBytes / 2 ** 20}`, message }],
  }
}

function refuseKeptBack({ bytes, maxBytes }: KeptBack): Omit<Refused, 'index'> {
  const size = bytes === null ? 'unpacks to more' : `has ${bytes} bytes`
  const message = `The record's batch ${size}, and ingest.max_batch_mb allows ${maxBytes}; its bytes were not read and stay in the log.`
  const rule = `max_batch_mb ${maxBytes / 2 ** 20}`
  return { schemaId: null, errors: [{ code: 'BATCH_TOO_LARGE', field: null, rule, message }] }
}
