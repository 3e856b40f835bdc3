import { classifyError, SluiceError } from '../../domain/errors.ts'
import { formatTableName } from '../../domain/identifier.ts'
import { findTable } from '../../ingest/lane/lane-table.ts'
import { storePaths } from '../../lake/log/file-key.ts'
import { openSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { listTables } from '../list-tables.ts'
import { fail, ok, warn, type Finding } from './check.ts'

/** Clocks of machines that share a lake may differ by so much. */
const CLOCK_SLACK_MS = 60_000
/** Files that are looked for, a table. */
const MOST_FILES = 5_000

export interface LakeSight {
  readonly tables: number
  readonly problems: readonly SluiceError[]
  /** Of all commits that stand newest in their table. */
  readonly newestCommitMs: number | null
}

export async function lookAtTables(world: Pick<World, 'lake' | 'settings'>): Promise<LakeSight> {
  const problems: SluiceError[] = []
  let newestCommitMs: number | null = null
  const names = await listTables(world.lake)
  for (const name of names) {
    try {
      const store = world.lake.at(`${name.layer}/${name.table}`)
      const snapshot = await openSnapshot(store)
      if (snapshot === null) continue
      newestCommitMs = Math.max(newestCommitMs ?? 0, snapshot.timestampMs)
      const missing = await findMissing(store, snapshot)
      if (missing !== null) problems.push(missing)
    } catch (error) {
      problems.push(classifyError(error))
    }
  }
  const known = new Set(names.map(formatTableName))
  for (const { table } of world.settings.tables.values()) {
    if (known.has(`bronze.${table}`)) continue
    try {
      await findTable(world.lake, table)
    } catch (error) {
      problems.push(classifyError(error))
    }
  }
  return { tables: names.length, problems, newestCommitMs }
}

/** Looks for the newest files only where there are very many. */
async function findMissing(store: ObjectStore, { files }: Snapshot): Promise<SluiceError | null> {
  for (const path of [...files.values()].slice(-MOST_FILES).flatMap((file) => storePaths(file, store.uri))) {
    if ((await store.stat(path)) !== null) continue
    return new SluiceError('TABLE_FILES_MISSING', `${store.uri} declares ${path}, which is not there`, {
      where: { table: store.uri, file: path },
    })
  }
  return null
}

export function judgeTables({ tables, problems }: LakeSight): Finding {
  const [first] = problems
  if (first !== undefined) return fail(problems.map(({ message }) => message).join('; '), first.hint)
  return ok(tables === 0 ? 'no tables yet' : `${tables} tables can be read`)
}

/** A clock that stands behind the lake would give new commits times that lie before old ones. Pure. */
export function judgeClock(nowMs: number, newestCommitMs: number | null): Finding {
  const now = new Date(nowMs).toISOString()
  if (nowMs < Date.UTC(2020, 0)) return fail(`this machine's clock says ${now}`, "Set this machine's clock.")
  if (newestCommitMs === null || newestCommitMs <= nowMs) return ok(now)
  const ahead = `${now}, and the newest commit was ${Math.ceil((newestCommitMs - nowMs) / 1000)} s later`
  const cure = "Set this machine's clock, or wait: times of commits never go back."
  return newestCommitMs <= nowMs + CLOCK_SLACK_MS ? warn(ahead, cure) : fail(ahead, cure)
}
