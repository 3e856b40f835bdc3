import { ofSource } from '../../src/domain/source-error.ts'
import { noRange } from '../../src/domain/watermark.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import type { ReadBounds, SourceBatch, SourceConnector } from '../../src/ports/source-connector.ts'
import type { PartitionDescription, TopicDescription, TopicLog } from '../../src/ports/topic-log.ts'
import type { ValueDecoder } from '../../src/ports/value-decoder.ts'
import { describeTopics } from './describe-topics.ts'
import { readKafkaOptions } from './kafka-options.ts'
import type { OpenSource } from './open-source.ts'
import { noTopic, otherTopic, outOfRange } from './other-error.ts'
import { readPartition } from './read-partition.ts'
import { takeDecoded } from './records/take-decoded.ts'
import { takeBytes } from './records/take-record.ts'
import { formatProgress, progressEntry, readProgress, type PartitionProgress } from './topic-progress.ts'

export interface KafkaConnectorParts {
  readonly settings: Pick<SourceSettings, 'name' | 'options' | 'key'>
  /** Opens the other side, at first use; `close` closes it. */
  readonly open: () => Promise<OtherSide>
}

export interface OtherSide {
  readonly log: TopicLog
  /** Null: values are copied unread. */
  readonly decoder: ValueDecoder | null
  close(): Promise<void>
}

/**
 * Topics of another cluster as a source; README.md says what it promises. A pass copies what stood in them when it
 * began; where it has come to in each partition travels with the records (I9).
 */
export function createKafkaConnector({ settings, open }: KafkaConnectorParts): SourceConnector {
  const { name } = settings
  const options = readKafkaOptions(settings)
  let opening: Promise<OtherSide> | null = null
  const opened = async (): Promise<OpenSource> => {
    opening ??= ofSource(name, open)
    const { log, decoder } = await opening
    return { name, options, log, decoder }
  }
  return {
    discover: async () => ({ objects: await describeTopics(await opened()) }),
    async *read(from, bounds = {}) {
      if (bounds.to !== undefined) throw noRange(name)
      if (bounds.signal?.aborted === true) return
      yield* readTopics(await opened(), from, bounds)
    },
    close: async () => {
      await (await opening?.catch(() => null))?.close()
    },
  }
}

async function* readTopics(
  source: OpenSource,
  from: ReadonlyMap<string, string>,
  { signal }: ReadBounds,
): AsyncGenerator<SourceBatch> {
  const { name, options, log, decoder } = source
  const take = decoder === null ? takeBytes : takeDecoded({ name, options, decoder })
  const topics: Standing[] = []
  // Before the first record: a topic that cannot be read on stops the source, whichever it is.
  for (const topic of options.topics) {
    topics.push(await findStanding(source, topic, readProgress(name, topic, from)))
  }
  for (const { description, begin, isNew } of topics) {
    const { topic, source: incarnation } = description
    if (isNew && options.startAt === 'latest') yield beginAt(description, begin)
    for (const { partition, end } of description.partitions) {
      if (signal?.aborted === true) return
      const { maxRecordBytes } = options
      const place = { topic, source: incarnation, partition, from: begin.get(partition)!, end }
      yield* readPartition({ name, log, ...place, maxRecordBytes, take, signal })
    }
  }
}

interface Standing {
  readonly description: TopicDescription
  /** Where each partition is read on. */
  readonly begin: ReadonlyMap<number, bigint>
  /** Nothing was ever read of it. */
  readonly isNew: boolean
}

async function findStanding(
  { name, options, log }: OpenSource,
  topic: string,
  known: ReadonlyMap<number, PartitionProgress>,
): Promise<Standing> {
  const description = await ofSource(name, () => log.describe(topic))
  const isNew = known.size === 0
  if (description === null) throw noTopic(name, topic, !isNew)
  for (const { source } of known.values()) if (source !== description.source) throw otherTopic(name, topic)
  const begin = new Map<number, bigint>()
  for (const at of description.partitions) {
    const { partition, start, limit } = at
    const progress = known.get(partition)
    begin.set(partition, progress?.next ?? firstOf(at, isNew && options.startAt === 'latest'))
    if (progress === undefined) continue
    const { next } = progress
    if (next < start || next > limit) throw outOfRange(name, { topic, partition, next, start, limit })
  }
  return { description, begin, isNew }
}

/** A partition that was added later is read from its first record, whatever the first pass began at. */
function firstOf({ start, limit }: PartitionDescription, isLatest: boolean): bigint {
  return isLatest ? limit : start
}

function beginAt({ topic, source }: TopicDescription, begin: ReadonlyMap<number, bigint>): SourceBatch {
  const progress = [...begin].map(
    ([partition, next]) => [progressEntry(topic, partition), formatProgress({ next, source })] as const,
  )
  return { object: topic, columns: [], textual: false, rows: [], refused: [], progress: new Map(progress) }
}
