import { keptBackBatch, type RecordBatch } from '../../domain/record-batch.ts'
import type { AppendedRange, FetchOutcome, FetchRequest, PartitionAppend } from '../../ports/topic-log.ts'
import type { LogDatabase } from './log-database.ts'
import { corrupt, placeBatch, readStoredBatch, type UnplacedBatch } from './stored-batch.ts'
import { bigintOf, findPartition, findTopic, knownPartition, type TopicRow } from './topic-rows.ts'

/** Stored batches as rows. Every function here runs inside a transaction of the caller. */

/** A fetch answers no more batches than this, however small they are. */
const MAX_FETCHED_BATCHES = 1000
/** So that cutting a log short never holds the lock for long. */
const EXPIRED_A_ROUND = 64

export interface AppendPart extends Pick<PartitionAppend, 'topic' | 'partition'> {
  readonly encoded: readonly UnplacedBatch[]
}

/** Throws TOPIC_UNKNOWN. Append times of one partition never go back, even where the clock does. */
export function appendPart(db: LogDatabase, { topic, partition, encoded }: AppendPart, nowMs: number): AppendedRange {
  const known = knownPartition(db, { topic, partition })
  const first = known.partition.next
  if (encoded.length === 0) return { topic, partition, first, next: first }
  const appendMs = Math.max(Math.floor(nowMs), known.partition.endTimeMs ?? 0)
  const insertBlob = db.sql('insert into blobs (data) values (?)')
  const insertBatch = db.sql(
    'insert into batches (topic, partition, first, next, append_ms, bytes, blob) values (?, ?, ?, ?, ?, ?, ?)',
  )
  let next = first
  for (const batch of encoded) {
    const begin = next
    next += BigInt(batch.count)
    const { lastInsertRowid } = insertBlob.run(placeBatch(batch, begin, appendMs))
    insertBatch.run(known.topic.id, partition, begin, next, appendMs, batch.blob.length, lastInsertRowid)
  }
  db.sql('update partitions set next = ?, end_time_ms = ? where topic = ? and partition = ?').run(
    next,
    appendMs,
    known.topic.id,
    partition,
  )
  return { topic, partition, first, next }
}

/** What stands at `from` now, without waiting. Throws LOG_CORRUPT. */
export function fetchNow(db: LogDatabase, request: FetchRequest): FetchOutcome {
  const { topic, partition, from, source, maxBytes, maxBatchBytes = Number.POSITIVE_INFINITY } = request
  const topicRow = findTopic(db, topic)
  const row = topicRow === null ? null : findPartition(db, topicRow, partition)
  if (topicRow === null || row === null) return { kind: 'no_topic' }
  if (source !== undefined && source !== topicRow.source) return { kind: 'no_topic' }
  const { start, next: end } = row
  if (from < start || from > end) return { kind: 'out_of_range', start, end }
  if (from === end) return { kind: 'empty', end }
  const places = db
    .sql(
      `select first, next, append_ms, bytes, blob from batches where topic = ?1 and partition = ?2 and first >=
         (select max(first) from batches where topic = ?1 and partition = ?2 and first <= ?3)
       order by first limit ${MAX_FETCHED_BATCHES}`,
    )
    .iterate(topicRow.id, partition, from)
  const readBlob = db.sql('select data from blobs where id = ?')
  const batches: RecordBatch[] = []
  let at = from
  let bytes = 0
  for (const place of places) {
    const first = bigintOf(place['first'])
    const next = bigintOf(place['next'])
    const size = Number(place['bytes'])
    const keepsBack = size > maxBatchBytes
    if (!keepsBack) bytes += size
    if (batches.length > 0 && bytes > maxBytes) break
    if (first > at || next <= at) throw corrupt({ topic, partition, first: at }, 'it is missing')
    if (keepsBack) {
      const timestampMs = Number(place['append_ms'])
      batches.push(
        keptBackBatch({ topic, partition, first: at, next, timestampMs, bytes: size, maxBytes: maxBatchBytes }),
      )
      at = next
      continue
    }
    const data = readBlob.get(bigintOf(place['blob']))?.['data']
    if (!(data instanceof Uint8Array)) throw corrupt({ topic, partition, first }, 'its bytes are missing')
    batches.push(readStoredBatch({ topic, partition, first, next, blob: data }, at))
    at = next
  }
  if (batches.length === 0) throw corrupt({ topic, partition, first: from }, 'it is missing')
  return { kind: 'batches', batches, end }
}

/** The first offset of the first batch that was appended at or after `timeMs`. */
export function offsetAtAppendTime(
  db: LogDatabase,
  topic: TopicRow,
  at: { partition: number; timeMs: number },
): bigint | null {
  const row = db
    .sql('select first from batches where topic = ? and partition = ? and append_ms >= ? order by first limit 1')
    .get(topic.id, at.partition, at.timeMs)
  return row === undefined ? null : bigintOf(row['first'])
}

/**
 * Removes whole batches appended before `beforeMs` from the front of a topic's partitions, never a partition's newest,
 * and moves their starts. Answers false once nothing is left to remove.
 */
export function expireBatches(db: LogDatabase, topic: TopicRow, beforeMs: number): boolean {
  let removed = false
  const partitions = db.sql('select partition from partitions where topic = ?').all(topic.id)
  for (const row of partitions) {
    const partition = bigintOf(row['partition'])
    const old = db
      .sql(
        `select first, next, blob from batches where topic = ?1 and partition = ?2 and append_ms < ?3 and first <
           (select max(first) from batches where topic = ?1 and partition = ?2)
         order by first limit ${EXPIRED_A_ROUND}`,
      )
      .all(topic.id, partition, beforeMs)
    const last = old.at(-1)
    if (last === undefined) continue
    for (const batch of old) db.sql('delete from blobs where id = ?').run(bigintOf(batch['blob']))
    const start = bigintOf(last['next'])
    db.sql('delete from batches where topic = ? and partition = ? and first < ?').run(topic.id, partition, start)
    db.sql('update partitions set start = ? where topic = ? and partition = ?').run(start, topic.id, partition)
    removed = true
  }
  return removed
}
