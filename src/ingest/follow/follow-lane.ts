import { retryDelayMs } from '../../domain/backoff.ts'
import { SluiceError } from '../../domain/errors.ts'
import { partitionKey } from '../../domain/position.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { Membership } from '../../ports/assignment.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import { withHeartbeat } from '../lane/heartbeat.ts'
import { positionedPartitions } from '../lane/lane-position.ts'
import { findTable } from '../lane/lane-table.ts'
import { KnownTopic } from '../lane/known-topic.ts'
import { LostPositions } from '../lane/ledger/lost-positions.ts'
import { WriterCache } from '../lane/resolve-writers.ts'
import type { IngestWorld } from '../run-ingest.ts'
import type { HeldBytes } from './held-bytes.ts'
import { runMicroBatch } from './micro-batch.ts'
import { waitForNews } from './wait-for-news.ts'

export interface FollowRequest {
  readonly world: IngestWorld
  readonly table: BronzeTableSettings
  /** Shared by all lanes of the process. */
  readonly heldBytes: HeldBytes
  readonly listener: LaneListener
}

/** Told what becomes of a lane. None of it may throw. */
export interface LaneListener {
  /** A partition cannot go on; told at every look that finds it so. */
  stopped(partition: number, error: SluiceError): void
  /** A partition was read and did not stop; told often. */
  went(partition: number): void
  /** A micro-batch came to its end, or there is nothing to read: nothing keeps the lane as a whole from its work. */
  turned(): void
  /** It is still at it, or waits for its turn; told at least every few seconds but while a commit takes longer. */
  alive(): void
}

interface Standing {
  readonly error: SluiceError
  readonly attempt: number
  readonly retryAtMs: number
}

const WAIT_MS = 1_000
const LEASE_POLL_MS = 500

/**
 * Reads a table's partitions for as long as it is let. Partitions are shared with other processes by leases; one that
 * stops gives its lease back and is looked at again now and then, the others go on (I8). Memory is bounded by the bytes
 * that all lanes of the process hold (I12). State between calls of `follow`: what is stopped.
 */
export class LaneFollower {
  readonly #request: FollowRequest
  readonly #standing = new Map<number, Standing>()

  constructor(request: FollowRequest) {
    this.#request = request
  }

  /** The cause of what is stopped may be gone. */
  retryNow(): void {
    for (const [partition, standing] of this.#standing) this.#standing.set(partition, { ...standing, retryAtMs: 0 })
  }

  /**
   * Until the signal; then what is held is committed and the leases are given back. Throws what keeps the whole lane
   * from its work; what was held and not committed is read again by the next call.
   */
  async follow(signal: AbortSignal): Promise<void> {
    const { table } = this.#request
    const world = { ...this.#request.world, signal }
    const membership = await world.assignment.join(`ingest/${table.table}`, [])
    try {
      await this.#turns(world, membership)
    } finally {
      // A lease that cannot be given back runs out by itself.
      await membership.leave().catch(() => undefined)
    }
  }

  async #turns(world: IngestWorld, membership: Membership): Promise<void> {
    const { table, heldBytes, listener } = this.#request
    const writers = new WriterCache(world.registry)
    const known = new KnownTopic()
    const lost = new LostPositions()
    const wanted = new Set<number>()
    let stands: ReadonlyMap<number, bigint> = new Map()
    while (!world.signal.aborted) {
      const topic = await world.log.describe(table.topic)
      if (topic === null) await refuseGoneTopic(world, table)
      const assigned = async (): Promise<ReadonlySet<number>> => this.#assigned(await membership.poll(), topic)
      const more = this.#due(topic).filter((partition) => !wanted.has(partition))
      if (more.length > 0) {
        for (const partition of more) wanted.add(partition)
        await membership.want(more.map((partition) => this.#resource(partition)))
      }
      const mine = await assigned()
      listener.alive()
      if (topic === null || mine.size === 0) {
        await world.clock.sleep(LEASE_POLL_MS, world.signal).catch(() => undefined)
        continue
      }
      if ([...mine].every((partition) => stands.has(partition))) {
        const from = new Map([...mine].map((partition) => [partition, stands.get(partition)!]))
        const news = await waitForNews({ ...world, topic: table.topic, from, waitMs: WAIT_MS })
        if (!news) listener.turned()
        if (!news) continue
      }
      const end = await withHeartbeat(membership, () =>
        runMicroBatch({
          world,
          table,
          topic,
          partitions: [...mine],
          writers,
          known,
          lost,
          heldBytes,
          assigned,
          retryDue: () => this.#due(topic).some((partition) => !wanted.has(partition)),
          alive: () => listener.alive(),
        }),
      )
      stands = end.stands
      const told = [...stands].map(([partition, next]) => [this.#resource(partition), next] as const)
      await membership.tell(new Map(told)).catch(() => undefined)
      for (const partition of end.went) {
        this.#standing.delete(partition)
        listener.went(partition)
      }
      for (const [partition, error] of end.stops) {
        this.#stop(partition, error)
        wanted.delete(partition)
      }
      if (end.stops.size > 0)
        await membership.release([...end.stops.keys()].map((partition) => this.#resource(partition)))
      listener.turned()
    }
  }

  /** Partitions that are to be read, if this process may: all but those that stopped and are not to be looked at yet. */
  #due(topic: TopicDescription | null): number[] {
    const nowMs = this.#request.world.clock.nowMs()
    const partitions = topic?.partitions.map(({ partition }) => partition) ?? []
    return partitions.filter((partition) => (this.#standing.get(partition)?.retryAtMs ?? 0) <= nowMs)
  }

  #assigned(held: ReadonlySet<string>, topic: TopicDescription | null): ReadonlySet<number> {
    const partitions = topic?.partitions.map(({ partition }) => partition) ?? []
    return new Set(partitions.filter((partition) => held.has(this.#resource(partition))))
  }

  #resource(partition: number): string {
    return partitionKey({ topic: this.#request.table.topic, partition })
  }

  #stop(partition: number, error: SluiceError): void {
    const { world, table, listener } = this.#request
    const { clock } = world
    const before = this.#standing.get(partition)
    const same = before !== undefined && sameStop(before.error, error)
    const attempt = same ? before.attempt + 1 : 0
    const retryAtMs = clock.nowMs() + retryDelayMs(error.row.retry, attempt, clock.random())
    this.#standing.set(partition, { error, attempt, retryAtMs })
    if (!same) {
      world.events.emit({
        runId: world.runId,
        traceId: world.traceId,
        jobName: `ingest:${table.table}`,
        type: 'lane.stopped',
        lane: `${table.topic}/${partition} → bronze.${table.table}`,
        code: error.code,
        message: error.message,
        where: error.where,
      })
    }
    listener.stopped(partition, error)
  }
}

function sameStop(a: SluiceError, b: SluiceError): boolean {
  return a.code === b.code && a.where.offset === b.where.offset
}

/** A topic that is not there yet is waited for; one that the table read before is gone. */
async function refuseGoneTopic({ lake }: IngestWorld, { table, topic }: BronzeTableSettings): Promise<void> {
  const snapshot = await findTable(lake, table)
  if (snapshot === null || positionedPartitions(snapshot.txns, topic).length === 0) return
  throw new SluiceError('SOURCE_CHANGED', `topic ${topic}, which bronze.${table} reads, is gone`, {
    where: { topic, table: `bronze.${table}` },
  })
}
