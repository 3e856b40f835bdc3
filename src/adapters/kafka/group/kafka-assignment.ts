import { parsePartitionKey, partitionKey } from '../../../domain/position.ts'
import type { Assignment, Membership } from '../../../ports/assignment.ts'
import type { Cluster } from '../wire/cluster.ts'
import { GroupProcess } from './group-member.ts'
import { decodeShares } from './group-shares.ts'
import { GroupWire } from './group-wire.ts'

/** A group that is being rebalanced does not say who holds what: it is asked again for so long. */
const RESTLESS_MS = 2_000
const LOOK_MS = 50

/**
 * The port's groups, all of them inside one consumer group of Kafka's: a process joins it once, however many lanes,
 * sources and jobs it shares, and is found dead by the broker after a session. How far a lane has read is committed to a
 * group of its own without members, for lag tools.
 */
export function openKafkaAssignment(cluster: Cluster): Assignment & { close(): Promise<void> } {
  const { clock, settings } = cluster
  const wire = new GroupWire(cluster, settings.membersGroup)
  const process = new GroupProcess(cluster, wire)
  const told = new Map<string, GroupWire>()

  const lagGroup = (group: string): GroupWire => {
    const groupId = `${settings.prefix}${group.replaceAll('/', '.')}`
    const known = told.get(groupId) ?? new GroupWire(cluster, groupId)
    told.set(groupId, known)
    return known
  }

  const tell = async (
    group: string,
    holds: ReadonlySet<string>,
    positions: ReadonlyMap<string, bigint>,
  ): Promise<void> => {
    const ours = [...positions].flatMap(([resource, next]) => {
      const at = holds.has(resource) ? parsePartitionKey(resource) : null
      return at === null ? [] : [{ ...at, next }]
    })
    if (ours.length === 0) return
    await lagGroup(group).commitOffsets(ours)
  }

  return {
    join: async (group, resources) => {
      const member = process.add(group, resources)
      let left = false
      const membership: Membership = {
        poll: () => process.poll(member),
        want: async (more) => process.want(member, more),
        release: async (some) => process.release(member, some),
        tell: async (positions) => tell(group, await process.poll(member), positions),
        leave: async () => {
          if (left) return
          left = true
          process.remove(member)
          await process.settle()
        },
      }
      return membership
    },

    held: async (group) => {
      const endMs = clock.nowMs() + RESTLESS_MS
      for (;;) {
        const described = await wire.describe()
        const restless = described !== null && /Rebalance/.test(described.groupState)
        if (restless && clock.nowMs() < endMs) {
          await clock.sleep(LOOK_MS)
          continue
        }
        const shares = (described?.members ?? []).flatMap(({ memberAssignment }) => decodeShares(memberAssignment))
        return new Set(shares.filter((share) => share.group === group).flatMap(({ holds }) => [...holds]))
      }
    },

    told: async (group, resources) => {
      const places = resources.map(parsePartitionKey).filter((at) => at !== null)
      if (places.length === 0) return new Map()
      const offsets = await lagGroup(group).fetchOffsets(places)
      return new Map(offsets.map(({ next, ...at }) => [partitionKey(at), next]))
    },

    close: () => process.close(),
  }
}
