import type { ObjectStore } from '../../ports/object-store.ts'
import type { Action } from '../log/action.ts'
import { readCheckpointRows } from './checkpoint-rows.ts'
import { isObject, writeLogJson } from '../log/log-json.ts'
import type { LogJson, LogObject } from '../log/log-json.ts'
import { SIDECARS } from '../log/log-file.ts'
import type { CheckpointFiles } from '../log/log-file.ts'
import { parseEntry, readActions } from '../log/read-action.ts'
import { LogState } from '../log/replay.ts'

/**
 * The state that a checkpoint holds: classic, in several parts, or of the V2 form with sidecars (PROTOCOL,
 * "Checkpoints"). Null where a part or a sidecar is gone; throws where one is damaged.
 */
export async function readCheckpoint(store: ObjectStore, checkpoint: CheckpointFiles): Promise<LogState | null> {
  const state = new LogState()
  for (const path of checkpoint.paths) {
    const actions = await readFileActions(store, path)
    if (actions === null) return null
    state.apply(actions)
    for (const action of actions) {
      if (action.kind !== 'sidecar') continue
      const sidecar = await readFileActions(store, sidecarPath(action.path))
      if (sidecar === null) return null
      state.apply(sidecar)
    }
  }
  return state
}

async function readFileActions(store: ObjectStore, path: string): Promise<Action[] | null> {
  const bytes = await store.read(path)
  if (bytes === null) return null
  const source = `${store.uri}/${path}`
  if (path.endsWith('.json')) return parseEntry(bytes, source)
  const actions: Action[] = []
  for await (const row of readCheckpointRows(bytes, source)) actions.push(...readActions(withStats(row), source))
  return actions
}

function sidecarPath(path: string): string {
  return path.includes('/') ? path : SIDECARS + path
}

/** A checkpoint may state statistics as a struct only (`delta.checkpoint.writeStatsAsJson=false`). */
function withStats(row: LogObject): LogObject {
  const { add } = row
  if (!isObject(add) || typeof add['stats'] === 'string' || !isObject(add['stats_parsed'])) return row
  const parsed = add['stats_parsed']
  const stats = {
    numRecords: parsed['numRecords'] ?? null,
    minValues: jsonValues(parsed['minValues']),
    maxValues: jsonValues(parsed['maxValues']),
    nullCount: jsonValues(parsed['nullCount']),
  }
  return { ...row, add: { ...add, stats: writeLogJson(stats) } }
}

/** Only what has one form in JSON: a bound that is left out prunes nothing. */
function jsonValues(value: LogJson | undefined): LogObject {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => ['number', 'bigint', 'string', 'boolean'].includes(typeof item)),
  )
}
