import type { createTopicsV7 } from '@platformatic/kafka'
import { SluiceError } from '../../../domain/errors.ts'
import { checkName } from '../../../domain/identifier.ts'
import type { TopicOptions } from '../../../ports/topic-log.ts'
import { CODE, codeError, coordinatorMoved } from '../wire/broker-error.ts'
import { AGAIN, type Cluster } from '../wire/cluster.ts'
import type { TopicView, TopicViews } from './topic-views.ts'

/** A batch may be so large in a topic that is created here; Kafka's own default is 1 MiB. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
const CREATE_TIMEOUT_MS = 10_000

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
  /** Left out where the broker is too old to know them (Kafka 3.6). */
  readonly whereKnown?: Readonly<Record<string, string>>
}

export interface CreateParts {
  readonly cluster: Cluster
  readonly views: TopicViews
}

/** Throws SETTINGS_INVALID or IDENTIFIER_INVALID for what no topic can be. */
export function newTopic(topic: string, { partitions, retentionMs }: TopicOptions): NewTopic {
  checkName(topic, 'topic')
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 10_000) {
    throw new SluiceError('SETTINGS_INVALID', `topic ${topic}: ${partitions} is no count of partitions (1 to 10000)`, {
      where: { topic, key: `topics.${topic}.partitions` },
    })
  }
  const retention = retentionMs === null ? '-1' : String(retentionMs)
  const configs = { 'retention.ms': retention, 'max.message.bytes': String(MAX_MESSAGE_BYTES) }
  // A source's times are its own: what it says of the future is for the contract to judge.
  return { topic, partitions, configs, whereKnown: { 'message.timestamp.after.max.ms': String(2n ** 63n - 1n) } }
}

/** Creates the topic if it is missing, and waits until every partition of it has a leader. */
export async function createTopic({ cluster, views }: CreateParts, wanted: NewTopic): Promise<TopicView> {
  const { topic, partitions, configs } = wanted
  const existing = await views.find(topic, { fresh: true })
  if (existing === null) {
    const asked = `to create topic ${topic}`
    const fault = { asked, brokers: cluster.settings.brokers, where: { topic } }
    let optional = wanted.whereKnown ?? {}
    let code: number = CODE.none
    await cluster.retrying<'created'>(
      async () => {
        const request = {
          name: topic,
          numPartitions: partitions,
          replicationFactor: cluster.settings.replicationFactor ?? -1,
          assignments: [],
          configs: Object.entries({ ...configs, ...optional }).map(([name, value]) => ({ name, value })),
        }
        const response = await cluster.send<createTopicsV7.CreateTopicsResponse>(
          'CreateTopics',
          [[request], CREATE_TIMEOUT_MS, false],
          { asked, node: null, where: { topic } },
        )
        const [answer] = response.topics
        code = answer?.errorCode ?? CODE.none
        if (code === CODE.none || code === CODE.topicExists) return 'created'
        const unknown = code === CODE.invalidConfig && Object.keys(optional).length > 0
        if (unknown) optional = {}
        if (unknown || coordinatorMoved(code)) return AGAIN
        throw codeError(code, fault, answer?.errorMessage)
      },
      { late: () => codeError(code, fault) },
    )
  }
  return awaitLeaders({ cluster, views }, topic)
}

function awaitLeaders({ cluster, views }: CreateParts, topic: string): Promise<TopicView> {
  const fault = { asked: `for leaders of topic ${topic}`, brokers: cluster.settings.brokers, where: { topic } }
  return cluster.retrying<TopicView>(
    async () => {
      const view = await views.find(topic, { fresh: true })
      const led = view !== null && view.leaders.length > 0 && view.leaders.every((leader) => leader !== null)
      return led ? view : AGAIN
    },
    { late: () => codeError(CODE.leaderNotAvailable, fault) },
  )
}
