import type { SkipReason } from '../../domain/dead-letter.ts'
import { SKIPS_FOLDER, laneFolder } from '../../error-lane/lane-path.ts'
import { readSkipFile } from '../../error-lane/ledger.ts'
import { writeSkips } from '../../error-lane/write-skips.ts'
import type { PositionMove } from '../../ingest/lane/lane-position.ts'
import type { World } from '../../ports/world.ts'

/**
 * Skips at or after a position that went back. Those that say what the log holds (control, aborted, compacted) will be
 * true again; those of an operator or of time (reset, expired) pass over records that are now read again, and would
 * stand against their rows (I17: L ∩ S is empty).
 */
const RETRACTED: ReadonlySet<SkipReason> = new Set(['reset', 'expired'])

export interface SkipsBeyond {
  /** Below `_errors`. Named before the commit: a skip that is written while it runs is another operator's. */
  readonly files: readonly string[]
  /** How many of their skips reach past a position. */
  readonly skips: number
}

export async function findSkipsBeyond(
  lake: World['lake'],
  table: string,
  moves: readonly PositionMove[],
): Promise<SkipsBeyond> {
  const store = lake.at('_errors')
  const files: string[] = []
  let skips = 0
  for await (const { path, bytes } of store.list(`${laneFolder({ layer: 'bronze', table })}${SKIPS_FOLDER}/`)) {
    if (!path.endsWith('.json')) continue
    let found = 0
    for await (const skip of readSkipFile(store, path, bytes)) if (cutAt(skip, moves) !== null) found += 1
    if (found > 0) files.push(path)
    skips += found
  }
  return { files, skips }
}

/** After the commit: what is before the position stays, durable before the rest goes. */
export async function retractSkips(
  world: Pick<World, 'lake' | 'clock' | 'runId'>,
  table: string,
  { moves, beyond }: { readonly moves: readonly PositionMove[]; readonly beyond: SkipsBeyond },
): Promise<void> {
  const store = world.lake.at('_errors')
  for (const path of beyond.files) {
    const stat = await store.stat(path)
    if (stat === null) continue
    const kept = []
    for await (const skip of readSkipFile(store, path, stat.bytes)) {
      const next = cutAt(skip, moves)
      if (next === null) kept.push(skip)
      else if (next > skip.first) kept.push({ ...skip, next })
    }
    const newId = (): string => world.clock.newId()
    await writeSkips({ store, layer: 'bronze', table, runId: world.runId, skips: kept, newId })
    await store.delete([path])
  }
}

interface SkipPlace {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  readonly next: bigint
  readonly reason: SkipReason
}

/** The position that a skip reaches past; null where it stays as it is. */
function cutAt({ topic, partition, epoch, next, reason }: SkipPlace, moves: readonly PositionMove[]): bigint | null {
  if (!RETRACTED.has(reason)) return null
  const move = moves.find((each) => each.topic === topic && each.partition === partition && each.to.epoch === epoch)
  return move === undefined || next <= move.to.next ? null : move.to.next
}
