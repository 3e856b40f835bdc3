import { createHash } from 'node:crypto'
import type { metadataV12 } from '@platformatic/kafka'
import { SluiceError } from '../../../domain/errors.ts'
import { CODE, codeError } from '../wire/broker-error.ts'
import type { Node } from '../wire/any-broker.ts'
import type { Cluster } from '../wire/cluster.ts'

/** A topic as the cluster's metadata has it. */
export interface TopicView {
  readonly topic: string
  readonly topicId: string
  readonly source: bigint
  /** Kafka's own. */
  readonly internal: boolean
  /** By partition; null where there is no leader now. */
  readonly leaders: readonly (Node | null)[]
}

const VIEW_MS = 30_000

/** What the cluster says of its topics, remembered for a while and forgotten where an answer shows that it has changed. */
export class TopicViews {
  readonly #cluster: Cluster
  readonly #views = new Map<string, { readonly view: TopicView; readonly atMs: number }>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Null where there is no such topic; `fresh` asks the cluster even if it was asked a moment ago. */
  async find(topic: string, { fresh }: { readonly fresh: boolean }): Promise<TopicView | null> {
    const known = this.#views.get(topic)
    if (!fresh && known !== undefined && this.#cluster.clock.nowMs() - known.atMs < VIEW_MS) return known.view
    const views = await this.#ask([topic])
    const found = views.find((view) => view.topic === topic) ?? null
    if (found === null) this.#views.delete(topic)
    return found
  }

  async all(): Promise<readonly TopicView[]> {
    return this.#ask(null)
  }

  forget(topic: string): void {
    this.#views.delete(topic)
  }

  /** Throws TOPIC_UNKNOWN, naming what is missing. */
  async known({ topic, partition }: { readonly topic: string; readonly partition: number }): Promise<TopicView> {
    const view = await this.find(topic, { fresh: false })
    if (view === null) {
      throw new SluiceError('TOPIC_UNKNOWN', `the broker has no topic ${JSON.stringify(topic)}`, { where: { topic } })
    }
    if (view.leaders[partition] === undefined) {
      this.forget(topic)
      throw new SluiceError('TOPIC_UNKNOWN', `topic ${topic} has no partition ${partition}`, {
        where: { topic, partition },
        hint: `See \`sluice topic show ${topic}\`.`,
      })
    }
    return view
  }

  async #ask(topics: readonly string[] | null): Promise<readonly TopicView[]> {
    const { settings, clock } = this.#cluster
    const asked = topics === null ? 'for its topics' : `for topic ${topics.join(', ')}`
    const fault = { asked, brokers: settings.brokers, where: topics === null ? {} : { topic: topics.join(', ') } }
    const response = await this.#cluster.retrying<metadataV12.MetadataResponse>(
      async () => {
        // The library sorts the list that it is given.
        const names = topics === null ? null : [...topics]
        return this.#cluster.send('Metadata', [names, false, false], { asked, node: null, where: fault.where })
      },
      { late: () => codeError(CODE.leaderNotAvailable, fault) },
    )
    const nodes = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    this.#cluster.any.learn(nodes.values())
    const views: TopicView[] = []
    for (const each of response.topics) {
      if (each.errorCode === CODE.unknownTopic || typeof each.name !== 'string') continue
      if (each.errorCode !== CODE.none && each.errorCode !== CODE.leaderNotAvailable)
        throw codeError(each.errorCode, fault)
      const leaders: (Node | null)[] = []
      for (const { partitionIndex, leaderId } of each.partitions) leaders[partitionIndex] = nodes.get(leaderId) ?? null
      const view: TopicView = {
        topic: each.name,
        topicId: each.topicId,
        source: sourceOf(response.clusterId ?? '', each.topicId),
        internal: each.isInternal,
        leaders: Array.from(leaders, (leader) => leader ?? null),
      }
      this.#views.set(view.topic, { view, atMs: clock.nowMs() })
      views.push(view)
    }
    return views
  }
}

/** 63 bits of SHA-256, never negative (I18). */
function sourceOf(clusterId: string, topicId: string): bigint {
  const digest = createHash('sha256').update(`${clusterId}\n${topicId}`).digest()
  return digest.readBigUInt64BE(0) & 0x7fff_ffff_ffff_ffffn
}
