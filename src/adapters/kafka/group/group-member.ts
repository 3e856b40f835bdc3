import { SluiceError } from '../../../domain/errors.ts'
import { CODE, codeError } from '../wire/broker-error.ts'
import type { Cluster } from '../wire/cluster.ts'
import { assignShares, decodeShares, encodeShares, type Share } from './group-shares.ts'
import type { GroupWire, Joined } from './group-wire.ts'

/** A look is not held up longer by a group that does not come to rest, such as one with a member that is paused. */
const SETTLE_MS = 2_000
/** A broker lets the first member of a group wait for others (3 s, if not set); there are none to share with yet. */
const ALONE_MS = 300
const TRIES = 10

interface Standing {
  readonly memberId: string
  readonly generation: number
}

const OUTSIDE: Standing = { memberId: '', generation: -1 }

/**
 * This process as a member of the group: it tells all that its memberships want and hold, and learns what they may hold.
 * The group's leader decides (`assignShares`). What is held stays in use while the group is being rebalanced; it is lost
 * when the broker has not been heard of for a session, as after a pause of the process.
 */
export class GroupProcess {
  readonly #cluster: Cluster
  readonly #wire: GroupWire
  /** Whether the group had other members when this process first came. */
  #first: 'unknown' | 'alone' | 'others' = 'unknown'
  readonly #shares = new Map<string, { readonly group: string; readonly wants: Set<string>; holds: Set<string> }>()
  #standing = OUTSIDE
  #heardMs = 0
  /** What was told to the group is no longer so. */
  #changed = false
  #joining: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #closed = false
  /** Makes what is told differ from before, so that the group shares anew. */
  #asked = 0
  #fenced: SluiceError | null = null

  constructor(cluster: Cluster, wire: GroupWire) {
    this.#cluster = cluster
    this.#wire = wire
  }

