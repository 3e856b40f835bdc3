/** Who should work on what. Pure: one look at a group, seen by one of its members. */

export interface GroupMember {
  readonly member: string
  readonly wants: ReadonlySet<string>
}

export interface GroupView {
  /** Those that are alive, the one that looks included. */
  readonly members: readonly GroupMember[]
  /** Resource → holder. Holders that are no longer alive are absent. */
  readonly leases: ReadonlyMap<string, string>
}

export interface LeaseChange {
  readonly take: readonly string[]
  readonly give: readonly string[]
}

/**
 * Free resources go to the member that wants them and holds least. A member that holds at least two more than another
 * gives up one that the other wants. So, once every member has looked, no wanted resource is idle, and members that
 * want the same hold at most ⌈resources / members⌉ each.
 */
export function decideLeases({ members, leases }: GroupView, self: string): LeaseChange {
  const held = new Map<string, number>(members.map(({ member }) => [member, 0]))
  for (const [, holder] of leases) held.set(holder, (held.get(holder) ?? 0) + 1)
  const wanters = new Map<string, string[]>()
  for (const { member, wants } of members) {
    for (const resource of wants) wanters.set(resource, [...(wanters.get(resource) ?? []), member])
  }

  const take: string[] = []
  const free = [...wanters.keys()].filter((resource) => !leases.has(resource))
  // What fewest want comes first; what anyone could take evens the rest out.
  free.sort((a, b) => wanters.get(a)!.length - wanters.get(b)!.length || compare(a, b))
  for (const resource of free) {
    const poorest = leastOf(wanters.get(resource)!, held, self)
    held.set(poorest, held.get(poorest)! + 1)
    if (poorest === self) take.push(resource)
  }

  const give: string[] = []
  const mine = [...leases].filter(([, holder]) => holder === self).map(([resource]) => resource)
  for (const resource of mine.sort(compare).toReversed()) {
    const others = (wanters.get(resource) ?? []).filter((member) => member !== self)
    if (others.length === 0) continue
    const poorest = leastOf(others, held, self)
    if (held.get(poorest)! + 2 > held.get(self)!) continue
    held.set(poorest, held.get(poorest)! + 1)
    held.set(self, held.get(self)! - 1)
    give.push(resource)
  }
  return { take, give }
}

/** Of equals, the one that looks: it can act now. */
function leastOf(members: readonly string[], held: ReadonlyMap<string, number>, self: string): string {
  return members.reduce((least, member) => {
    const difference = held.get(member)! - held.get(least)!
    return difference < 0 || (difference === 0 && member === self) ? member : least
  })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
