import type { World } from '../ports/world.ts'

/** Makes the topics of `topics:`, where sources and tables name no others; one that exists is left as it is. */
export async function ensureTopics(world: Pick<World, 'settings' | 'log'>): Promise<void> {
  for (const { topic, partitions, retentionMs } of world.settings.topics.values()) {
    await world.log.create(topic, { partitions, retentionMs })
  }
}
