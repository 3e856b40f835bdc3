import type { describeConfigsV4 } from '@platformatic/kafka'
import type { PartitionDescription, TopicDescription } from '../../../ports/topic-log.ts'
import { CODE, codeError } from '../wire/broker-error.ts'
import type { Cluster } from '../wire/cluster.ts'
import { EARLIEST, LATEST, listOffsets } from './list-offsets.ts'
import type { Tails } from './tails.ts'
import type { TopicView, TopicViews } from './topic-views.ts'

export interface DescribeParts {
  readonly cluster: Cluster
  readonly views: TopicViews
  readonly tails: Tails
  /** Topic id → what was read of its settings. */
  readonly retentions: Map<string, number | null>
}

const RESOURCE_TOPIC = 2

/** Null where there is no such topic. */
export async function describeTopic(parts: DescribeParts, topic: string): Promise<TopicDescription | null> {
  const view = await parts.views.find(topic, { fresh: true })
  return view === null ? null : describeView(parts, view)
}

export async function describeView(parts: DescribeParts, view: TopicView): Promise<TopicDescription | null> {
  const { topic, topicId, source } = view
  const numbers = view.leaders.map((_, partition) => partition)
  const [starts, limits, retentionMs] = await Promise.all([
    listOffsets(parts, topic, { partitions: numbers, time: EARLIEST, committed: true }),
    listOffsets(parts, topic, { partitions: numbers, time: LATEST, committed: true }),
    readRetention(parts, view),
  ])
  if (starts === null || limits === null) return null
  const partitions = await Promise.all(
    numbers.map(async (partition): Promise<PartitionDescription | null> => {
      const [start, limit] = [starts.get(partition)!, limits.get(partition)!]
      const tail = await parts.tails.find({ topic, topicId, source, partition }, start, limit)
      return tail === null ? null : { partition, start, end: tail.end, limit, endTimeMs: tail.timeMs }
    }),
  )
  const whole = partitions.filter((partition) => partition !== null)
  return whole.length < numbers.length ? null : { topic, source, retentionMs, partitions: whole }
}

/** `retention.ms` where old records are removed by age; read once for each incarnation of a topic. */
async function readRetention(
  { cluster, retentions }: DescribeParts,
  { topic, topicId }: TopicView,
): Promise<number | null> {
  const known = retentions.get(topicId)
  if (known !== undefined) return known
  const asked = `for the settings of topic ${topic}`
  const resource = {
    resourceType: RESOURCE_TOPIC,
    resourceName: topic,
    configurationKeys: ['retention.ms', 'cleanup.policy'],
  }
  const response = await cluster.send<describeConfigsV4.DescribeConfigsResponse>(
    'DescribeConfigs',
    [[resource], false, false],
    { asked, node: null, where: { topic } },
  )
  const [result] = response.results
  if (result === undefined || result.errorCode === CODE.unknownTopic) return null
  // Who may read records may not be allowed to see settings: that alone stops nothing.
  if (result.errorCode === CODE.topicAuthorization) return null
  if (result.errorCode !== CODE.none) {
    throw codeError(result.errorCode, { asked, brokers: cluster.settings.brokers, where: { topic } })
  }
  const value = (name: string): string => result.configs.find((config) => config.name === name)?.value ?? ''
  const ms = Number(value('retention.ms'))
  const retentionMs = value('cleanup.policy').includes('delete') && ms > 0 ? ms : null
  retentions.set(topicId, retentionMs)
  return retentionMs
}
