import type { Emit, Happening } from '../../domain/events.ts'
import type { World } from '../../ports/world.ts'
import { Accumulator } from '../accumulator.ts'
import { openFlush, type OpenFlush } from '../decode/open-flush.ts'
import { decideAhead } from '../flush-policy.ts'
import { takeBatches, type OpenPartition, type TakeRequest } from '../lane/take-batches.ts'
import { mayAdopt, type FlushGround } from './may-adopt.ts'

export interface AheadRequest {
  readonly pass: Omit<TakeRequest, 'world' | 'held' | 'emit'> & {
    readonly world: TakeRequest['world'] & OpenFlush['world'] & Pick<World, 'clock'>
    /** Partition → where the pass ends. */
    readonly targets: ReadonlyMap<number, bigint>
  }
  /** What the table and the partitions will be once the flush before is committed. */
  readonly ground: FlushGround
  /** The partitions to be read: those of the ground. */
  readonly open: ReadonlyMap<number, OpenPartition>
}

/**
 * The beginning of the next flush, read and handed to the decoding while the one before it is written, so that threads
 * have work until its commit is there. Nothing of it is durable, and nothing is told of it. It becomes a flush only where
 * one that began now would begin the same way; else all of it is dropped and read again from the table's position (I3, I4).
 */
export class ReadAhead {
  readonly batchId: string
  readonly held: Accumulator
  readonly #request: AheadRequest
  readonly #told: Happening[] = []
  readonly #ended: Promise<'whole' | 'failed'>
  #stopped = false

  constructor(request: AheadRequest) {
    const { pass, ground } = request
    const { world, table } = pass
    const { schema, tableFields } = ground
    this.#request = request
    this.batchId = world.clock.newId()
    const snapshot = tableFields === null ? null : { metadata: { fields: tableFields } }
    this.held = new Accumulator(
      openFlush({ world, table, schema, snapshot, batchId: this.batchId, keepLetters: false }),
    )
    for (const [partition, start] of ground.starts) this.held.begin({ topic: table.topic, partition }, start)
    // What fails here fails again, and is told, where it is read again.
    this.#ended = this.#read().then(
      () => 'whole',
      () => 'failed',
    )
  }

  /** Reads no more. True where what is held is the beginning of a flush on this ground; who takes it abandons the decoding. */
  async adopt(now: FlushGround, emit: Emit): Promise<boolean> {
    this.#stopped = true
    const whole = (await this.#ended) === 'whole'
    if (!whole || this.held.heldRecords === 0 || !mayAdopt(this.#request.ground, now)) return false
    for (const happening of this.#told) emit(happening)
    return true
  }

  async abandon(): Promise<void> {
    this.#stopped = true
    await this.#ended
    await this.held.decoding.abandon()
  }

  async #read(): Promise<void> {
    const { pass } = this.#request
    const { world, table, targets } = pass
    const { held } = this
    const emit = (happening: Happening): void => void this.#told.push(happening)
    const open = new Map(this.#request.open)
    // The threads are told to write before they are given more.
    await world.clock.sleep(1, world.signal)
    while (open.size > 0) {
      for (const [partition, opened] of open) {
        if (this.#stopped || world.signal.aborted) return
        const taken = await takeBatches({ ...pass, held, emit }, { partition, ...opened })
        const next = held.next({ topic: table.topic, partition })!
        // A stop is found again, and told, by the flush that adopts what comes before it.
        if (taken.stop !== null || taken.batches === 0 || next >= targets.get(partition)!) open.delete(partition)
        if (decideAhead(held.heldBytes, world.settings.ingest) === 'enough') return
      }
    }
  }
}
