import { classifyError, type SluiceError } from '../../domain/errors.ts'
import type { Emit, JobEnd } from '../../domain/events.ts'
import type { Contract } from '../../domain/contract.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { FlushDecoding } from '../../ports/decode-pool.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { parseContract } from '../../contract/parse-contract.ts'
import { Accumulator } from '../accumulator.ts'
import { openFlush } from '../decode/open-flush.ts'
import { contractInForce } from '../lane/contract-in-force.ts'
import { flush } from '../flush.ts'
import { decideFlush } from '../flush-policy.ts'
import { readPosition } from '../lane/lane-position.ts'
import { findTable } from '../lane/lane-table.ts'
import type { KnownTopic } from '../lane/known-topic.ts'
import { keepTxns } from '../lane/ledger/keep-txns.ts'
import type { LostPositions } from '../lane/ledger/lost-positions.ts'
import type { WriterCache } from '../lane/resolve-writers.ts'
import type { LaneWorld } from '../run-lane.ts'
import { startPartition, type PartitionStart } from '../lane/start-partition.ts'
import { takeBatches, type OpenPartition } from '../lane/take-batches.ts'
import { decideShare, type HeldBytes } from './held-bytes.ts'
import { waitForNews } from './wait-for-news.ts'

export interface MicroBatch {
  /** Its signal ends the reading; what is held then is committed. */
  readonly world: LaneWorld & Pick<World, 'events' | 'traceId'>
  readonly table: BronzeTableSettings
  readonly topic: TopicDescription
  readonly partitions: readonly number[]
  readonly writers: WriterCache
  readonly known: KnownTopic
  readonly lost: LostPositions
  readonly heldBytes: HeldBytes
  /** Partitions of this lane that the process may read now. Asked about once a second. */
  readonly assigned: () => Promise<ReadonlySet<number>>
  /** A stopped partition is to be looked at again. */
  readonly retryDue: () => boolean
  readonly alive: () => void
}

export interface MicroBatchEnd {
  /** Where each partition that may be read on stands; empty where another writer was faster and all must be read again. */
  readonly stands: ReadonlyMap<number, bigint>
  /** Partitions that cannot go on, and why. */
  readonly stops: ReadonlyMap<number, SluiceError>
  /** Partitions that were read without a stop. */
  readonly went: ReadonlySet<number>
}

const WAIT_MS = 1_000
const LEASE_POLL_MS = 1_000
const PRESSURE_MS = 100

/**
 * One micro-batch of an always-on lane: reads on from the table's positions until the flush policy says so, nothing
 * is left and nothing held, a partition stops, the assignment changes or the signal asks for the end; then one commit.
 * What is held of a partition that went to another process is dropped. A run of its own, for lineage.
 */
export async function runMicroBatch(batch: MicroBatch): Promise<MicroBatchEnd> {
  const { table } = batch
  const world = { ...batch.world, runId: batch.world.clock.newId() }
  const context = { runId: world.runId, traceId: world.traceId, jobName: `ingest:${table.table}` }
  const emit: Emit = (happening, batchId) =>
    world.events.emit({ ...context, ...(batchId === undefined ? {} : { batchId }), ...happening })
  const startedMs = world.clock.nowMs()
  emit({
    type: 'job.started',
    stage: 'ingest',
    inputs: [{ kind: 'topic', name: table.topic }],
    outputs: [{ kind: 'table', name: `bronze.${table.table}` }],
  })
  const ended = (idle: boolean, end: JobEnd): void =>
    emit({ type: 'job.ended', stage: 'ingest', idle, ms: world.clock.nowMs() - startedMs, ...end })
  try {
    const filling = await Filling.open({ ...batch, world }, emit)
    const end = await filling.run()
    const [stop] = end.stops.values()
    if (stop === undefined) ended(!filling.committed, { outcome: 'completed' })
    else ended(false, { outcome: 'failed', code: stop.code, message: stop.message })
    return end
  } catch (error) {
    const { code, message } = classifyError(error)
    ended(false, { outcome: 'failed', code, message })
    throw error
  } finally {
    batch.heldBytes.set(table.table, 0)
  }
}

interface Opened {
  readonly batch: MicroBatch
  readonly emit: Emit
  readonly snapshot: Snapshot | null
  readonly contract: Contract
  readonly batchId: string
  readonly decoding: FlushDecoding
}

/**
 * A sight of the topic as young as the table: where another process read on after ours was taken, the table would stand
 * past the log's end.
 */
async function seenSince({ world, table, topic }: MicroBatch, snapshot: Snapshot | null): Promise<TopicDescription> {
  const isPast = topic.partitions.some(({ partition, limit }) => {
    const position = snapshot === null ? null : readPosition(snapshot.txns, { topic: topic.topic, partition })
    return position !== null && position.next > limit
  })
  // Where it is gone meanwhile, the next turn says so.
  return isPast ? ((await world.log.describe(table.topic)) ?? topic) : topic
}

class Filling {
  committed = false
  readonly #batch: MicroBatch
  readonly #emit: Emit
  readonly #opened: Opened
  readonly #held: Accumulator
  readonly #open = new Map<number, OpenPartition>()
  /** All that was begun and is still ours. */
  readonly #begun = new Set<number>()
  readonly #stops = new Map<number, SluiceError>()
  readonly #went = new Set<number>()
  readonly #startedMs: number
  #polledMs: number

  private constructor(opened: Opened) {
    this.#opened = opened
    this.#batch = opened.batch
    this.#emit = opened.emit
    this.#held = new Accumulator(opened.decoding)
    this.#startedMs = opened.batch.world.clock.nowMs()
    this.#polledMs = this.#startedMs
  }

