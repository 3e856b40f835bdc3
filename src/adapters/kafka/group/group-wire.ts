import type {
  describeGroupsV5,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  offsetCommitV9,
  offsetFetchV9,
  syncGroupV5,
} from '@platformatic/kafka'
import type { TopicPartition } from '../../../domain/position.ts'
import { findCoordinator, KEY_GROUP } from '../produce/producer-identity.ts'
import { CODE, codeError, coordinatorMoved } from '../wire/broker-error.ts'
import type { Node } from '../wire/any-broker.ts'
import { AGAIN, type Cluster, type Lane } from '../wire/cluster.ts'

const PROTOCOL_TYPE = 'sluice'
const PROTOCOL = 'fair-share'

export interface Generation {
  readonly memberId: string
  readonly generation: number
}

export type Joined = joinGroupV9.JoinGroupResponse

/** The group requests, each to the coordinator of the moment. Codes that a member acts on are answers. */
export class GroupWire {
  readonly groupId: string
  readonly #cluster: Cluster
  #coordinator: Node | null = null

  constructor(cluster: Cluster, groupId: string) {
    this.#cluster = cluster
    this.groupId = groupId
  }

  /** Waits at the broker until every member has joined, or has been given up. */
  join(memberId: string, metadata: Buffer): Promise<Joined> {
    const { sessionTimeoutMs } = this.#cluster.settings
    const args = [
      this.groupId,
      sessionTimeoutMs,
      sessionTimeoutMs,
      memberId,
      this.#instanceId,
      PROTOCOL_TYPE,
      [{ name: PROTOCOL, metadata }],
      null,
    ]
    return this.#ask<Joined>('JoinGroup', args, { asked: 'to join', lane: 'join', codes: codeOf })
  }

  sync(
    at: Generation,
    assignments: readonly { memberId: string; assignment: Buffer }[],
  ): Promise<syncGroupV5.SyncGroupResponse> {
    const args = [this.groupId, at.generation, at.memberId, this.#instanceId, PROTOCOL_TYPE, PROTOCOL, assignments]
    return this.#ask<syncGroupV5.SyncGroupResponse>('SyncGroup', args, {
      asked: 'for its share',
      lane: 'join',
      codes: codeOf,
    })
  }

  async heartbeat(at: Generation): Promise<number> {
    const args = [this.groupId, at.generation, at.memberId, this.#instanceId]
    const asked = { asked: 'for a heartbeat', codes: codeOf }
    return (await this.#ask<heartbeatV4.HeartbeatResponse>('Heartbeat', args, asked)).errorCode
  }

  async leave({ memberId }: Generation): Promise<void> {
    const args = [this.groupId, [{ memberId, groupInstanceId: this.#instanceId, reason: null }]]
    await this.#ask<leaveGroupV5.LeaveGroupResponse>('LeaveGroup', args, { asked: 'to leave', codes: codeOf })
  }

  async describe(): Promise<describeGroupsV5.DescribeGroupsResponseGroup | null> {
    const answer = await this.#ask<describeGroupsV5.DescribeGroupsResponse>('DescribeGroups', [[this.groupId], false], {
      asked: 'for its members',
      codes: ({ groups }) => groups.map(({ errorCode }) => errorCode),
    })
    const [group] = answer.groups
    if (group?.errorCode === CODE.groupAuthorization) {
      const { brokers } = this.#cluster.settings
      throw codeError(group.errorCode, { asked: `for the members of group ${this.groupId}`, brokers })
    }
    return group ?? null
  }

  /** As a group without members, which lag tools show: what is committed here decides nothing. */
  async commitOffsets(positions: readonly (TopicPartition & { readonly next: bigint })[]): Promise<void> {
    const topics = [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, all]) => ({
      name,
      partitions: all.map(({ partition, next }) => ({
        partitionIndex: partition,
        committedOffset: next,
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    }))
    const args = [this.groupId, -1, '', null, topics]
    await this.#ask<offsetCommitV9.OffsetCommitResponse>('OffsetCommit', args, {
      asked: 'to commit offsets',
      codes: ({ topics: placed }) => placed.flatMap((each) => each.partitions.map(({ errorCode }) => errorCode)),
    })
  }

  /** What was committed of these, where anything was. */
  async fetchOffsets(at: readonly TopicPartition[]): Promise<(TopicPartition & { readonly next: bigint })[]> {
    const topics = [...Map.groupBy(at, ({ topic }) => topic)].map(([name, all]) => ({
      name,
      partitionIndexes: all.map(({ partition }) => partition),
    }))
    const groups = [{ groupId: this.groupId, memberId: null, memberEpoch: -1, topics }]
    const asked = 'for committed offsets'
    const answer = await this.#ask<offsetFetchV9.OffsetFetchResponse>('OffsetFetch', [groups, false], {
      asked,
      codes: (answered) => answered.groups.map(({ errorCode }) => errorCode),
    })
    const [group] = answer.groups
    const code = group?.errorCode ?? CODE.none
    if (code !== CODE.none) {
      throw codeError(code, { asked: `${asked} of group ${this.groupId}`, brokers: this.#cluster.settings.brokers })
    }
    return (group?.topics ?? []).flatMap(({ name, partitions }) =>
      partitions.flatMap(({ partitionIndex, committedOffset, errorCode }) =>
        errorCode === CODE.none && committedOffset >= 0n
          ? [{ topic: name, partition: partitionIndex, next: committedOffset }]
          : [],
      ),
    )
  }

  get #instanceId(): string | null {
    return this.#cluster.settings.instanceId
  }

  async #ask<T>(api: string, args: readonly unknown[], { asked, codes, lane = 'control' }: Question<T>): Promise<T> {
    const cluster = this.#cluster
    const fault = { asked: `${asked} of group ${this.groupId}`, brokers: cluster.settings.brokers }
    let code: number = CODE.coordinatorNotAvailable
    return cluster.retrying<T>(
      async () => {
        this.#coordinator ??= await findCoordinator(cluster, KEY_GROUP, this.groupId)
        try {
          const answer = await cluster.send<T>(api, args, { asked: fault.asked, node: this.#coordinator, lane })
          const moved = codes(answer).find(coordinatorMoved)
          if (moved === undefined) return answer
          code = moved
          this.#coordinator = null
          return AGAIN
        } catch (error) {
          this.#coordinator = null
          throw error
        }
      },
      { late: () => codeError(code, fault) },
    )
  }
}

interface Question<T> {
  readonly asked: string
  readonly lane?: Lane
  /** Where the answer says whether it was the coordinator that answered: APIs differ. */
  readonly codes: (answer: T) => readonly number[]
}

function codeOf({ errorCode }: { readonly errorCode: number }): readonly number[] {
  return [errorCode]
}
