import { SluiceError } from '../../src/domain/errors.ts'
import { checkName } from '../../src/domain/identifier.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'

/** The options of one source, checked. */
export interface KafkaOptions {
  /** Of the other cluster, in the order in which they are read. */
  readonly topics: readonly string[]
  readonly startAt: 'earliest' | 'latest'
  readonly maxRecordBytes: number
}

const DEFAULT_MAX_RECORD_BYTES = 16 * 1024 * 1024

/** Throws SETTINGS_INVALID or IDENTIFIER_INVALID, with the key. */
export function readKafkaOptions({ name, options }: Pick<SourceSettings, 'name' | 'options'>): KafkaOptions {
  const at = (key: string): string => `sources.${name}.${key}`
  const topics = options['from_topics'] ?? []
  if (typeof topics !== 'object' || topics.length === 0) throw refused(at('from_topics'), 'names no topic')
  for (const topic of topics) checkName(topic, at('from_topics'))
  if (new Set(topics).size < topics.length) throw refused(at('from_topics'), 'names a topic twice')
  const bytes = options['max_record_mb'] ?? DEFAULT_MAX_RECORD_BYTES
  if (typeof bytes !== 'number' || bytes < 1) throw refused(at('max_record_mb'), 'is no size')
  return {
    topics,
    startAt: options['start_at'] === 'latest' ? 'latest' : 'earliest',
    maxRecordBytes: bytes,
  }
}

export function refused(key: string, why: string): SluiceError {
  return new SluiceError('SETTINGS_INVALID', `${key} ${why}`, { where: { key } })
}
