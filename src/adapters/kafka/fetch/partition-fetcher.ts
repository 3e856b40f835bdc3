import { partitionKey } from '../../../domain/position.ts'
import type { BatchSkip, RecordBatch } from '../../../domain/record-batch.ts'
import type { FetchOutcome, FetchRequest } from '../../../ports/topic-log.ts'
import { fetchedBytes, PartitionReader } from '../records/partition-reader.ts'
import { EARLIEST, LATEST, listOffsets } from '../topics/list-offsets.ts'
import type { TopicView, TopicViews } from '../topics/topic-views.ts'
import type { Cluster } from '../wire/cluster.ts'
import { SharedWait } from './shared-wait.ts'
import type { WireFetcher } from './wire-fetcher.ts'

/** Wire bytes of all partitions that were fetched and not yet asked for. */
const KEPT_BYTES = 32 * 1024 * 1024
/** Between two looks at a partition that cannot be waited for. */
const LOOK_MS = 100

/** What the next fetch of a partition goes on with, if it asks for `from`. */
interface Kept {
  readonly topicId: string
  readonly from: bigint
  /** Fetched and not yet read to its end, or null. */
  readonly reader: PartitionReader | null
  /** Where to fetch next, past offsets that hold no record for us; these come with the next record. */
  readonly next: bigint
  readonly before: { readonly first: bigint; readonly skips: readonly BatchSkip[] }
  /** Where the readable log ended when it was last asked. */
  readonly end: bigint
  /** Of the request that it was fetched for. */
  readonly maxBatchBytes: number
}

export interface FetcherParts {
  readonly cluster: Cluster
  readonly views: TopicViews
  readonly wires: WireFetcher
}

/** `fetch` of the port. */
export class PartitionFetcher {
  readonly #parts: FetcherParts
  readonly #wait: SharedWait
  readonly #kept = new Map<string, Kept>()

  constructor(parts: FetcherParts) {
    this.#parts = parts
    this.#wait = new SharedWait(parts.wires, parts.cluster.clock)
  }

