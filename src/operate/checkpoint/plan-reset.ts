import type { Skip } from '../../domain/dead-letter.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { OffsetRange } from '../../domain/offset-range.ts'
import { partitionKey, START, type PartitionPosition } from '../../domain/position.ts'
import type { PositionMove } from '../../ingest/lane/lane-position.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import { requirePartition } from '../repair/find-partition.ts'
import type { RowRange } from '../repair/withdraw-rows.ts'

export interface ResetFacts {
  /** `bronze.<table>`. */
  readonly table: string
  readonly topic: TopicDescription
  readonly partition: number
  /** Null where the table says nothing of the partition. */
  readonly position: PartitionPosition | null
  /** Where to; null with `accept` for where the new topic begins. */
  readonly wanted: bigint | null
  /** The topic that the log holds now is taken for the lane's, as its next epoch (I18). */
  readonly accept: boolean
  /** The last landed record is not at its offset any more: the log is another one, whatever it says of itself. */
  readonly stranger: boolean
  /** Where the rows say that it stood, if the table has lost its position or its epoch. */
  readonly recovered?: PartitionPosition | null
}

/** What moves one partition of one table. */
export interface PartitionReset {
  readonly move: PositionMove
  /** Durable before the commit. */
  readonly skips: readonly Skip[]
  /** Rows that would be read again; null where none can be. */
  readonly withdraw: RowRange | null
  /** Of those, offsets that the log does not hold: they are lost to the table. */
  readonly lost: OffsetRange | null
  /** Where it stood, if that is not `move.from`: the table had lost it. */
  readonly recovered?: PartitionPosition
}

/**
 * How a partition's position is set (I16): forwards, what is passed over leaves a skip (reset); backwards, the rows from
 * there on leave the table in the same commit, since they will be read again. A new incarnation of the topic begins
 * another epoch, and the rows of the old one stay. Null where the partition stands there already. Pure.
 * Throws USAGE for an offset that the log does not hold, SOURCE_CHANGED where only `accept` would be right.
 */
export function planReset(facts: ResetFacts): PartitionReset | null {
  const { recovered = null } = facts
  return recovered === null ? planKnown(facts) : planRecovered(facts, recovered)
}

/** As if it stood where its rows say; the commit still expects what the table states. */
function planRecovered(facts: ResetFacts, recovered: PartitionPosition): PartitionReset {
  const { topic, partition, position: from } = facts
  const stays = { move: { topic: topic.topic, partition, from, to: recovered }, skips: [], ...NOTHING_BACK }
  const planned = planKnown({ ...facts, position: recovered }) ?? stays
  return { ...planned, move: { ...planned.move, from }, recovered }
}

function planKnown(facts: ResetFacts): PartitionReset | null {
  const { table, topic, partition, position, wanted, accept } = facts
  const at = { topic: topic.topic, partition }
  const log = requirePartition(topic, partition)
  if (accept) return planAccepted(facts, log)
  const changed = facts.stranger || (position !== null && position.source !== null && position.source !== topic.source)
  if (changed) throw changedTopic(facts)
  const next = wanted ?? log.start
  checkHeld(facts, { next, start: log.start, end: log.limit })
  const from = position ?? START
  const move: PositionMove = { ...at, from: position, to: { next, epoch: from.epoch, source: topic.source } }
  if (position === null) {
    return next === log.start ? null : { move, skips: beginSkips(at, { ...log, next, epoch: 0 }), ...NOTHING_BACK }
  }
  if (next === position.next) return null
  if (next > position.next) {
    const skip: Skip = { ...at, epoch: from.epoch, first: position.next, next, reason: 'reset' }
    return { move, skips: [skip], ...NOTHING_BACK }
  }
  const gone = next > log.limit ? next : log.limit
  return {
    move,
    skips: [],
    withdraw: { ...at, epoch: from.epoch, first: next, next: null },
    lost: gone < position.next ? { first: gone, next: position.next } : null,
  }

  function planAccepted({ topic: now }: ResetFacts, held: { readonly start: bigint; readonly limit: bigint }) {
    if (position === null || (position.source === now.source && position.next <= held.limit && !facts.stranger)) {
      throw new SluiceError(
        'USAGE',
        `${partitionKey(at)} is the topic that ${table} reads; there is no new one to accept`,
        { where: { ...at, table }, hint: 'Set a position in it with --to-offset, --to-time, --earliest or --latest.' },
      )
    }
    const first = wanted ?? held.start
    checkHeld(facts, { next: first, start: held.start, end: held.limit })
    const epoch = position.epoch + 1
    return {
      move: { ...at, from: position, to: { next: first, epoch, source: now.source } },
      skips: beginSkips(at, { start: held.start, next: first, epoch }),
      ...NOTHING_BACK,
    }
  }
}

const NOTHING_BACK = { withdraw: null, lost: null } as const

interface Beginning {
  readonly start: bigint
  readonly next: bigint
  readonly epoch: number
}

/** A partition's first is 0: what the log no longer had is a skip (start), what an operator passed over one (reset). */
function beginSkips(
  at: { readonly topic: string; readonly partition: number },
  { start, next, epoch }: Beginning,
): Skip[] {
  const skips: Skip[] = []
  if (start > 0n) skips.push({ ...at, epoch, first: 0n, next: start, reason: 'start' })
  if (next > start) skips.push({ ...at, epoch, first: start, next, reason: 'reset' })
  return skips
}

function checkHeld(
  { table, topic, partition }: ResetFacts,
  { next, start, end }: { readonly next: bigint; readonly start: bigint; readonly end: bigint },
): void {
  if (next >= start && next <= end) return
  throw new SluiceError(
    'USAGE',
    `${topic.topic}/${partition} holds offsets [${start},${end}), so ${table} cannot stand at ${next}`,
    { where: { topic: topic.topic, partition, offset: String(next), table }, hint: `Choose ${start} to ${end}.` },
  )
}

function changedTopic({ table, topic, partition }: ResetFacts): SluiceError {
  return new SluiceError(
    'SOURCE_CHANGED',
    `${topic.topic}/${partition} is not the topic that ${table} read before, so its offsets say nothing of the old one`,
    {
      where: { topic: topic.topic, partition, table },
      hint: 'Accept the new topic first: `sluice checkpoint reset --topic T --accept-new-topic`.',
    },
  )
}
