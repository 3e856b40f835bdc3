import type { TopicLog } from '../../src/ports/topic-log.ts'
import type { ValueDecoder } from '../../src/ports/value-decoder.ts'
import type { KafkaOptions } from './kafka-options.ts'

/** A source whose other side is open. */
export interface OpenSource {
  readonly name: string
  readonly options: KafkaOptions
  readonly log: TopicLog
  /** Null: values are copied unread. */
  readonly decoder: ValueDecoder | null
}
