import type { ColumnField } from '../../domain/column-batch.ts'
import type { Emit } from '../../domain/events.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { Accumulator } from '../accumulator.ts'
import type { OpenPartition } from '../lane/take-batches.ts'
import type { FlushGround, OpenStart } from './may-adopt.ts'
import { ReadAhead, type AheadRequest } from './read-ahead.ts'

export interface FlushBefore {
  readonly pass: AheadRequest['pass']
  readonly schema: RegisteredSchema
  /** What its commit makes of the table. */
  readonly tableFields: readonly ColumnField[]
  /** Partitions that have more to give than it holds. */
  readonly open: ReadonlyMap<number, OpenPartition>
  readonly held: Accumulator
}

/** What a lane carries from one flush to the next: what was read ahead, if anything. */
export class NextFlush {
  /** Whether a flush that is written may be read ahead of. */
  mayBegin = false
  #ahead: ReadAhead | null = null

  /** Of what was read ahead; whoever comes next is that flush, though it may read anew. */
  get batchId(): string | null {
    return this.#ahead?.batchId ?? null
  }

  /** Reads on from where the flush before will stand. */
  begin({ pass, schema, tableFields, open, held }: FlushBefore): void {
    if (!this.mayBegin || open.size === 0 || pass.world.signal.aborted) return
    const starts = new Map<number, OpenStart>()
    for (const [partition, { epoch }] of open) {
      const position = held.position({ topic: pass.table.topic, partition })!
      starts.set(partition, { kind: 'open', epoch, from: position, at: position, startSkip: null })
    }
    this.#ahead = new ReadAhead({ pass, ground: { schema, tableFields, starts }, open: new Map(open) })
  }

  /** What was read ahead, where a flush on this ground may go on with it; else null, and it is dropped. */
  async take(ground: FlushGround, emit: Emit): Promise<Accumulator | null> {
    const ahead = this.#ahead
    this.#ahead = null
    if (ahead === null) return null
    if (await ahead.adopt(ground, emit)) return ahead.held
    await ahead.abandon()
    return null
  }

  async abandon(): Promise<void> {
    const ahead = this.#ahead
    this.#ahead = null
    await ahead?.abandon()
  }
}