  async fetch(request: FetchRequest): Promise<FetchOutcome> {
    const { from, waitMs, signal } = request
    const { clock } = this.#parts.cluster
    const deadlineMs = clock.nowMs() + waitMs
    let place = await this.#place(request)
    for (;;) {
      signal?.throwIfAborted()
      if (place === null) return { kind: 'no_topic' }
      const read = await this.#read(request, place)
      if (read.kind !== 'nothing') return read
      const { view, kept } = read
      const leftMs = deadlineMs - clock.nowMs()
      if (leftMs <= 0) return { kind: 'empty', end: from }
      const leader = view.leaders[request.partition]
      const want = { ...request, topicId: view.topicId, from: kept.next }
      if (leader === null || leader === undefined) await clock.sleep(Math.min(LOOK_MS, leftMs), signal)
      else {
        // What the broker did to a wait, the next look says better, but not at once: the wait has a socket of its own.
        await this.#wait.wait(leader, want, { waitMs: leftMs, signal }).catch(() => {
          signal?.throwIfAborted()
          return clock.sleep(Math.min(LOOK_MS, leftMs), signal)
        })
      }
      place = kept
    }
  }

  /** Where reading for this request goes on; null where the topic is not there. */
  async #place(request: FetchRequest): Promise<Kept | null> {
    const view = await this.#parts.wires.view(request, false)
    if (view === null) return null
    const kept = this.#kept.get(partitionKey(request))
    const maxBatchBytes = this.#mostOf(request)
    const goesOn = kept?.from === request.from && kept.topicId === view.topicId && kept.maxBatchBytes === maxBatchBytes
    return goesOn ? kept : startAt(view, request.from, maxBatchBytes)
  }

  /** What no batch may unpack to more than, whoever asks. */
  #mostOf({ maxBatchBytes = Number.POSITIVE_INFINITY }: FetchRequest): number {
    return Math.min(maxBatchBytes, this.#parts.cluster.settings.maxBatchBytes)
  }

  /** Without waiting. `nothing`: the log ends, or all that follows holds no record for us. */
  async #read(
    request: FetchRequest,
    place: Kept,
  ): Promise<FetchOutcome | { readonly kind: 'nothing'; readonly view: TopicView; readonly kept: Kept }> {
    const { wires } = this.#parts
    let kept = place
    let maxBytes = request.maxBytes
    if (kept.reader !== null) {
      const batches = takeBatches(kept.reader, request)
      if (batches.length > 0) return this.#give(request, kept, { reader: kept.reader, batches })
      kept.reader.close()
      kept = { ...kept, reader: null, next: kept.reader.next, before: kept.reader.trailing }
    }
    for (;;) {
      const answer = await wires.now({ ...request, from: kept.next, maxBytes })
      if (answer.kind === 'no_topic') return answer
      if (answer.kind === 'out_of_range') return this.#outOfRange(request)
      const { view, fetched } = answer
      if (view.topicId !== kept.topicId) {
        kept = startAt(view, request.from, kept.maxBatchBytes)
        continue
      }
      kept = { ...kept, end: fetched.lastStableOffset }
      const reader = new PartitionReader({
        topic: request.topic,
        partition: request.partition,
        wire: fetched.wire,
        aborted: fetched.aborted,
        from: kept.next,
        before: kept.before,
        maxUnpackedBytes: kept.maxBatchBytes,
      })
      const batches = takeBatches(reader, request)
      if (batches.length > 0) return this.#give(request, kept, { reader, batches })
      if (fetched.wire.length === 0) {
        this.#keep(request, kept)
        return { kind: 'nothing', view, kept }
      }
      // A batch that is larger than what was asked for may come cut off.
      if (reader.next === kept.next) maxBytes = Math.max(maxBytes * 2, reader.cutBytes ?? 0)
      reader.close()
      kept = { ...kept, next: reader.next, before: reader.trailing }
    }
  }

  #give(
    request: FetchRequest,
    { topicId, end, maxBatchBytes }: Kept,
    { reader, batches }: { readonly reader: PartitionReader; readonly batches: readonly RecordBatch[] },
  ): FetchOutcome {
    const { next } = batches.at(-1)!
    const more = reader.leftBytes > 0
    if (!more) reader.close()
    const rest = { from: next, reader: more ? reader : null, next: reader.next, before: reader.trailing }
    this.#keep(request, { topicId, end, maxBatchBytes, ...rest })
    return { kind: 'batches', batches, end: end > next ? end : next }
  }

  #keep(at: FetchRequest, kept: Kept): void {
    const key = partitionKey(at)
    // The newest last.
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    let bytes = 0
    for (const [each, { reader }] of [...this.#kept].toReversed()) {
      bytes += reader === null ? 0 : reader.wireBytes
      if (bytes > KEPT_BYTES && each !== key) this.#kept.delete(each)
    }
  }

  async #outOfRange({ topic, partition }: FetchRequest): Promise<FetchOutcome> {
    const ask = (time: bigint): ReturnType<typeof listOffsets> =>
      listOffsets(this.#parts, topic, { partitions: [partition], time, committed: true })
    const [start, end] = [await ask(EARLIEST), await ask(LATEST)]
    if (start === null || end === null) return { kind: 'no_topic' }
    return { kind: 'out_of_range', start: start.get(partition)!, end: end.get(partition)! }
  }
}

function startAt({ topicId }: TopicView, from: bigint, maxBatchBytes: number): Kept {
  return { topicId, from, reader: null, next: from, before: { first: from, skips: [] }, end: from, maxBatchBytes }
}

/** As many batches as fit, but one at least if there is one. */
function takeBatches(reader: PartitionReader, { maxBytes, room }: FetchRequest): RecordBatch[] {
  const batches: RecordBatch[] = []
  let left = maxBytes
  while (batches.length === 0 || fits(reader, left)) {
    const batch = reader.read(left, room)
    if (batch === null) break
    batches.push(batch)
    left -= fetchedBytes(batch)
  }
  return batches
}

function fits(reader: PartitionReader, left: number): boolean {
  try {
    const ahead = reader.aheadBytes
    return ahead !== null && ahead <= left
  } catch {
    // What came before is good, and is given first; the next look throws again.
    return false
  }
}
