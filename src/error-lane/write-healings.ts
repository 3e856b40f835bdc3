import type { Healing } from '../domain/dead-letter.ts'
import type { Layer } from '../domain/identifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { isoTime } from './lane-record.ts'
import { healingPath } from './lane-path.ts'

/** A line of `_healed`. */
export interface HealingRecord {
  readonly row_id: string
  readonly table: string
  readonly version: number
  readonly at: string
  readonly run_id: string
}

export interface WriteHealingsRequest {
  /** Rooted at `_errors`. */
  readonly store: ObjectStore
  readonly layer: Layer
  readonly table: string
  readonly runId: string
  readonly healings: readonly Healing[]
  readonly newId: () => string
}

/**
 * Durable when it returns, so that the commit that lands the rows may follow. Null where there are none. A healing
 * whose commit never came names a version that the table does not have, or that does not hold the row: the table
 * decides, a healing alone proves nothing.
 */
export async function writeHealings(request: WriteHealingsRequest): Promise<{ path: string; healings: number } | null> {
  const { store, layer, table, runId, healings, newId } = request
  if (healings.length === 0) return null
  const path = healingPath({ layer, table }, newId())
  const lines = healings.map((healing) => `${JSON.stringify(toHealingRecord(healing, runId))}\n`).join('')
  await store.put(path, Buffer.from(lines, 'utf8'))
  return { path, healings: healings.length }
}

function toHealingRecord({ rowId, table, version, atMs }: Healing, runId: string): HealingRecord {
  return { row_id: rowId, table, version, at: isoTime(atMs), run_id: runId }
}
