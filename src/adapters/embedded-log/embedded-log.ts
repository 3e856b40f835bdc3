import { SluiceError } from '../../domain/errors.ts'
import type { Assignment } from '../../ports/assignment.ts'
import type { Clock } from '../../ports/clock.ts'
import type { AppendOutcome, AppendRequest, FetchOutcome, FetchRequest, TopicLog } from '../../ports/topic-log.ts'
import { appendPart, expireBatches, fetchNow, offsetAtAppendTime } from './batch-rows.ts'
import { heldInGroup, joinGroup } from './leases.ts'
import { openLogDatabase, type LogDatabase } from './log-database.ts'
import { moveSource, readSourceState, sequenceOf } from './source-rows.ts'
import { encodePacked } from './encode-packed.ts'
import { encodeBatches } from './stored-batch.ts'
import {
  checkTopicOptions,
  describeTopic,
  findTopic,
  insertTopic,
  knownPartition,
  listTopics,
  removeTopic,
} from './topic-rows.ts'

/** A waiting fetch looks for news this often: soon at first, then seldom. */
const FIRST_LOOK_MS = 2
const SELDOM_LOOK_MS = 50
const RETENTION_EVERY_MS = 60_000

/**
 * The broker that needs nothing but Node: one SQLite file that several processes share.
 *
 * Guarantees beyond the port's: every process that opens the folder sees one log. A stored batch is checked against its
 * checksum whenever it is read.
 * Times: a record keeps the `timestampMs` that it was given. `endTimeMs`, `offsetAtTime` and retention go by append
 * time instead: the clock's time when the append was committed, one for a whole append, never going back within a
 * partition.
 * Retention removes whole batches, on append, at most once a minute a process, and never a partition's newest batch;
 * so records may outlive it, most of all in a topic that nothing is appended to. The file does not shrink; its room is
 * used again.
 * Non-guarantee: a folder on a network file system (SQLite's shared memory does not work there).
 */
export interface EmbeddedLog extends TopicLog, Assignment {
  /** Forgets the topic and its records; a topic made again under its name has another `source`. False: there was none. */
  deleteTopic(topic: string): Promise<boolean>
}

export async function openEmbeddedLog({ dir, clock }: { dir: string; clock: Clock }): Promise<EmbeddedLog> {
  const db = await openLogDatabase({ dir, clock })
  const retain = retention(db, clock)
  return {
    topics: () => db.read(() => listTopics(db).map((topic) => describeTopic(db, topic))),

    describe: (name) =>
      db.read(() => {
        const topic = findTopic(db, name)
        return topic === null ? null : describeTopic(db, topic)
      }),

    create: async (topic, options) => {
      checkTopicOptions(topic, options)
      const topicId = clock.newId()
      return db.write(() => describeTopic(db, insertTopic(db, { topic, topicId, options })))
    },

    deleteTopic: (name) =>
      db.write(() => {
        const topic = findTopic(db, name)
        if (topic !== null) removeTopic(db, topic)
        return topic !== null
      }),

    fetch: (request) => fetchWaiting(db, clock, request),

    append: async (request) => {
      const outcome = await append(db, clock, request)
      if (outcome.kind === 'appended') await retain()
      return outcome
    },

    sourceState: (source) => db.read(() => readSourceState(db, source)),

    offsetAtTime: ({ topic, partition }, timeMs) =>
      db.read(() => {
        const known = knownPartition(db, { topic, partition })
        return offsetAtAppendTime(db, known.topic, { partition, timeMs }) ?? known.partition.next
      }),

    join: (group, resources) => joinGroup({ db, clock, group, resources }),

    // Nothing is kept: the tables say where they stand.
    told: async () => null,

    held: (group) => db.read(() => heldInGroup(db, group, clock.nowMs())),

    close: async () => db.close(),
  }
}

async function append(db: LogDatabase, clock: Clock, { batches, state }: AppendRequest): Promise<AppendOutcome> {
  const parts = batches.map((part) => {
    const encoded = part.packed === undefined ? encodeBatches(part.records) : encodePacked(part.packed)
    return { topic: part.topic, partition: part.partition, encoded }
  })
  return db.write(() => {
    if (state !== null) {
      const sequence = sequenceOf(db, state.source)
      if (sequence !== state.expectedSequence) return { kind: 'conflicted', sequence }
    }
    const nowMs = clock.nowMs()
    const firsts = parts.map((part) => appendPart(db, part, nowMs))
    return { kind: 'appended', sequence: state === null ? null : moveSource(db, state), firsts }
  })
}

async function fetchWaiting(db: LogDatabase, clock: Clock, request: FetchRequest): Promise<FetchOutcome> {
  let leftMs = request.waitMs
  let pauseMs = FIRST_LOOK_MS
  for (;;) {
    request.signal?.throwIfAborted()
    // Taken before the look: a commit in between is news to the next look.
    const mark = await db.read(() => db.changeMark())
    const outcome = await fetchSurely(db, request)
    if (outcome.kind !== 'empty' || leftMs <= 0) return outcome
    do {
      const ms = Math.min(pauseMs, leftMs)
      await clock.sleep(ms, request.signal)
      leftMs -= ms
      pauseMs = Math.min(pauseMs * 2, SELDOM_LOOK_MS)
    } while (leftMs > 0 && (await db.read(() => db.changeMark())) === mark)
  }
}

/**
 * What reads as damaged is read once more from the file before it is said: memory and disks err for a moment, and a lane
 * that stops for it waits for a person. That it read right then is warned of on stderr.
 */
async function fetchSurely(db: LogDatabase, request: FetchRequest): Promise<FetchOutcome> {
  try {
    return await db.read(() => fetchNow(db, request))
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'LOG_CORRUPT') throw error
    db.forgetPages()
    const outcome = await db.read(() => fetchNow(db, request))
    process.emitWarning(`${error.message}; read again it is right, in ${db.file}`)
    return outcome
  }
}

/**
 * Cuts topics to their retention. A round that fails is left to a later one: the append before it stands, and must not
 * seem to have failed.
 */
function retention(db: LogDatabase, clock: Clock): () => Promise<void> {
  let lastMs: number | null = null
  return async () => {
    const nowMs = clock.nowMs()
    if (lastMs !== null && Math.abs(nowMs - lastMs) < RETENTION_EVERY_MS) return
    lastMs = nowMs
    try {
      const topics = await db.read(() => listTopics(db))
      for (const topic of topics) {
        const { retentionMs } = topic
        if (retentionMs === null) continue
        while (await db.write(() => expireBatches(db, topic, nowMs - retentionMs)));
      }
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
    }
  }
}
