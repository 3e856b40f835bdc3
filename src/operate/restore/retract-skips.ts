import type { Skip, SkipReason } from '../../domain/dead-letter.ts'
import { subtractRanges, type OffsetRange } from '../../domain/offset-range.ts'
import type { TopicPartition } from '../../domain/position.ts'
import { SKIPS_FOLDER, laneFolder } from '../../error-lane/lane-path.ts'
import { readSkipFile } from '../../error-lane/ledger.ts'
import { writeSkips } from '../../error-lane/write-skips.ts'
import type { World } from '../../ports/world.ts'

/**
 * Skips over offsets that are read again. Those that say what the log holds (control, aborted, compacted) will be true
 * again; those of an operator or of time (reset, expired) pass over records that are read now, and would stand against
 * their rows (I17: L ∩ S is empty). Over rows that a restore brings back no skip stays: the log may have lost their
 * records since (compacted), the table has not.
 */
const RETRACTED: ReadonlySet<SkipReason> = new Set(['reset', 'expired'])

/** Offsets that are read again, or whose rows stand again. */
export interface ReadAgain extends TopicPartition {
  readonly epoch: number
  readonly first: bigint
  /** Exclusive; null for all that come after `first`. */
  readonly next: bigint | null
  /** Their rows are in the table: no skip may pass over them, whatever its reason. */
  readonly landed?: true
}

export interface StaleSkips {
  /** Below `_errors`. Named before the commit: a skip that is written while it runs is another operator's. */
  readonly files: readonly string[]
  readonly skips: number
}

export async function findStaleSkips(
  lake: World['lake'],
  table: string,
  again: readonly ReadAgain[],
): Promise<StaleSkips> {
  const files: string[] = []
  let skips = 0
  if (again.length === 0) return { files, skips }
  const store = lake.at('_errors')
  for await (const { path, bytes } of store.list(`${laneFolder({ layer: 'bronze', table })}${SKIPS_FOLDER}/`)) {
    if (!path.endsWith('.json')) continue
    let found = 0
    for await (const skip of readSkipFile(store, path, bytes)) if (whatStays(skip, again) !== null) found += 1
    if (found > 0) files.push(path)
    skips += found
  }
  return { files, skips }
}

/** After the commit: what stays true of a file is durable in another before the file goes. */
export async function retractSkips(
  world: Pick<World, 'lake' | 'clock' | 'runId'>,
  table: string,
  { again, stale }: { readonly again: readonly ReadAgain[]; readonly stale: StaleSkips },
): Promise<void> {
  const store = world.lake.at('_errors')
  for (const path of stale.files) {
    const stat = await store.stat(path)
    if (stat === null) continue
    const kept: Skip[] = []
    for await (const skip of readSkipFile(store, path, stat.bytes)) {
      const stays = whatStays(skip, again)
      if (stays === null) kept.push(skip)
      else kept.push(...stays.map((range) => ({ ...skip, ...range })))
    }
    const newId = (): string => world.clock.newId()
    await writeSkips({ store, layer: 'bronze', table, runId: world.runId, skips: kept, newId })
    await store.delete([path])
  }
}

/** What is left of a skip; null where it stays as it is. */
function whatStays(skip: Skip, again: readonly ReadAgain[]): readonly OffsetRange[] | null {
  const cuts = again.flatMap(({ topic, partition, epoch, first, next, landed = false }): OffsetRange[] => {
    if (!landed && !RETRACTED.has(skip.reason)) return []
    const same = topic === skip.topic && partition === skip.partition && epoch === skip.epoch
    const end = next ?? skip.next
    return same && first < skip.next && end > skip.first && first < end ? [{ first, next: end }] : []
  })
  return cuts.length === 0 ? null : subtractRanges([skip], cuts)
}
