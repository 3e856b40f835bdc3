import { createHash } from 'node:crypto'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import type { Settings } from '../domain/settings.ts'
import type { Assignment } from '../ports/assignment.ts'
import type { Clock } from '../ports/clock.ts'
import type { TopicLog } from '../ports/topic-log.ts'

/** The broker that the settings name; it serves both ports. Kafka's client is loaded where it is used. */
export async function openBroker({ broker, lake }: Settings, clock: Clock): Promise<TopicLog & Assignment> {
  if (broker.kind === 'embedded') return openEmbeddedLog({ dir: broker.dir, clock })
  const { openKafkaLog } = await import('../adapters/kafka/kafka-log.ts')
  const { KAFKA_DEFAULTS } = await import('../adapters/kafka/kafka-settings.ts')
  // Processes share work where they share a lake; another lake on the same cluster has a group of its own.
  const lakeId = createHash('sha256').update(lake.uri).digest('hex').slice(0, 12)
  const membersGroup = `${broker.prefix}members.${lakeId}`
  return openKafkaLog({ settings: { ...KAFKA_DEFAULTS, ...broker, membersGroup }, clock })
}
