import { SluiceError } from '../../../domain/errors.ts'
import type { BronzeTableSettings, Settings } from '../../../domain/settings.ts'

/** The bronze tables that a topic feeds, or the one that a verb named. Throws TOPIC_UNKNOWN, TABLE_UNKNOWN. */
export function lanesOf(settings: Settings, topic: string, table: string | null): BronzeTableSettings[] {
  const lanes = [...settings.tables.values()].filter((each) => each.topic === topic)
  if (lanes.length === 0) {
    throw new SluiceError('TOPIC_UNKNOWN', `no bronze table reads a topic ${JSON.stringify(topic)}`, {
      where: { topic },
      hint: `Topics with a table: ${[...new Set([...settings.tables.values()].map((each) => each.topic))].join(', ')}.`,
    })
  }
  if (table === null) return lanes
  const named = lanes.filter((each) => each.table === table || `bronze.${each.table}` === table)
  if (named.length > 0) return named
  throw new SluiceError('TABLE_UNKNOWN', `topic ${topic} feeds no bronze table ${JSON.stringify(table)}`, {
    where: { topic, table },
    hint: `It feeds ${lanes.map((each) => `bronze.${each.table}`).join(', ')}.`,
  })
}
