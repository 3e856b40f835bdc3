import { SluiceError } from '../../../domain/errors.ts'
import type { TopicPartition } from '../../../domain/position.ts'
import type { TopicView, TopicViews } from '../topics/topic-views.ts'
import { CODE, codeError, leaderMoved } from '../wire/broker-error.ts'
import type { Node } from '../wire/any-broker.ts'
import { AGAIN, type Cluster, type Lane } from '../wire/cluster.ts'
import { rawFetchApi, type FetchedPartition, type FetchResponse } from './fetch-api.ts'

export interface WireWant extends TopicPartition {
  readonly topicId: string
  readonly from: bigint
  readonly maxBytes: number
}

export interface WireRequest extends TopicPartition {
  readonly from: bigint
  readonly maxBytes: number
  /** The incarnation of the topic that is meant; any where it is not stated. */
  readonly source?: bigint | undefined
  readonly signal?: AbortSignal | undefined
  /** False also shows what open and aborted transactions wrote. */
  readonly committed?: boolean
}

export type WireAnswer =
  | { readonly kind: 'wire'; readonly view: TopicView; readonly fetched: FetchedPartition }
  | { readonly kind: 'out_of_range' }
  | { readonly kind: 'no_topic' }

interface Throttled {
  readonly kind: 'throttled'
  readonly ms: number
}

/** What one broker answered of one request. */
export interface FetchAnswer {
  readonly partitions: readonly (FetchedPartition & TopicPartition)[]
  /** Past our quota a broker leaves out all that was asked for, and says when to ask again (KIP-219). */
  readonly throttleMs: number
}

/** Codes that may mean that the topic is gone, or was made again under its name. */
const GONE: ReadonlySet<number> = new Set([CODE.unknownTopic, CODE.unknownTopicId, CODE.inconsistentTopicId])
/** Of a whole answer, past which a broker adds no further partition. */
const ANSWER_BYTES = 64 * 1024 * 1024

/** Fetches record batches as bytes, where the leader is and from the incarnation of the topic that is meant. */
export class WireFetcher {
  readonly #cluster: Cluster
  readonly #views: TopicViews

  constructor(cluster: Cluster, views: TopicViews) {
    this.#cluster = cluster
    this.#views = views
  }

  /** What stands at `from` now; empty bytes where nothing does. Goes on while leaders move, and while a quota holds it up. */
  async now(request: WireRequest): Promise<WireAnswer> {
    for (;;) {
      const answer = await this.#ask(request)
      if (answer.kind !== 'throttled') return answer
      await this.#cluster.clock.sleep(answer.ms, request.signal)
    }
  }

  #ask(request: WireRequest): Promise<WireAnswer | Throttled> {
    const { topic, partition, signal } = request
    const asked = `for records of ${topic}/${partition}`
    const fault = { asked, brokers: this.#cluster.settings.brokers, where: { topic, partition } }
    let fresh = false
    let code: number = CODE.leaderNotAvailable
    let lastId = ''
    const ask = async (): Promise<WireAnswer | Throttled | typeof AGAIN> => {
      signal?.throwIfAborted()
      const view = await this.view(request, fresh)
      const leader = view?.leaders[partition]
      if (view === null || leader === undefined) return { kind: 'no_topic' }
      fresh = true
      if (leader === null) return AGAIN
      const want = { ...request, topicId: view.topicId }
      const committed = request.committed ?? true
      const { partitions, throttleMs } = await this.fetch(leader, [want], { waitMs: 0, lane: 'read', committed })
      const [fetched] = partitions
      if (fetched === undefined && throttleMs > 0) return { kind: 'throttled', ms: throttleMs }
      code = fetched?.errorCode ?? CODE.unknownTopicId
      if (fetched !== undefined && code === CODE.none) return { kind: 'wire', view, fetched }
      if (code === CODE.offsetOutOfRange) return { kind: 'out_of_range' }
      if (!leaderMoved(code) && !GONE.has(code)) throw codeError(code, fault)
      const again = lastId === view.topicId
      lastId = view.topicId
      // Twice the same answer from a cluster that knows the topic under this id: its leader is late, as after a start.
      if (GONE.has(code) && again) await this.#cluster.clock.sleep(100, signal)
      return AGAIN
    }
    return this.#cluster.retrying(ask, { late: () => codeError(code, fault), signal })
  }

  /** The topic as it is meant; null where it is gone or another has its name. */
  async view({ topic, partition, source }: WireRequest, fresh: boolean): Promise<TopicView | null> {
    const view = await this.#views.find(topic, { fresh })
    const fits = view !== null && view.leaders[partition] !== undefined
    if (fits && (source === undefined || view.source === source)) return view
    if (fresh) return null
    return this.view({ topic, partition, from: 0n, maxBytes: 0, source }, true)
  }

  /** One request to one broker; partitions that it left out are not in the answer. */
  async fetch(
    node: Node,
    wants: readonly WireWant[],
    { waitMs, lane, committed = true }: { readonly waitMs: number; readonly lane: Lane; readonly committed?: boolean },
  ): Promise<FetchAnswer> {
    const topics = new Map<string, { topic: string; partitions: object[] }>()
    for (const { topic, topicId, partition, from, maxBytes } of wants) {
      const group = topics.get(topicId) ?? { topic, partitions: [] }
      topics.set(topicId, group)
      group.partitions.push({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: from,
        lastFetchedEpoch: -1,
        partitionMaxBytes: Math.max(1, Math.min(maxBytes, ANSWER_BYTES)),
      })
    }
    const list = [...topics].map(([topicId, { partitions }]) => ({ topicId, partitions }))
    const asked = `for records of ${[...topics.values()].map(({ topic }) => topic).join(', ')}`
    // Without a session (KIP-227): sets of partitions change with every request, and are small.
    const args = [waitMs, 1, ANSWER_BYTES, committed ? 1 : 0, 0, -1, list, [], '']
    const response = await this.#cluster.send<FetchResponse>('Fetch', args, { asked, node, lane, own: rawFetchApi })
    if (response.errorCode !== CODE.none) {
      throw codeError(response.errorCode, { asked, brokers: this.#cluster.settings.brokers })
    }
    const partitions = response.topics.flatMap(({ topicId, partitions: answered }) => {
      const known = topics.get(topicId)
      if (known === undefined)
        throw new SluiceError('BUG', `the broker answered for a topic ${topicId} that was not asked`)
      return answered.map((partition) => ({ ...partition, topic: known.topic }))
    })
    return { partitions, throttleMs: response.throttleMs }
  }
}
