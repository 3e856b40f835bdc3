import { formatTableName, type TableName } from '../../domain/identifier.ts'
import { readHistory, type HistoryEntry } from '../../lake/history.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { readBypassNotes, type BypassNote } from '../gate/report/bypass-note.ts'

/** The commits of a table, newest first; of those that log clean-up took, what a person let pass at a gate. */
export async function* tableHistory(
  lake: ObjectStore,
  name: TableName,
  store: ObjectStore,
): AsyncGenerator<HistoryEntry, void, void> {
  let oldest = Infinity
  for await (const entry of readHistory(store)) {
    oldest = entry.version
    yield entry
  }
  const notes = await readBypassNotes(lake, formatTableName(name))
  for (const note of notes.toReversed()) if (note.version < oldest) yield entryOf(note)
}

/** What was let pass at the gate of this commit, and why; null where nothing was. */
export function bypassOf({
  parameters,
}: HistoryEntry): { readonly expectations: string; readonly reason: string } | null {
  const { gateBypass, gateBypassReason } = parameters
  if (typeof gateBypass !== 'string') return null
  return { expectations: gateBypass, reason: typeof gateBypassReason === 'string' ? gateBypassReason : '' }
}

function entryOf({ version, at, expectations, reason, run_id: runId }: BypassNote): HistoryEntry {
  return {
    version,
    timestampMs: Date.parse(at),
    operation: null,
    parameters: { gateBypass: expectations.join(', '), gateBypassReason: reason, runId },
    metrics: {},
    engine: null,
    txns: new Map(),
    filesAdded: 0,
    filesRemoved: 0,
    movesRows: false,
  }
}
