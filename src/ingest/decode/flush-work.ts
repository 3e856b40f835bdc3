import type { ColumnField } from '../../domain/column-batch.ts'
import type { ColumnRoom } from '../../domain/column-room.ts'
import { hasPii } from '../../domain/contract.ts'
import type { DeadLetter, UnshownLetter } from '../../domain/dead-letter.ts'
import type { TopicPartition } from '../../domain/position.ts'
import type { PackedRecords } from '../../domain/packed-records.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import { LetterCopies } from '../../error-lane/copies/copy-writer.ts'
import { LetterLines } from '../../error-lane/lines/letter-lines.ts'
import { createParquetWriter } from '../../parquet/write-parquet.ts'
import type {
  BatchFacts,
  FlushTerms,
  FlushWork,
  OpenFlushWork,
  SettledFlush,
  StageOrder,
} from '../../ports/decode-pool.ts'
import { LaneJudge } from '../lane/lane-judge.ts'
import { castBatch } from '../rows/cast-column.ts'
import { judgeBatch, type JudgeContext } from '../rows/judge-batch.ts'
import { BRONZE_SYSTEM_COLUMNS, stampIngestTime } from '../rows/system-columns.ts'
import { HeldRows } from './held-rows.ts'
import { BatchJoiner } from './join-batches.ts'
import { SlabRoom, Slabs } from './slab-room.ts'
import { JudgeCache } from './judge-cache.ts'

/**
 * The work of one thread: judges by the one function (I15), holds rows and letters, writes the rows as one file. Judges
 * outlive a flush, since a decoder that was made anew would start cold.
 */
export function createFlushWork(): OpenFlushWork {
  const tools = {
    judges: new JudgeCache(),
    joiner: new BatchJoiner(),
    slabs: new Slabs(KEPT_SLAB_BYTES),
    fetchSlabs: new Slabs(KEPT_FETCH_BYTES),
  }
  return (terms) => new JudgedFlush(terms, tools)
}

/** Row groups of this size leave for the file, so that no file is ever held whole (I12). */
const ROW_GROUP_BYTES = 32 * 1024 * 1024

/** What outlives a flush. */
interface Tools {
  readonly judges: JudgeCache
  readonly joiner: BatchJoiner
  readonly slabs: Slabs
  /** Apart from those of held rows, which no log may write to. */
  readonly fetchSlabs: Slabs
}

/** What a thread keeps between two flushes. */
const KEPT_SLAB_BYTES = 96 * 1024 * 1024
const KEPT_FETCH_BYTES = 16 * 1024 * 1024

class JudgedFlush implements FlushWork {
  readonly #terms: FlushTerms
  readonly #joiner: BatchJoiner
  readonly #room: SlabRoom
  readonly #fetched: SlabRoom
  readonly #judge: LaneJudge
  readonly #held = new HeldRows()
  /** Kept whole, by the part that they came with. */
  readonly #letters = new Map<object, readonly DeadLetter[]>()
  readonly #seals: boolean
  readonly #lines: LetterLines
  readonly #copies: LetterCopies | null

  constructor(terms: FlushTerms, { judges, joiner, slabs, fetchSlabs }: Tools) {
    const { schema, table, tableFields, hashKey, sealKey, copyLetters, batchId } = terms
    this.#terms = terms
    this.#joiner = joiner
    this.#room = new SlabRoom(slabs)
    this.#fetched = new SlabRoom(fetchSlabs)
    const snapshot = tableFields === null ? null : { metadata: { fields: tableFields } }
    this.#judge = new LaneJudge({ schema, table, snapshot, hashKey, makeJudge: (options) => judges.get(options) })
    this.#seals = hasPii(this.#judge.judge.contract)
    this.#copies = copyLetters ? new LetterCopies(batchId) : null
    this.#lines = new LetterLines(sealKey, this.#copies)
  }

  get heldBytes(): number {
    return this.#held.heldBytes
  }

  fetchRoom(): ColumnRoom {
    this.#fetched.release()
    return this.#fetched
  }

  take(batches: readonly RecordBatch[], facts: BatchFacts): void {
    for (const batch of this.#joiner.join(batches)) this.#takeOne(batch, facts)
  }

  #takeOne(batch: RecordBatch, { epoch, nowMs, writers }: BatchFacts): void {
    const { table, runId, batchId, maxRecordBytes, keepLetters, sealKey } = this.#terms
    const { judge } = this.#judge
    const room = this.#room
    const terms = { table: table.table, runId, batchId, maxRecordBytes }
    const unsealed = this.#seals && sealKey === null
    const whole = keepLetters || unsealed
    const lines = this.#lines
    let lettersCount = 0
    let lettersBytes = 0
    const note = (letter: UnshownLetter): void => {
      lettersCount += 1
      if (whole) lettersBytes += letterBytes(letter)
    }
    const tell = (letter: UnshownLetter, recordJson: Uint8Array): void => {
      note(letter)
      if (!unsealed) lines.addTold(letter, recordJson)
    }
    // What is not kept whole becomes a line at once: letters that lived on would be most of the collector's work.
    const told = keepLetters ? {} : { tell }
    const context: JudgeContext = { ...terms, judge, writers, epoch, nowMs, room, ...told }
    const { rows, letters } = judgeBatch(batch, context)
    for (const letter of letters) {
      note(letter)
      if (!unsealed) lines.add(letter)
    }
    this.#judge.learn(rows)
    const part = { rows, lettersCount, lines: lines.take(), copies: this.#copies?.take() ?? [], lettersBytes }
    if (keepLetters) this.#letters.set(part, letters)
    this.#held.add(batch, part)
  }

  drop(at: TopicPartition): void {
    this.#held.drop(at)
  }

  settle(): SettledFlush {
    const fields = new Map<string, ColumnField>()
    const lines: Uint8Array[] = []
    const copies: PackedRecords[] = []
    const records: DeadLetter[] = []
    for (const part of this.#held.parts()) {
      if (part.rows.length > 0) {
        for (const field of part.rows.fields) {
          if (!BRONZE_SYSTEM_COLUMNS.has(field.name) && !fields.has(field.name)) fields.set(field.name, field)
        }
      }
      lines.push(...part.lines)
      copies.push(...part.copies)
      records.push(...(this.#letters.get(part) ?? []))
    }
    const letters = { count: this.#held.lettersCount, lines, copies, records }
    return { landed: this.#held.landed, fields: [...fields.values()], letters }
  }

  *stage({ fields, partitionColumns, nowMs }: StageOrder): ReturnType<FlushWork['stage']> {
    if (this.#held.landed === 0) return null
    const stored = fields.filter((field) => !partitionColumns.includes(field.name))
    const writer = createParquetWriter({ fields: stored, rowGroupBytes: ROW_GROUP_BYTES })
    for (const { rows } of this.#held.parts()) {
      if (rows.length > 0) yield writer.write(castBatch(stampIngestTime(rows, nowMs), fields))
    }
    const { chunks, rows, stats } = writer.finish()
    yield chunks
    return { rows, stats }
  }

  close(): void {
    this.#room.release()
    this.#fetched.release()
  }
}

/**
 * What a letter costs until it is written: objects for its errors, headers and decoded record, and its raw bytes.
 * Measured, rounded up.
 */
function letterBytes(letter: UnshownLetter): number {
  const raw = (letter.raw?.length ?? 0) + (letter.key?.length ?? 0)
  const headers = letter.headers.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
  return 2_048 + (raw + headers) * 8 + letter.errors.length * 256
}
