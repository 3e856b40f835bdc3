import type { listOffsetsV9 } from '@platformatic/kafka'
import { CODE, codeError, leaderMoved } from '../wire/broker-error.ts'
import { AGAIN, type Cluster } from '../wire/cluster.ts'
import type { TopicView, TopicViews } from './topic-views.ts'

/** What may be asked of a partition instead of a time. */
export const EARLIEST = -2n
export const LATEST = -1n

export interface OffsetQuestion {
  readonly partitions: readonly number[]
  /** Milliseconds, or EARLIEST or LATEST. */
  readonly time: bigint
  /** Whether records of open transactions are out of sight: LATEST is then the last stable offset. */
  readonly committed: boolean
}

/** Partition → offset, -1 where nothing is at or after the time. Null where the topic is gone. */
export async function listOffsets(
  { cluster, views }: { readonly cluster: Cluster; readonly views: TopicViews },
  topic: string,
  { partitions, time, committed }: OffsetQuestion,
): Promise<ReadonlyMap<number, bigint> | null> {
  const found = new Map<number, bigint>()
  const asked = `for the offsets of ${topic}`
  const fault = { asked, brokers: cluster.settings.brokers, where: { topic } }
  let fresh = false
  let code: number = CODE.leaderNotAvailable
  const ask = async (): Promise<'gone' | 'done' | typeof AGAIN> => {
    const view = await views.find(topic, { fresh })
    fresh = true
    if (view === null) return 'gone'
    const left = partitions.filter((partition) => !found.has(partition))
    for (const [node, group] of byLeader(view, left)) {
      const request = group.map((partition) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: time }))
      const response = await cluster.send<listOffsetsV9.ListOffsetsResponse>(
        'ListOffsets',
        [-1, committed ? 1 : 0, [{ name: topic, partitions: request }]],
        { asked, node, where: { topic } },
      )
      for (const answer of response.topics.flatMap((each) => each.partitions)) {
        if (answer.errorCode === CODE.none) found.set(answer.partitionIndex, answer.offset)
        else if (leaderMoved(answer.errorCode) || answer.errorCode === CODE.unknownTopic) code = answer.errorCode
        else throw codeError(answer.errorCode, fault)
      }
    }
    return found.size === partitions.length ? 'done' : AGAIN
  }
  const outcome = await cluster.retrying(ask, { late: () => codeError(code, fault) })
  return outcome === 'gone' ? null : found
}

/** Partitions that have a leader now, by leader. */
export function byLeader(
  view: TopicView,
  partitions: readonly number[],
): Map<NonNullable<TopicView['leaders'][number]>, number[]> {
  const groups = new Map<NonNullable<TopicView['leaders'][number]>, number[]>()
  for (const partition of partitions) {
    const leader = view.leaders[partition]
    if (leader === null || leader === undefined) continue
    const group = groups.get(leader)
    if (group === undefined) groups.set(leader, [partition])
    else group.push(partition)
  }
  return groups
}
