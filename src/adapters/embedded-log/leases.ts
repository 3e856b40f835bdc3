import type { Membership } from '../../ports/assignment.ts'
import type { Clock } from '../../ports/clock.ts'
import { decideLeases, type GroupView } from '../../domain/fair-share.ts'
import type { LogDatabase } from './log-database.ts'
import { isGone, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** A member that has not been heard of for so long has lost its leases. */
export const LEASE_MS = 30_000
/** A poll that changes nothing writes a sign of life only this often. */
const HEARTBEAT_MS = 5_000

export interface JoinRequest {
  readonly db: LogDatabase
  readonly clock: Clock
  readonly group: string
  readonly resources: readonly string[]
}

/**
 * Leases as rows of the log's file. A member loses its leases to whoever polls once its process is gone from this host
 * or its last sign of life is older than `LEASE_MS`; it takes part again at its next poll.
 */
export async function joinGroup({ db, clock, group, resources }: JoinRequest): Promise<Membership> {
  const member = clock.newId()
  const identity = ownIdentity()
  const wants = new Set(resources)
  let left = false
  const self = { db, group, member, identity, wants }

  const poll = async (): Promise<ReadonlySet<string>> => {
    if (left) return new Set()
    const quiet = await db.read(() => (needsWrite(self, clock.nowMs()) ? null : heldBy(self)))
    return (
      quiet ??
      (await db.write(() => {
        applyPoll(self, clock.nowMs())
        return heldBy(self)
      }))
    )
  }

  await db.write(() => signOfLife(self, clock.nowMs()))
  return {
    poll,
    want: async (more) => {
      if (left) return
      for (const resource of more) wants.add(resource)
      await db.write(() => signOfLife(self, clock.nowMs()))
    },
    release: async (given) => {
      for (const resource of given) wants.delete(resource)
      if (left) return
      await db.write(() => {
        signOfLife(self, clock.nowMs())
        giveBack(self, given)
      })
    },
    // Nothing but Sluice looks at this log, and it looks at the tables.
    tell: async () => undefined,
    leave: async () => {
      if (left) return
      left = true
      wants.clear()
      await db.write(() => forget(db, member))
    },
  }
}

/** What members hold that are alive as far as this process can tell. */
export function heldInGroup(db: LogDatabase, group: string, nowMs: number): ReadonlySet<string> {
  const onlooker: Self = { db, group, member: '', identity: ownIdentity(), wants: new Set() }
  return new Set(viewOf(onlooker, lookAt(onlooker, nowMs).alive).leases.keys())
}

interface Self {
  readonly db: LogDatabase
  readonly group: string
  readonly member: string
  readonly identity: ProcessIdentity
  readonly wants: ReadonlySet<string>
}

interface MemberRow extends ProcessIdentity {
  readonly member: string
  readonly wants: ReadonlySet<string>
  readonly heartbeatMs: number
}

function needsWrite(self: Self, nowMs: number): boolean {
  const { alive, lost } = lookAt(self, nowMs)
  const own = alive.find(({ member }) => member === self.member)
  if (own === undefined || lost.length > 0 || Math.abs(nowMs - own.heartbeatMs) >= HEARTBEAT_MS) return true
  const { take, give } = decideLeases(viewOf(self, alive), self.member)
  return take.length > 0 || give.length > 0
}

function applyPoll(self: Self, nowMs: number): void {
  signOfLife(self, nowMs)
  const { alive, lost } = lookAt(self, nowMs)
  for (const { member } of lost) forget(self.db, member)
  const { take, give } = decideLeases(viewOf(self, alive), self.member)
  giveBack(self, give)
  const insert = self.db.sql('insert into leases (team, resource, member) values (?, ?, ?)')
  for (const resource of take) insert.run(self.group, resource, self.member)
}

function lookAt({ db, group, member, identity }: Self, nowMs: number): { alive: MemberRow[]; lost: MemberRow[] } {
  const rows = db
    .sql('select member, wants, host, pid, started, heartbeat_ms from members where team = ? order by member')
    .all(group)
  const alive: MemberRow[] = []
  const lost: MemberRow[] = []
  for (const row of rows) {
    const wants: unknown = JSON.parse(String(row['wants']))
    const one: MemberRow = {
      member: String(row['member']),
      wants: new Set(Array.isArray(wants) ? wants.map(String) : []),
      host: String(row['host']),
      pid: Number(row['pid']),
      started: row['started'] === null ? null : String(row['started']),
      heartbeatMs: Number(row['heartbeat_ms']),
    }
    const silent = nowMs - one.heartbeatMs > LEASE_MS
    const gone = silent || (one.member !== member && isGone(one, identity.host))
    ;(gone ? lost : alive).push(one)
  }
  return { alive, lost }
}

function viewOf({ db, group }: Self, alive: readonly MemberRow[]): GroupView {
  const living = new Set(alive.map(({ member }) => member))
  const rows = db.sql('select resource, member from leases where team = ? order by resource').all(group)
  const leases = rows
    .map((row) => [String(row['resource']), String(row['member'])] as const)
    .filter(([, holder]) => living.has(holder))
  return { members: alive, leases: new Map(leases) }
}

function signOfLife({ db, group, member, identity, wants }: Self, nowMs: number): void {
  const { host, pid, started } = identity
  db.sql(
    'insert or replace into members (member, team, wants, host, pid, started, heartbeat_ms) values (?, ?, ?, ?, ?, ?, ?)',
  ).run(member, group, JSON.stringify([...wants]), host, pid, started, Math.floor(nowMs))
}

function heldBy({ db, group, member }: Self): ReadonlySet<string> {
  const rows = db.sql('select resource from leases where team = ? and member = ? order by resource').all(group, member)
  return new Set(rows.map((row) => String(row['resource'])))
}

function giveBack({ db, group, member }: Self, resources: readonly string[]): void {
  const remove = db.sql('delete from leases where team = ? and resource = ? and member = ?')
  for (const resource of resources) remove.run(group, resource, member)
}

function forget(db: LogDatabase, member: string): void {
  db.sql('delete from leases where member = ?').run(member)
  db.sql('delete from members where member = ?').run(member)
}
