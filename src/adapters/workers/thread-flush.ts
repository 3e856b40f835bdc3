import type { ColumnField } from '../../domain/column-batch.ts'
import { partitionKey, type TopicPartition } from '../../domain/position.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import type {
  BatchFacts,
  FlushDecoding,
  FlushTerms,
  SettledFlush,
  StagedRows,
  StageOrder,
} from '../../ports/decode-pool.ts'
import type { FlushListener, Thread, ThreadReply } from './thread.ts'
import { movableBatch, recordBytes, wholeBuffers } from './whole-buffers.ts'

export interface ThreadFlushOptions {
  readonly flush: number
  readonly terms: FlushTerms
  readonly threads: number
  /** Where the partition that comes first goes. */
  readonly firstSlot: number
  readonly inFlightBytes: number
  readonly threadAt: (slot: number) => Thread
  readonly localFile: (slot: number) => Promise<string>
}

interface Part {
  readonly slot: number
  readonly thread: Thread
  /** Known once the flush is settled. */
  localFile: string
  heldBytes: number
  /** Sizes of what was handed over, oldest first. */
  readonly inFlight: number[]
}

/** One flush over the threads of a pool: each partition on one of them, so that its order stays. */
export class ThreadFlush implements FlushDecoding, FlushListener {
  readonly #options: ThreadFlushOptions
  readonly #slotOf = new Map<string, number>()
  readonly #parts = new Map<number, Part>()
  #failure: Error | null = null
  #left = false
  /** Whoever waits for an answer. Woken by each, to look again. */
  #wake: (() => void)[] = []
  readonly #settled = new Map<Thread, SettledFlush>()
  readonly #staged = new Map<Thread, StagedRows | null>()

  constructor(options: ThreadFlushOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    let sum = 0
    for (const { heldBytes, inFlight } of this.#parts.values())
      sum += inFlight.reduce((bytes, each) => bytes + each, heldBytes)
    return sum
  }

  async take(batches: readonly RecordBatch[], facts: BatchFacts): Promise<void> {
    this.#check()
    const first = batches[0]
    if (first === undefined) return
    const part = this.#partOf(first)
    const { thread } = part
    const writers = new Map([...facts.writers].filter(([id]) => !thread.knownWriters.has(id)))
    for (const id of writers.keys()) thread.knownWriters.add(id)
    const bytes = batches.reduce((sum, batch) => sum + recordBytes(batch), 0)
    const views: ArrayBufferView[] = []
    const movable = batches.map((batch) => movableBatch(batch, views))
    const { flush, inFlightBytes } = this.#options
    thread.send({ kind: 'take', flush, batches: movable, facts: { ...facts, writers } }, wholeBuffers(views))
    part.inFlight.push(bytes)
    thread.inFlightBytes += bytes
    await this.#until(() => thread.inFlightBytes < inFlightBytes)
  }

  fetchRoom(): undefined {
    // What lies in room that is shared would be copied once more to move.
  }

  drop(at: TopicPartition): void {
    const slot = this.#slotOf.get(partitionKey(at))
    if (slot === undefined) return
    this.#parts.get(slot)?.thread.send({ kind: 'drop', flush: this.#options.flush, at })
  }

  async settle(): Promise<SettledFlush> {
    const { flush, localFile } = this.#options
    const parts = [...this.#parts.values()]
    for (const { thread } of parts) thread.send({ kind: 'settle', flush })
    for (const part of parts) part.localFile = await localFile(part.slot)
    await this.#until(() => this.#settled.size === this.#parts.size)
    return joinSettled([...this.#settled.values()])
  }

  async stage(order: StageOrder): Promise<readonly StagedRows[]> {
    const { flush } = this.#options
    // At once, so that a thread writes before it takes what is handed over from now on.
    for (const { thread, localFile } of this.#parts.values()) thread.send({ kind: 'stage', flush, order, localFile })
    await this.#until(() => this.#staged.size === this.#parts.size)
    return [...this.#staged.values()].filter((staged) => staged !== null)
  }

  async abandon(): Promise<void> {
    if (this.#left) return
    this.#left = true
    for (const { thread, inFlight } of this.#parts.values()) {
      thread.inFlightBytes -= inFlight.reduce((sum, bytes) => sum + bytes, 0)
      thread.leave(this.#options.flush)
    }
    this.#parts.clear()
    // Whoever still waits is told.
    this.#wakeAll()
  }

  answered(thread: Thread, reply: ThreadReply): void {
    const part = [...this.#parts.values()].find((each) => each.thread === thread)
    if (part === undefined) return
    if (reply.kind === 'taken' || reply.kind === 'dropped') part.heldBytes = reply.heldBytes
    if (reply.kind === 'taken') thread.inFlightBytes -= part.inFlight.shift() ?? 0
    if (reply.kind === 'settled') this.#settled.set(thread, reply.settled)
    if (reply.kind === 'staged') this.#staged.set(thread, reply.staged)
    this.#wakeAll()
  }

  failed(error: Error): void {
    this.#failure ??= error
    this.#wakeAll()
  }

  #partOf(at: TopicPartition): Part {
    const { flush, terms, threads, firstSlot, threadAt } = this.#options
    const key = partitionKey(at)
    // Columns that mode evolve brings must agree, so one thread sees them all.
    const slot =
      this.#slotOf.get(key) ?? (terms.table.onUnknownField === 'evolve' ? 0 : (firstSlot + this.#slotOf.size) % threads)
    this.#slotOf.set(key, slot)
    const known = this.#parts.get(slot)
    if (known !== undefined) return known
    const part: Part = { slot, thread: threadAt(slot), localFile: '', heldBytes: 0, inFlight: [] }
    this.#parts.set(slot, part)
    part.thread.join(flush, this)
    part.thread.send({ kind: 'open', flush, terms })
    return part
  }

  async #until(holds: () => boolean): Promise<void> {
    for (;;) {
      this.#check()
      if (holds()) return
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure
    if (this.#left) throw new Error('the flush was abandoned')
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

function joinSettled(parts: readonly SettledFlush[]): SettledFlush {
  const fields = new Map<string, ColumnField>()
  for (const part of parts) for (const field of part.fields) if (!fields.has(field.name)) fields.set(field.name, field)
  return {
    landed: parts.reduce((sum, { landed }) => sum + landed, 0),
    fields: [...fields.values()],
    letters: {
      count: parts.reduce((sum, { letters }) => sum + letters.count, 0),
      lines: parts.flatMap(({ letters }) => letters.lines),
      copies: parts.flatMap(({ letters }) => letters.copies),
      records: parts.flatMap(({ letters }) => letters.records),
    },
  }
}