  static async open(batch: MicroBatch, emit: Emit): Promise<Filling> {
    const { world, table, partitions } = batch
    const snapshot = await keepTxns(world, table, await findTable(world.lake, table.table), emit)
    const topic = await seenSince(batch, snapshot)
    const schema = await contractInForce(world.registry, table)
    const batchId = world.clock.newId()
    const strangers = await batch.known.strangers({ world, table, topic, snapshot, partitions })
    const lost = await batch.lost.stops({ world, table, topic, snapshot, partitions })
    const starts = partitions.map((partition): PartitionStart => {
      const stranger = strangers.get(partition) ?? lost.get(partition)
      if (stranger !== undefined) return { kind: 'stop', error: stranger }
      return startPartition({ table: table.table, topic, partition, snapshot })
    })
    const decoding = openFlush({ world, table, schema, snapshot, batchId, keepLetters: false })
    const filling = new Filling({
      batch: { ...batch, topic },
      emit,
      snapshot,
      contract: parseContract(schema),
      batchId,
      decoding,
    })
    starts.forEach((start, i) => filling.#begin(partitions[i]!, start))
    return filling
  }

  #begin(partition: number, start: PartitionStart): void {
    if (start.kind === 'stop') {
      this.#stops.set(partition, start.error)
      return
    }
    this.#held.begin({ topic: this.#batch.table.topic, partition }, start)
    this.#open.set(partition, { epoch: start.epoch, source: this.#batch.topic.source })
    this.#begun.add(partition)
  }

  async run(): Promise<MicroBatchEnd> {
    try {
      return await this.#run()
    } finally {
      await this.#held.decoding.abandon()
    }
  }

  async #run(): Promise<MicroBatchEnd> {
    const { world, table } = this.#batch
    const { snapshot, contract, batchId } = this.#opened
    await this.#fill()
    if (this.#held.heldRecords > 0) {
      const held = this.#held
      const outcome = await flush({ world, table, contract, batchId, held, snapshot, emit: this.#emit })
      // A partition that was to stop is read again too: what comes before its stop was dropped with the rest.
      if (outcome.kind === 'conflicted') return { stands: new Map(), stops: new Map(), went: new Set() }
      this.#batch.known.reach(held.reached())
      this.committed = true
    }
    const stands = [...this.#begun].flatMap((partition): [number, bigint][] =>
      this.#stops.has(partition) ? [] : [[partition, this.#next(partition)]],
    )
    return { stands: new Map(stands), stops: this.#stops, went: this.#went }
  }

  async #fill(): Promise<void> {
    const { world, table, writers, heldBytes, retryDue, alive } = this.#batch
    for (;;) {
      const share = decideShare(heldBytes.sight(table.table), world.settings.ingest.memoryLimitBytes)
      if (share === 'flush') return
      let quiet = true
      for (const [partition, opened] of share === 'read' ? this.#open : []) {
        if (world.signal.aborted) return
        const request = { world, table, writers, held: this.#held, emit: this.#emit }
        const taken = await takeBatches(request, { partition, ...opened })
        if (world.signal.aborted && taken.batches === 0) return
        if (taken.batches > 0) quiet = false
        this.#settle(partition, taken.stop)
        heldBytes.set(table.table, this.#held.heldBytes)
        if (this.#isFull()) return
      }
      alive()
      if (world.signal.aborted || this.#stops.size > 0 || this.#isFull() || retryDue()) return
      if (share === 'read' && quiet && this.#held.heldRecords === 0) return
      if ((await this.#followLeases()) === 'gained' || this.#open.size === 0) return
      if (share === 'wait') await world.clock.sleep(PRESSURE_MS, world.signal).catch(() => undefined)
      else if (quiet) await this.#rest()
    }
  }

  #settle(partition: number, stop: SluiceError | null): void {
    if (stop === null) {
      this.#went.add(partition)
      return
    }
    this.#stops.set(partition, stop)
    this.#went.delete(partition)
    this.#open.delete(partition)
  }

  #isFull(): boolean {
    const { heldBytes, heldRecords } = this.#held
    const state = { heldBytes, heldRecords, ageMs: this.#ageMs(), ended: false }
    return decideFlush(state, this.#batch.world.settings.ingest) === 'flush'
  }

  #ageMs(): number {
    return this.#batch.world.clock.nowMs() - (this.#held.openedMs ?? this.#startedMs)
  }

  /** `gained`: a partition that is not begun may be read too. */
  async #followLeases(): Promise<'same' | 'gained'> {
    const { world, table, assigned, heldBytes } = this.#batch
    const nowMs = world.clock.nowMs()
    if (nowMs - this.#polledMs < LEASE_POLL_MS) return 'same'
    this.#polledMs = nowMs
    const now = await assigned()
    for (const partition of this.#begun) {
      if (now.has(partition)) continue
      this.#held.drop({ topic: table.topic, partition })
      this.#begun.delete(partition)
      this.#open.delete(partition)
      this.#went.delete(partition)
      heldBytes.set(table.table, this.#held.heldBytes)
    }
    return [...now].some((partition) => !this.#begun.has(partition)) ? 'gained' : 'same'
  }

  /** Until something comes, but no longer than the flush may wait. */
  async #rest(): Promise<void> {
    const { world, table } = this.#batch
    const leftMs = Math.max(0, world.settings.ingest.flushAgeMs - this.#ageMs())
    const from = new Map([...this.#open.keys()].map((partition) => [partition, this.#next(partition)]))
    const waitMs = Math.min(WAIT_MS, leftMs)
    await waitForNews({ log: world.log, topic: table.topic, from, waitMs, signal: world.signal })
  }

  #next(partition: number): bigint {
    return this.#held.next({ topic: this.#batch.table.topic, partition })!
  }
}