  /** A new membership; answers its name. A static member's is the same after a start, so that what it had finds it again. */
  add(group: string, wants: readonly string[]): string {
    const { clock, settings } = this.#cluster
    let member = settings.instanceId === null ? clock.newId() : `${settings.instanceId}/${group}`
    for (let i = 2; this.#shares.has(member); i += 1) member = `${settings.instanceId}/${group}/${i}`
    this.#shares.set(member, { group, wants: new Set(wants), holds: new Set() })
    this.#changed = true
    return member
  }

  want(member: string, resources: readonly string[]): void {
    const share = this.#shares.get(member)
    if (share === undefined) return
    for (const resource of resources) {
      this.#changed ||= !share.wants.has(resource)
      share.wants.add(resource)
    }
  }

  release(member: string, resources: readonly string[]): void {
    const share = this.#shares.get(member)
    if (share === undefined) return
    for (const resource of resources) {
      share.holds.delete(resource)
      this.#changed = share.wants.delete(resource) || this.#changed
    }
  }

  remove(member: string): void {
    this.#changed = this.#shares.delete(member) || this.#changed
  }

  /** What a membership holds now, as of a moment after this was called where the group comes to rest. */
  async poll(member: string): Promise<ReadonlySet<string>> {
    const share = this.#shares.get(member)
    if (share === undefined) return new Set()
    await this.settle()
    const alone = this.#standing.generation < 0 && this.#first === 'alone'
    return new Set(alone ? share.wants : share.holds)
  }

  /** Brings the group up to date with what is wanted here, but waits no longer than a moment. */
  async settle(): Promise<void> {
    if (this.#fenced !== null) throw this.#fenced
    this.#dropLost()
    this.#timer ??= this.#beat()
    if (this.#first === 'unknown') {
      const group = await this.#wire.describe()
      this.#first = group === null || group.members.length === 0 ? 'alone' : 'others'
    }
    if (this.#standing.generation < 0 || this.#changed) void this.#join().catch(() => undefined)
    else if (this.#cluster.clock.nowMs() - this.#heardMs >= this.#cluster.settings.heartbeatMs) await this.#heartbeat()
    if (this.#joining === null) return
    const quiet = new AbortController()
    const alone = this.#standing.generation < 0 && this.#first === 'alone'
    const moment = this.#cluster.clock.sleep(alone ? ALONE_MS : SETTLE_MS, quiet.signal).catch(() => undefined)
    await Promise.race([this.#joining, moment]).finally(() => quiet.abort())
  }

  /** Gives all back. A static member is expected again and keeps its place. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#shares.clear()
    const standing = this.#standing
    this.#standing = OUTSIDE
    const isStatic = this.#cluster.settings.instanceId !== null
    if (standing.generation >= 0 && !isStatic) await this.#wire.leave(standing).catch(() => undefined)
  }

  #beat(): NodeJS.Timeout {
    const timer = setInterval(() => {
      if (this.#joining !== null || this.#standing.generation < 0 || this.#fenced !== null) return
      const turn = this.#changed ? this.#join() : this.#heartbeat()
      turn.catch(() => undefined)
    }, this.#cluster.settings.heartbeatMs)
    return timer.unref()
  }

  async #heartbeat(): Promise<void> {
    const standing = this.#standing
    const code = await this.#wire.heartbeat(standing)
    if (standing !== this.#standing || this.#closed) return
    if (code === CODE.none) {
      this.#heardMs = this.#cluster.clock.nowMs()
      return
    }
    if (code === CODE.fencedInstanceId) return this.#giveWay()
    if (code === CODE.unknownMember || code === CODE.illegalGeneration) this.#lose()
    void this.#join().catch(() => undefined)
  }

  #dropLost(): void {
    const { clock, settings } = this.#cluster
    if (this.#standing.generation >= 0 && clock.nowMs() - this.#heardMs > settings.sessionTimeoutMs) this.#lose()
  }

  /** Others may hold what was held here. */
  #lose(): void {
    this.#standing = OUTSIDE
    this.#first = 'others'
    for (const share of this.#shares.values()) share.holds = new Set()
  }

  /** Another process came in under our instance id: it is the one now, and taking the id back would be endless. */
  #giveWay(): void {
    this.#lose()
    const { brokers, instanceId } = this.#cluster.settings
    this.#fenced = new SluiceError(
      'BROKER_REFUSED',
      `another process has taken the place of this one in group ${this.#wire.groupId} at ${brokers.join(', ')}: both have broker.instance_id ${instanceId}`,
      {
        where: { key: 'broker.instance_id' },
        hint: 'Give every process an instance_id of its own, or none; then start this one again.',
      },
    )
  }

  #join(): Promise<void> {
    this.#joining ??= this.#joinUntilTold().finally(() => {
      this.#joining = null
    })
    return this.#joining
  }

  async #joinUntilTold(): Promise<void> {
    for (let tried = 0; tried < TRIES && !this.#closed; tried += 1) {
      this.#changed = false
      try {
        if ((await this.#joinOnce()) && !this.#changed) return
      } catch (error) {
        this.#changed = true
        throw error
      }
    }
    this.#changed = true
  }

  /** False where it is to be tried again. */
  async #joinOnce(): Promise<boolean> {
    const joined = await this.#wire.join(this.#standing.memberId, encodeShares(this.#told(), this.#asked))
    if (joined.errorCode === CODE.memberIdRequired) {
      this.#standing = { ...OUTSIDE, memberId: joined.memberId }
      return false
    }
    if (joined.errorCode !== CODE.none) return this.#refused(joined.errorCode)
    const standing: Standing = { memberId: joined.memberId, generation: joined.generationId }
    const assignments = joined.leader === joined.memberId ? assignmentsOf(joined) : []
    const synced = await this.#wire.sync(standing, assignments)
    if (synced.errorCode === CODE.rebalanceInProgress) {
      this.#standing = { ...this.#standing, memberId: joined.memberId }
      return false
    }
    if (synced.errorCode !== CODE.none) return this.#refused(synced.errorCode)
    if (this.#closed) {
      await this.#wire.leave(standing).catch(() => undefined)
      return true
    }
    this.#standing = standing
    this.#heardMs = this.#cluster.clock.nowMs()
    const assigned = decodeShares(synced.assignment)
    for (const { member, holds } of assigned) {
      const share = this.#shares.get(member)
      // What was given back meanwhile is not taken again.
      if (share !== undefined) share.holds = new Set([...holds].filter((resource) => share.wants.has(resource)))
    }
    // A static member that comes back is given what it had, without the others: not what it wants by now.
    if (this.#cluster.settings.instanceId === null || this.#isAbout(assigned)) return true
    this.#asked += 1
    return false
  }

  #isAbout(assigned: readonly Share[]): boolean {
    const seen = new Map(assigned.map(({ member, wants }) => [member, wants]))
    return [...this.#shares].every(([member, { wants }]) => {
      const known = seen.get(member)
      return known !== undefined && known.size === wants.size && [...wants].every((resource) => known.has(resource))
    })
  }

  #refused(code: number): false {
    if (code === CODE.fencedInstanceId) {
      this.#giveWay()
      throw this.#fenced!
    }
    if (code === CODE.unknownMember || code === CODE.illegalGeneration) {
      this.#lose()
      return false
    }
    const { brokers } = this.#cluster.settings
    throw codeError(code, { asked: `for a place in group ${this.#wire.groupId}`, brokers })
  }

  #told(): Share[] {
    return [...this.#shares].map(([member, { group, wants, holds }]) => ({ member, group, wants, holds }))
  }
}

function assignmentsOf({ members }: Joined): { memberId: string; assignment: Buffer }[] {
  const told = members.map(({ memberId, metadata }) => ({ memberId, shares: decodeShares(metadata) }))
  const assigned = assignShares(told.flatMap(({ shares }) => shares))
  return told.map(({ memberId, shares }) => ({
    memberId,
    assignment: encodeShares(shares.map((share) => ({ ...share, holds: assigned.get(share.member) ?? new Set() }))),
  }))
}
