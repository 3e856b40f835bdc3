import { decideLeases, type GroupMember } from '../../../domain/fair-share.ts'

/** What a process tells its group, and what the leader answers: JSON in the bytes that Kafka passes on unread. */
export interface Share {
  /** Of one membership. */
  readonly member: string
  readonly group: string
  readonly wants: ReadonlySet<string>
  readonly holds: ReadonlySet<string>
}

/** Rounds after which every share stands: each moves at least one resource to where it belongs. */
const MOST_ROUNDS = 10_000

/**
 * Who holds what from now on. What a member holds and still wants it keeps, as far as shares stay even: so a rebalance
 * moves no more than it must (cooperative). Of two that hold one resource the first by name keeps it.
 */
export function assignShares(shares: readonly Share[]): ReadonlyMap<string, ReadonlySet<string>> {
  const assigned = new Map<string, Set<string>>(shares.map(({ member }) => [member, new Set()]))
  for (const members of Map.groupBy(shares, ({ group }) => group).values()) {
    const sorted = members.toSorted((a, b) => (a.member < b.member ? -1 : 1))
    const leases = new Map<string, string>()
    for (const { member, wants, holds } of sorted) {
      for (const resource of holds) if (wants.has(resource) && !leases.has(resource)) leases.set(resource, member)
    }
    settle(sorted, leases)
    for (const [resource, member] of leases) assigned.get(member)!.add(resource)
  }
  return assigned
}

/** Lets every member take and give, in turn, until none would. */
function settle(members: readonly GroupMember[], leases: Map<string, string>): void {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    let moved = false
    for (const { member } of members) {
      const { take, give } = decideLeases({ members, leases }, member)
      for (const resource of give) leases.delete(resource)
      for (const resource of take) leases.set(resource, member)
      moved ||= take.length > 0 || give.length > 0
    }
    if (!moved) return
  }
}

/** `asked` differs where the same shares are to be told as news. */
export function encodeShares(shares: readonly Share[], asked = 0): Buffer {
  const list = shares.map(({ member, group, wants, holds }) => ({
    member,
    group,
    wants: [...wants],
    holds: [...holds],
  }))
  return Buffer.from(JSON.stringify({ shares: list, asked }), 'utf8')
}

/** What another version or another program wrote counts as no shares. */
export function decodeShares(bytes: Buffer): Share[] {
  const parsed = parse(bytes)
  if (!isRecord(parsed) || !Array.isArray(parsed['shares'])) return []
  return parsed['shares'].flatMap((each: unknown): Share[] => {
    if (!isRecord(each)) return []
    const { member, group, wants, holds } = each
    if (typeof member !== 'string' || typeof group !== 'string') return []
    return [{ member, group, wants: textsOf(wants), holds: textsOf(holds) }]
  })
}

function textsOf(value: unknown): Set<string> {
  return new Set(Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [])
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
