import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { ColumnRoom } from '../../domain/column-room.ts'
import type { TopicPartition } from '../../domain/position.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import type {
  BatchFacts,
  DecodePool,
  FlushDecoding,
  FlushTerms,
  FlushWork,
  OpenFlushWork,
  SettledFlush,
  StagedRows,
  StageOrder,
} from '../../ports/decode-pool.ts'
import { removeStaged, stageFile } from './stage-file.ts'

export interface InProcessOptions {
  readonly openWork: OpenFlushWork
  /** Where files wait to be taken. Asked for at first use. */
  readonly folder: () => Promise<string>
}

/** The pool without a thread: a start costs nothing, and each batch is judged by the time that `take` resolves. */
export function openInProcessPool({ openWork, folder }: InProcessOptions): DecodePool {
  let flushes = 0
  return {
    worksBeside: false,
    expect() {
      // There is nothing to begin.
    },
    openFlush(terms) {
      flushes += 1
      const name = `flush-${flushes}.parquet`
      return new InProcessFlush(openWork, terms, async () => join(await folder(), name))
    },
    async close() {
      // Nothing runs on beyond a call.
    },
  }
}

class InProcessFlush implements FlushDecoding {
  #work: FlushWork | null = null
  readonly #open: () => FlushWork
  readonly #localFile: () => Promise<string>
  #staged: string | null = null

  constructor(openWork: OpenFlushWork, terms: FlushTerms, localFile: () => Promise<string>) {
    this.#open = () => openWork(terms)
    this.#localFile = localFile
  }

  get heldBytes(): number {
    return this.#work?.heldBytes ?? 0
  }

  async take(batches: readonly RecordBatch[], facts: BatchFacts): Promise<void> {
    this.#work ??= this.#open()
    this.#work.take(batches, facts)
  }

  fetchRoom(): ColumnRoom | undefined {
    return this.#work?.fetchRoom()
  }

  drop(at: TopicPartition): void {
    this.#work?.drop(at)
  }

  async settle(): Promise<SettledFlush> {
    return this.#work?.settle() ?? { landed: 0, fields: [], letters: { count: 0, lines: [], copies: [], records: [] } }
  }

  async stage(order: StageOrder): Promise<readonly StagedRows[]> {
    if (this.#work === null) return []
    this.#staged = await this.#localFile()
    const steps = stageFile(this.#work, order, this.#staged)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value === null ? [] : [step.value]
      // Leases, signals and other lanes have their turn between two batches.
      await turn()
      if (this.#work === null) throw new Error('the flush was abandoned')
    }
  }

  async abandon(): Promise<void> {
    this.#work?.close()
    this.#work = null
    if (this.#staged !== null) removeStaged(this.#staged)
    this.#staged = null
  }
}
