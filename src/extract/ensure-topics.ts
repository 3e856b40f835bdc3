import type { World } from '../ports/world.ts'

/** Of a topic that settings name only by the source or table that uses it. */
const UNDECLARED = { partitions: 1, retentionMs: 7 * 24 * 3_600_000 }

/** Makes the topics that sources, tables and `topics:` name; one that exists is left as it is. */
export async function ensureTopics(world: Pick<World, 'settings' | 'log'>): Promise<void> {
  const { topics, sources, tables } = world.settings
  const names = new Set(topics.keys())
  for (const { topic } of [...sources.values(), ...tables.values()]) names.add(topic)
  for (const name of names) {
    const { partitions, retentionMs } = topics.get(name) ?? UNDECLARED
    await world.log.create(name, { partitions, retentionMs })
  }
}
