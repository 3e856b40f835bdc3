import { ofSource } from '../../src/domain/source-error.ts'
import { recordOffset, type RecordBatch } from '../../src/domain/record-batch.ts'
import type { SourceBatch, SourceRefusal, SourceRow } from '../../src/ports/source-connector.ts'
import type { TopicLog } from '../../src/ports/topic-log.ts'
import { otherTopic, outOfRange } from './other-error.ts'
import { placeOf, recordAt, refuse, type Taken, type TakeRecord } from './records/take-record.ts'
import { formatProgress, progressEntry } from './topic-progress.ts'

export interface ReadPartitionRequest {
  /** The source's name. */
  readonly name: string
  readonly log: TopicLog
  readonly topic: string
  /** The topic's incarnation. */
  readonly source: bigint
  readonly partition: number
  readonly from: bigint
  /** Where the pass ends, exclusive. */
  readonly end: bigint
  readonly maxRecordBytes: number
  readonly take: TakeRecord
  readonly signal: AbortSignal | undefined
}

const FETCH_BYTES = 4 * 1024 * 1024
/** Of what the other side stores together, unpacked. */
const MIN_STORED_BYTES = 32 * 1024 * 1024
const WAIT_MS = 5_000
const BATCH_ROWS = 2_000
const BATCH_BYTES = 1024 * 1024

/**
 * Records of one partition up to the end that the pass saw, each batch with the next offset behind it. Throws
 * SOURCE_CHANGED and OFFSET_OUT_OF_RANGE (I8): never reads on elsewhere.
 */
export async function* readPartition(request: ReadPartitionRequest): AsyncGenerator<SourceBatch> {
  const { name, log, topic, source, partition, end, signal } = request
  const held = new HeldRows(request)
  let next = request.from
  while (next < end && !isAborted(signal)) {
    const from = next
    const outcome = await ofSource(name, () =>
      log.fetch({
        topic,
        partition,
        from,
        source,
        maxBytes: FETCH_BYTES,
        maxBatchBytes: Math.max(MIN_STORED_BYTES, request.maxRecordBytes * 2),
        waitMs: WAIT_MS,
        ...(signal === undefined ? {} : { signal }),
      }),
    )
    if (outcome.kind === 'no_topic') throw otherTopic(name, topic)
    if (outcome.kind === 'out_of_range')
      throw outOfRange(name, { topic, partition, next, start: outcome.start, limit: outcome.end })
    if (outcome.kind === 'empty') return
    for (const batch of outcome.batches) {
      for await (const rows of held.takeAll(batch)) {
        yield rows
        if (isAborted(signal)) return
      }
      next = batch.next
    }
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** Rows of one list of columns, until they are many or others come. */
class HeldRows {
  readonly #request: ReadPartitionRequest
  #columns: readonly string[] = []
  #rows: SourceRow[] = []
  #refused: SourceRefusal[] = []
  #bytes = 0

  constructor(request: ReadPartitionRequest) {
    this.#request = request
  }

  /** What stands in a stored batch; its last batch of rows goes past all that holds no record behind it. */
  async *takeAll(batch: RecordBatch): AsyncGenerator<SourceBatch> {
    for (let index = 0; index < batch.count; index += 1) {
      const offset = recordOffset(batch, index)
      const taken = await this.#take(batch, index)
      if (taken.kind === 'row' && this.#rows.length > 0 && taken.columns !== this.#columns) yield this.#batch(offset)
      if (taken.kind === 'row') {
        this.#columns = taken.columns
        this.#rows.push(taken.row)
      } else this.#refused.push(taken.refusal)
      this.#bytes += batch.valueEnds[index]! - batch.valueStarts[index]!
      if (this.#rows.length + this.#refused.length >= BATCH_ROWS || this.#bytes >= BATCH_BYTES)
        yield this.#batch(offset + 1n)
    }
    if (this.#rows.length + this.#refused.length > 0) yield this.#batch(batch.next)
  }

  async #take(batch: RecordBatch, index: number): Promise<Taken> {
    const { partition, maxRecordBytes, take } = this.#request
    const { keptBack } = batch
    if (keptBack !== undefined) {
      const message = `stored with others in more than ${keptBack.maxBytes} bytes, and so is not read: its bytes are not kept`
      const at = placeOf({ partition, offset: recordOffset(batch, index) })
      return { kind: 'refused', refusal: { at, message, raw: new Uint8Array(0) } }
    }
    const record = recordAt(batch, index)
    const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0)
    if (bytes > maxRecordBytes) return refuse(record, `the record has ${bytes} bytes, more than ${maxRecordBytes}`)
    return take(record)
  }

  #batch(next: bigint): SourceBatch {
    const { topic, partition, source } = this.#request
    const batch: SourceBatch = {
      object: topic,
      columns: this.#columns,
      textual: false,
      rows: this.#rows,
      refused: this.#refused,
      progress: new Map([[progressEntry(topic, partition), formatProgress({ next, source })]]),
    }
    this.#rows = []
    this.#refused = []
    this.#bytes = 0
    return batch
  }
}
