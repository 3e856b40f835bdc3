import { readCommit } from '../../lake/history.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { Count, Counts, Since } from '../../quality/count-changes.ts'
import type { CommitRequest } from '../../transform/commit-model.ts'
import type { StagedModel } from '../../transform/build.ts'
import { tableStore } from '../../transform/model-inputs.ts'
import { LONG_TABLE_ROWS, changedInput, rowsOf } from '../../transform/stage/changed-rows.ts'
import { visibleRows } from './judged-view.ts'
import type { GateJudgement } from './report/judgement.ts'

const ADDED_VIEW = 'sluice_judged_added'
const REMOVED_VIEW = 'sluice_judged_removed'
/** Commits that moved no rows, such as compactions, that are passed over in search of one that was judged. */
const MAX_QUIET_COMMITS = 20

/** What a gate counted, as the commit of the judged rows keeps it. */
export function gateCounts({ counts }: GateJudgement): Pick<CommitRequest, 'gateCounts'> {
  if (counts.size === 0) return {}
  const text = JSON.stringify(
    Object.fromEntries([...counts].map(([key, { considered, offending }]) => [key, [considered, offending]])),
  )
  return { gateCounts: text }
}

/**
 * What was counted of a long table when it was judged last, and by which rows the staged result differs. Null where
 * the whole is to be counted: the table is short, or its last commit that moved rows tells no counts.
 */
export async function countsSince(
  lake: ObjectStore,
  { node, target, changes, files, fields, removes }: StagedModel,
): Promise<Since | null> {
  if (target === null || changes === null) return null
  const before = rowsOf(target.files.values())
  const gone = rowsOf(removes)
  if (before === null || gone === null || before < LONG_TABLE_ROWS) return null
  const counts = await readCounts(tableStore(lake, node.model), target)
  if (counts === null) return null
  return {
    counts,
    rows: { before, after: before - gone + (rowsOf(files) ?? Number.NaN) },
    inputs: [changedInput(ADDED_VIEW, fields, changes.added), changedInput(REMOVED_VIEW, fields, changes.removed)],
    added: ADDED_VIEW,
    removed: REMOVED_VIEW,
    visible: (view) => visibleRows(view, fields),
    key: node.model.key,
  }
}

async function readCounts(store: ObjectStore, { version }: Snapshot): Promise<Counts | null> {
  for (let at = version; at >= 0 && at > version - MAX_QUIET_COMMITS; at -= 1) {
    const commit = await readCommit(store, at)
    const text = commit?.parameters['gateCounts']
    if (typeof text === 'string') return parseCounts(text)
    if (commit === null || commit.movesRows) return null
  }
  return null
}

/** Null for what is not of this form: another program may write to the table too. */
function parseCounts(text: string): Counts | null {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof read !== 'object' || read === null) return null
  const counts = new Map<string, Count>()
  for (const [key, pair] of Object.entries(read as Record<string, unknown>)) {
    if (!Array.isArray(pair) || pair.length !== 2) return null
    const [considered, offending] = pair as unknown[]
    if (!isCount(considered) || !isCount(offending)) return null
    counts.set(key, { considered, offending })
  }
  return counts
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
