import { SluiceError } from '../../src/domain/errors.ts'
import { checkName } from '../../src/domain/identifier.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'

/** The options of one source, checked. */
export interface KafkaOptions {
  /** Of the other cluster, in the order in which they are read. */
  readonly topics: readonly string[]
  readonly startAt: 'earliest' | 'latest'
  /** How values and keys are read; `bytes`: not at all. */
  readonly values: 'bytes' | 'json' | 'registry'
  readonly envelope: 'none' | 'debezium'
  /** Of the envelope, as paths. */
  readonly envelopeColumns: readonly string[]
  /** Columns of the record's key in our topic. */
  readonly key: readonly string[]
  readonly maxRecordBytes: number
}

const DEFAULT_MAX_RECORD_BYTES = 16 * 1024 * 1024

/** Throws SETTINGS_INVALID or IDENTIFIER_INVALID, with the key. */
export function readKafkaOptions({
  name,
  options,
  key,
}: Pick<SourceSettings, 'name' | 'options' | 'key'>): KafkaOptions {
  const at = (key: string): string => `sources.${name}.${key}`
  const topics = options['from_topics'] ?? []
  if (typeof topics !== 'object' || topics.length === 0) throw refused(at('from_topics'), 'names no topic')
  for (const topic of topics) checkName(topic, at('from_topics'))
  if (new Set(topics).size < topics.length) throw refused(at('from_topics'), 'names a topic twice')
  const bytes = options['max_record_mb'] ?? DEFAULT_MAX_RECORD_BYTES
  if (typeof bytes !== 'number' || bytes < 1) throw refused(at('max_record_mb'), 'is no size')
  const values = oneOf(options['values'], ['bytes', 'json', 'registry'] as const)
  const envelope = oneOf(options['envelope'], ['none', 'debezium'] as const)
  if (envelope === 'debezium' && values === 'bytes')
    throw refused(at('envelope'), 'needs values that are read: `values: json` or `values: registry`')
  if (envelope === 'debezium' && key.length === 0)
    throw refused(at('key'), 'is missing: it tells what a delete deletes')
  const parts = options['envelope_columns'] ?? []
  if (typeof parts !== 'object') throw refused(at('envelope_columns'), 'is no list')
  for (const part of parts) {
    if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(part))
      throw refused(at('envelope_columns'), `holds ${JSON.stringify(part)}, which is no path such as source.ts_ms`)
  }
  return {
    topics,
    values,
    envelope,
    envelopeColumns: envelope === 'debezium' ? parts : [],
    key,
    startAt: options['start_at'] === 'latest' ? 'latest' : 'earliest',
    maxRecordBytes: bytes,
  }
}

export function refused(key: string, why: string): SluiceError {
  return new SluiceError('SETTINGS_INVALID', `${key} ${why}`, { where: { key } })
}

function oneOf<T extends string>(value: unknown, words: readonly [T, ...T[]]): T {
  return words.find((word) => word === value) ?? words[0]
}
