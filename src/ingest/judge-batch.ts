import type { Judge } from '../contract/judge.ts'
import type { Column, ColumnBatch, ColumnField } from '../domain/column-batch.ts'
import { hasPii } from '../domain/contract.ts'
import type { DeadLetter, Skip } from '../domain/dead-letter.ts'
import { readHeaders, recordKey, recordOffset, recordValue, type RecordBatch } from '../domain/record-batch.ts'
import { rowIdOfLog } from '../error-lane/row-id.ts'
import type { RegisteredSchema } from '../ports/schema-registry.ts'
import { laneHeadersReader } from './record-headers.ts'
import { constantColumn, repeatedTextColumn, SYSTEM_FIELDS } from './system-columns.ts'

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
export function judgeBatch(batch: RecordBatch, context: JudgeContext): JudgedBatch {
  const verdict = context.judge.judge(batch, context.writers)
  const contract = context.judge.contract
  const headersOf = laneHeadersReader(batch)
  const { length } = verdict.rows

  const sources: string[] = []
  const ops: string[] = []
  const batchIds: string[] = []
  const offsets = new BigInt64Array(length)
  const recordTs = new BigInt64Array(length)
  for (let row = 0; row < length; row += 1) {
    const index = verdict.rows[row]!
    const headers = headersOf(index)
    sources.push(headers.source)
    ops.push(verdict.ops?.[row] === 1 ? 'd' : headers.op)
    batchIds.push(headers.batchId ?? context.batchId)
    offsets[row] = recordOffset(batch, index)
    recordTs[row] = BigInt(Math.floor(batch.timestampsMs[index]!)) * 1000n
  }

  const fields: ColumnField[] = [...verdict.columns.fields]
  const columns: Column[] = [...verdict.columns.columns]
  const put = (field: ColumnField, column: Column): void => {
    fields.push(field)
    columns.push(column)
  }
  const { type: int64 } = SYSTEM_FIELDS.offset
  const { type: timestamp } = SYSTEM_FIELDS.recordTs
  const { type: int32 } = SYSTEM_FIELDS.partition
  put(SYSTEM_FIELDS.batchId, repeatedTextColumn(batchIds))
  put(SYSTEM_FIELDS.sourceSystem, repeatedTextColumn(sources))
  put(SYSTEM_FIELDS.topic, constantColumn(SYSTEM_FIELDS.topic.type, batch.topic, length))
  put(SYSTEM_FIELDS.partition, constantColumn(int32, batch.partition, length))
  put(SYSTEM_FIELDS.epoch, constantColumn(int32, context.epoch, length))
  put(SYSTEM_FIELDS.offset, { type: int64, length, validity: null, values: { layout: 'int64', data: offsets } })
  put(SYSTEM_FIELDS.recordTs, { type: timestamp, length, validity: null, values: { layout: 'int64', data: recordTs } })
  put(SYSTEM_FIELDS.op, repeatedTextColumn(ops))
  put(SYSTEM_FIELDS.schemaId, {
    type: int32,
    length,
    validity: null,
    values: { layout: 'int32', data: verdict.schemaIds },
  })
  put(SYSTEM_FIELDS.contractId, constantColumn(int32, contract.id, length))
  put(SYSTEM_FIELDS.rescued, verdict.rescued)

  const sealed = hasPii(contract)
  const letters = verdict.refusals.map((refusal): DeadLetter => {
    const log = {
      topic: batch.topic,
      partition: batch.partition,
      epoch: context.epoch,
      offset: recordOffset(batch, refusal.index),
    }
    return {
      rowId: rowIdOfLog(log),
      layer: 'bronze',
      table: context.table,
      runId: context.runId,
      batchId: headersOf(refusal.index).batchId ?? context.batchId,
      stage: 'contract',
      log,
      source: null,
      recordTsMs: batch.timestampsMs[refusal.index]!,
      schemaId: refusal.schemaId,
      contractId: contract.id,
      errors: refusal.errors,
      record: refusal.record,
      raw: recordValue(batch, refusal.index),
      key: recordKey(batch, refusal.index),
      headers: lenientHeaders(batch, refusal.index),
      sealed,
      quarantinedAtMs: context.nowMs,
    }
  })
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

function lenientHeaders(batch: RecordBatch, index: number): DeadLetter['headers'] {
  try {
    return readHeaders(batch, index)
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}
