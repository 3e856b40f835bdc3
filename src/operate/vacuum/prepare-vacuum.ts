import { SluiceError } from '../../domain/errors.ts'
import type { RemoveAction } from '../../lake/log/action.ts'
import { storePath, storePaths } from '../../lake/log/file-key.ts'
import { checkWritable } from '../../lake/log/protocol.ts'
import { tombstonesKeptMs } from '../../lake/retention/table-properties.ts'
import { refreshSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { ObjectStat } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { readManifest } from '../gate/staged-manifest.ts'
import { resolveTable, type NamedTable } from '../look/resolve-table.ts'
import { HOUR_MS, LEAST_RETENTION_MS, planVacuum, type VacuumPlan } from './plan-vacuum.ts'
import { removedSince } from './removed-since.ts'

export type LookWorld = Pick<World, 'lake' | 'clock'>

export interface VacuumRequest {
  /** `layer.table`. */
  readonly table: string
  readonly retainMs: number
  /** Takes less than 168 h. */
  readonly allowShort: boolean
}

/** What a vacuum would do, for people to agree to. */
export interface PreparedVacuum {
  readonly table: NamedTable
  /** The longer one of what was asked for and what the table keeps. */
  readonly retentionMs: number
  readonly stored: readonly ObjectStat[]
  readonly plan: VacuumPlan
}

/** Throws TABLE_UNKNOWN, TABLE_UNSUPPORTED (a feature that only its own engines vacuum), RETENTION_TOO_SHORT. */
export async function prepareVacuum(world: LookWorld, request: VacuumRequest): Promise<PreparedVacuum> {
  const named = await resolveTable(world.lake, request.table)
  const { store, text } = named
  const { protocol, metadata } = named.snapshot
  checkWritable(protocol, metadata.action, { uri: store.uri, removesRows: false })
  const retentionMs = retentionOf(request.retainMs, metadata.configuration)
  if (retentionMs < LEAST_RETENTION_MS && !request.allowShort) throw tooShort(text, retentionMs)
  // Before the snapshot: a file that is committed meanwhile is then known to be of the table.
  const stored: ObjectStat[] = []
  for await (const found of store.list('')) stored.push(found)
  const snapshot = await refreshSnapshot(store, named.snapshot)
  if (snapshot === null) throw new SluiceError('TABLE_MISSING', `${text} vanished`, { where: { table: text } })
  const table = { ...named, snapshot }
  return { table, retentionMs, stored, plan: await planFor(world, { table, retentionMs, stored }) }
}

/** The plan as of the table's snapshot. */
export async function planFor(
  { lake, clock }: LookWorld,
  { table, retentionMs, stored }: Omit<PreparedVacuum, 'plan'>,
): Promise<VacuumPlan> {
  const { store, text, snapshot } = table
  const nowMs = clock.nowMs()
  const manifest = await readManifest(lake, text, nowMs)
  return planVacuum({
    nowMs,
    retentionMs,
    live: new Set([...snapshot.files.values()].flatMap((file) => storePaths(file, store.uri))),
    removed: removedAt(snapshot.tombstones.values(), store.uri),
    removedSince: asksLog(snapshot, retentionMs) ? await removedSince(store, nowMs - retentionMs) : new Set(),
    reserved: new Set((manifest?.removes ?? []).map(storePath)),
    partitionColumns: snapshot.metadata.partitionColumns,
    stored,
  })
}

/** The longer one wins: the table's own property binds every engine. */
export function retentionOf(askedMs: number, configuration: Readonly<Record<string, string>>): number {
  return configuration['delta.deletedFileRetentionDuration'] === undefined
    ? askedMs
    : Math.max(askedMs, tombstonesKeptMs(configuration))
}

/** Whether tombstones alone do not tell what versions within the retention held. */
function asksLog({ metadata, tombstones }: Snapshot, retentionMs: number): boolean {
  return (
    retentionMs > tombstonesKeptMs(metadata.configuration) ||
    [...tombstones.values()].some(({ deletionTimestampMs }) => deletionTimestampMs === null)
  )
}

/** Several removes may need one file, as those of a file with one deletion vector after the other: the last one counts. */
function removedAt(removes: Iterable<RemoveAction>, tableUri: string): ReadonlyMap<string, number | null> {
  const removed = new Map<string, number | null>()
  for (const remove of removes) {
    const at = remove.deletionTimestampMs
    for (const path of storePaths(remove, tableUri)) {
      const known = removed.get(path)
      removed.set(path, known === undefined ? at : known === null || at === null ? null : Math.max(known, at))
    }
  }
  return removed
}

function tooShort(table: string, retentionMs: number): SluiceError {
  const hours = (ms: number): string => `${ms / HOUR_MS} h`
  return new SluiceError(
    'RETENTION_TOO_SHORT',
    `${table}: a retention of ${hours(retentionMs)} is less than ${hours(LEAST_RETENTION_MS)}: readers at work on older versions, and time travel to them, would miss files`,
    { where: { table } },
  )
}
