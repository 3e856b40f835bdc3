import { createHash } from 'node:crypto'
import type { TopicDescription, TopicOptions } from '../../ports/topic-log.ts'
import { checkName } from '../../domain/identifier.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { LogDatabase } from './log-database.ts'

/** Topics and their partitions as rows. Every function here runs inside a transaction of the caller. */

export interface TopicRow {
  readonly id: bigint
  readonly topic: string
  readonly source: bigint
  readonly retentionMs: number | null
}

export interface PartitionRow {
  readonly start: bigint
  readonly next: bigint
  readonly endTimeMs: number | null
}

export function findTopic(db: LogDatabase, topic: string): TopicRow | null {
  const row = db.sql('select id, topic, source, retention_ms from topics where topic = ?').get(topic)
  return row === undefined ? null : topicRow(row)
}

export function listTopics(db: LogDatabase): TopicRow[] {
  return db.sql('select id, topic, source, retention_ms from topics order by topic').all().map(topicRow)
}

export function findPartition(db: LogDatabase, topic: TopicRow, partition: number): PartitionRow | null {
  if (!Number.isSafeInteger(partition)) return null
  const row = db
    .sql('select start, next, end_time_ms from partitions where topic = ? and partition = ?')
    .get(topic.id, partition)
  if (row === undefined) return null
  return { start: bigintOf(row['start']), next: bigintOf(row['next']), endTimeMs: numberOrNull(row['end_time_ms']) }
}

/** Throws TOPIC_UNKNOWN, naming what is missing. */
export function knownPartition(
  db: LogDatabase,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): { topic: TopicRow; partition: PartitionRow } {
  const topicRow = findTopic(db, topic)
  if (topicRow === null) {
    throw new SluiceError('TOPIC_UNKNOWN', `the log has no topic ${JSON.stringify(topic)}`, { where: { topic } })
  }
  const row = findPartition(db, topicRow, partition)
  if (row === null) {
    throw new SluiceError('TOPIC_UNKNOWN', `topic ${topic} has no partition ${partition}`, {
      where: { topic, partition },
      hint: `See \`sluice topic show ${topic}\`.`,
    })
  }
  return { topic: topicRow, partition: row }
}

export function describeTopic(db: LogDatabase, topic: TopicRow): TopicDescription {
  const rows = db
    .sql('select partition, start, next, end_time_ms from partitions where topic = ? order by partition')
    .all(topic.id)
  return {
    topic: topic.topic,
    source: topic.source,
    retentionMs: topic.retentionMs,
    partitions: rows.map((row) => ({
      partition: Number(row['partition']),
      start: bigintOf(row['start']),
      end: bigintOf(row['next']),
      limit: bigintOf(row['next']),
      endTimeMs: numberOrNull(row['end_time_ms']),
    })),
  }
}

/** Throws SETTINGS_INVALID or IDENTIFIER_INVALID for what no topic can be. */
export function checkTopicOptions(topic: string, { partitions, retentionMs }: TopicOptions): void {
  checkName(topic, 'topic')
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 10_000) {
    throw new SluiceError('SETTINGS_INVALID', `topic ${topic}: ${partitions} is no count of partitions (1 to 10000)`, {
      where: { topic, key: `topics.${topic}.partitions` },
    })
  }
  if (retentionMs !== null && !(Number.isSafeInteger(retentionMs) && retentionMs > 0)) {
    throw new SluiceError('SETTINGS_INVALID', `topic ${topic}: a retention of ${retentionMs} ms is none`, {
      where: { topic, key: `topics.${topic}.retention` },
    })
  }
}

export interface NewTopic {
  readonly topic: string
  readonly topicId: string
  readonly options: TopicOptions
}

/** Creates the topic where it is missing. */
export function insertTopic(db: LogDatabase, { topic, topicId, options }: NewTopic): TopicRow {
  const existing = findTopic(db, topic)
  if (existing !== null) return existing
  const inserted = db
    .sql('insert into topics (topic, source, retention_ms) values (?, 0, ?)')
    .run(topic, options.retentionMs)
  const id = bigintOf(inserted.lastInsertRowid)
  // The row's number, which is never given twice, keeps incarnations apart even where ids repeat.
  const source = sourceOf(db.clusterId, `${topicId}/${id}`)
  db.sql('update topics set source = ? where id = ?').run(source, id)
  const insert = db.sql('insert into partitions (topic, partition, start, next) values (?, ?, 0, 0)')
  for (let partition = 0; partition < options.partitions; partition += 1) insert.run(id, partition)
  return { id, topic, source, retentionMs: options.retentionMs }
}

export function removeTopic(db: LogDatabase, topic: TopicRow): void {
  db.sql('delete from blobs where id in (select blob from batches where topic = ?)').run(topic.id)
  db.sql('delete from batches where topic = ?').run(topic.id)
  db.sql('delete from partitions where topic = ?').run(topic.id)
  db.sql('delete from topics where id = ?').run(topic.id)
}

export function bigintOf(value: unknown): bigint {
  return typeof value === 'bigint' ? value : BigInt(Number(value))
}

export function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}

/** 63 bits of SHA-256, never negative. */
function sourceOf(clusterId: string, topicId: string): bigint {
  const digest = createHash('sha256').update(`${clusterId}\n${topicId}`).digest()
  return digest.readBigUInt64BE(0) & 0x7fff_ffff_ffff_ffffn
}

function topicRow(row: Record<string, unknown>): TopicRow {
  return {
    id: bigintOf(row['id']),
    topic: String(row['topic']),
    source: bigintOf(row['source']),
    retentionMs: numberOrNull(row['retention_ms']),
  }
}
