import { SluiceError } from '../../domain/errors.ts'
import type { PartitionDescription, TopicDescription } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'

/** Throws TOPIC_UNKNOWN. */
export async function requireTopic({ log }: Pick<World, 'log'>, name: string): Promise<TopicDescription> {
  const topic = await log.describe(name)
  if (topic !== null) return topic
  throw new SluiceError('TOPIC_UNKNOWN', `there is no topic ${name}`, { where: { topic: name } })
}

/** Throws USAGE, naming the partitions that there are. */
export function requirePartition({ topic, partitions }: TopicDescription, partition: number): PartitionDescription {
  const found = partitions[partition]
  if (found !== undefined) return found
  throw new SluiceError('USAGE', `topic ${topic} has no partition ${partition}`, {
    where: { topic, partition },
    hint: `It has ${partitions.length}: 0 to ${partitions.length - 1}.`,
  })
}
