import { LOG_FOLDER, listLog, readCheckpointHint } from '../../lake/log/log-file.ts'
import type { ObjectStat } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import type { NamedTable } from '../look/resolve-table.ts'
import { SMALL_SHARE } from '../optimize/plan-rewrites.ts'
import { sumFiles, type FileSum } from '../vacuum/plan-vacuum.ts'
import { planFor, retentionOf } from '../vacuum/prepare-vacuum.ts'
import { estimateCost, type CostEstimate, type CostFacts, type Requests } from './estimate-cost.ts'
import { amplification, readWritten, type Amplification } from './written-bytes.ts'

export interface TableCost extends CostFacts {
  /** Of the live files; null where there are none. */
  readonly smallShare: number | null
  readonly amplification: Amplification | null
  /** Of the dead files, those that a vacuum would remove now: the others wait for the end of the retention. */
  readonly removable: FileSum
  readonly estimate: CostEstimate
}

type CostWorld = Pick<World, 'lake' | 'clock' | 'settings'>

/** What a table holds and asks for. Lists its whole folder and reads its log. */
export async function measureTable(world: CostWorld, table: NamedTable): Promise<TableCost> {
  const { store, snapshot } = table
  const { jobs, performance, cost } = world.settings
  const stored: ObjectStat[] = []
  for await (const found of store.list('')) stored.push(found)
  const retentionMs = retentionOf(jobs.vacuum.retainMs, snapshot.metadata.configuration)
  const { goes, waiting, live } = await planFor(world, { table, retentionMs, stored })
  const files = [...snapshot.files.values()]
  const small = sumFiles(files.filter(({ bytes }) => bytes < performance.partitionSizeBytes * SMALL_SHARE))
  const gone = sumFiles(goes)
  const written = await readWritten(store)
  const facts: CostFacts = {
    nowMs: world.clock.nowMs(),
    live,
    small,
    dead: { files: waiting.files + gone.files, bytes: waiting.bytes + gone.bytes },
    log: sumFiles(stored.filter(({ path }) => path.startsWith(LOG_FOLDER))),
    written,
    opening: await openingRequests(table),
  }
  return {
    ...facts,
    smallShare: files.length === 0 ? null : small.files / files.length,
    amplification: amplification(written),
    removable: gone,
    estimate: estimateCost(facts, cost),
  }
}

const PAGE = 1_000

/** The hint, a listing from it on, the checkpoint's parts, and the entries since. */
async function openingRequests({ store }: NamedTable): Promise<Requests> {
  const hint = await readCheckpointHint(store)
  const { entries, checkpoints } = await listLog(store, hint ?? 0)
  const base = checkpoints.at(-1) ?? null
  const since = [...entries.keys()].filter((version) => version > (base?.version ?? -1)).length
  return { reads: 1 + (base?.paths.length ?? 0) + since, lists: Math.max(1, Math.ceil(entries.size / PAGE)) }
}
