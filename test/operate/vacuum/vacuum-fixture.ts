import type { DomainEvent } from '../../../src/domain/events.ts'
import { commitTransaction, type Transaction } from '../../../src/lake/commit.ts'
import type { NewFile } from '../../../src/lake/data-file.ts'
import { openSnapshot, type Snapshot } from '../../../src/lake/snapshot.ts'
import type { PreparedVacuum } from '../../../src/operate/vacuum/prepare-vacuum.ts'
import { prepareVacuum } from '../../../src/operate/vacuum/prepare-vacuum.ts'
import type { VacuumWorld } from '../../../src/operate/vacuum/vacuum-table.ts'
import type { Assignment } from '../../../src/ports/assignment.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { loggedFile, testClock, transaction, type TestClock } from '../../lake/table-steps.ts'

export const HOUR = 3_600_000
export const TABLE = 'silver.things'

export interface VacuumFixture {
  readonly lake: MemoryStore
  readonly clock: TestClock
  readonly world: VacuumWorld
  readonly events: DomainEvent[]
  readonly store: ReturnType<MemoryStore['at']>
  /** Puts a file that no version holds; its bytes are its size. */
  readonly put: (path: string, bytes?: number) => Promise<NewFile>
  readonly commit: (changes: Partial<Transaction>) => Promise<Snapshot>
  readonly snapshot: (version?: number) => Promise<Snapshot>
  readonly prepare: (hours: number) => Promise<PreparedVacuum>
  /** What is stored beside the log, by path. */
  readonly paths: () => string[]
}

/** A table in memory, whose store and commits go by one clock that the test moves. */
export function openVacuumFixture(): VacuumFixture {
  const lake = new MemoryStore()
  const clock = testClock()
  lake.nowMs = () => clock.nowMs()
  const events: DomainEvent[] = []
  const world: VacuumWorld = {
    lake,
    clock,
    events: { emit: (event) => void events.push(event) },
    runId: 'run',
    traceId: 'trace',
    signal: new AbortController().signal,
    assignment: leases(),
  }
  const store = lake.at('silver/things')
  const snapshot = async (version?: number): Promise<Snapshot> =>
    (await openSnapshot(store, version === undefined ? undefined : { version }))!
  return {
    lake,
    clock,
    world,
    events,
    store,
    snapshot,
    async put(path, bytes = 10) {
      await store.put(path, new Uint8Array(bytes))
      return loggedFile(path, { bytes })
    },
    async commit(changes) {
      const before = await openSnapshot(store)
      const outcome = await commitTransaction(transaction(store, before, { clock, ...changes }))
      if (outcome.kind !== 'committed') throw new Error(outcome.reason)
      return snapshot()
    },
    prepare: (hours) => prepareVacuum(world, { table: TABLE, retainMs: hours * HOUR, allowShort: true }),
    paths: () =>
      [...lake.objects.keys()]
        .filter((path) => path.startsWith('silver/things/') && !path.includes('/_delta_log/'))
        .map((path) => path.slice('silver/things/'.length))
        .sort(),
  }
}

/** Leases within one process. */
function leases(): Assignment {
  const held = new Set<string>()
  return {
    async join(_group, resources) {
      const own = new Set<string>()
      return {
        async poll() {
          for (const resource of resources) {
            if (held.has(resource)) continue
            held.add(resource)
            own.add(resource)
          }
          return own
        },
        want: async () => undefined,
        release: async () => undefined,
        tell: async () => undefined,
        leave: async () => {
          for (const resource of own) held.delete(resource)
          own.clear()
        },
      }
    },
    held: async () => held,
    told: async () => null,
  }
}
