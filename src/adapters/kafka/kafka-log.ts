// Before the library, which all that follows loads.
import { compileAtOnce } from './wire/later-validators.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Assignment } from '../../ports/assignment.ts'
import type { TopicLog } from '../../ports/topic-log.ts'
import { PartitionFetcher } from './fetch/partition-fetcher.ts'
import { WireFetcher } from './fetch/wire-fetcher.ts'
import { openKafkaAssignment } from './group/kafka-assignment.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { Appender } from './produce/append-records.ts'
import { StateTopic } from './produce/state-topic.ts'
import { createTopic, newTopic } from './topics/create-topic.ts'
import { describeTopic, describeView } from './topics/describe-topic.ts'
import { LATEST, listOffsets } from './topics/list-offsets.ts'
import { Tails } from './topics/tails.ts'
import { TopicViews } from './topics/topic-views.ts'
import { Cluster } from './wire/cluster.ts'

compileAtOnce()

/**
 * Apache Kafka (3.1 or newer: topics must have ids) behind the port.
 *
 * Reads committed records only, as bytes, and checks every batch's checksum. Times are the topic's own: the producer's, or
 * the broker's where `message.timestamp.type` is LogAppendTime. Sockets are opened at first use: a cluster that is away
 * fails the first request, not this.
 * Non-guarantees: that an append of no source is there only once; topics whose name begins with `__`, and the state topic,
 * are not listed.
 */
export type KafkaLog = TopicLog & Assignment

export function openKafkaLog({
  settings,
  clock,
}: {
  readonly settings: KafkaSettings
  readonly clock: Clock
}): KafkaLog {
  const cluster = new Cluster(settings, clock)
  const views = new TopicViews(cluster)
  const wires = new WireFetcher(cluster, views)
  const parts = { cluster, views, wires }
  const describing = { ...parts, tails: new Tails(cluster, wires), retentions: new Map<string, number | null>() }
  const fetcher = new PartitionFetcher(parts)
  const state = new StateTopic(parts)
  const appender = new Appender(parts, state)
  const assignment = openKafkaAssignment(cluster)
  return {
    topics: async () => {
      const all = await views.all()
      const ours = all.filter(
        ({ topic, internal }) => !internal && !topic.startsWith('__') && topic !== settings.stateTopic,
      )
      const described = await Promise.all(ours.map((view) => describeView(describing, view)))
      const there = described.filter((topic) => topic !== null)
      return there.toSorted((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0))
    },

    describe: (topic) => describeTopic(describing, topic),

    create: async (topic, options) => {
      const view = await createTopic(parts, newTopic(topic, options))
      return (await describeView(describing, view))!
    },

    fetch: (request) => fetcher.fetch(request),

    append: (request) => appender.append(request),

    sourceState: (source) => state.read(source),

    offsetAtTime: async (at, timeMs) => {
      await views.known(at)
      const ask = async (time: bigint): Promise<bigint> => {
        const offsets = await listOffsets(parts, at.topic, { partitions: [at.partition], time, committed: true })
        return offsets?.get(at.partition) ?? 0n
      }
      const found = await ask(BigInt(Math.max(0, Math.ceil(timeMs))))
      return found >= 0n ? found : ask(LATEST)
    },

    join: (group, resources) => assignment.join(group, resources),

    held: (group) => assignment.held(group),

    told: (group, resources) => assignment.told(group, resources),

    close: async () => {
      await assignment.close()
      await cluster.close()
    },
  }
}
