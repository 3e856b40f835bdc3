import type { Healing } from '../../domain/dead-letter.ts'
import type { Emit } from '../../domain/events.ts'
import { intersectRanges } from '../../domain/offset-range.ts'
import { readLetters } from '../../error-lane/ledger.ts'
import { writeHealings } from '../../error-lane/write-healings.ts'
import type { World } from '../../ports/world.ts'
import type { PartitionReplay } from './plan-replay.ts'
import type { ReadRange } from './read-range.ts'

export interface ReplayedRange {
  readonly range: PartitionReplay
  readonly found: ReadRange
}

export interface HealRequest {
  /** The bronze table. */
  readonly table: string
  /** The one that the commit will make. */
  readonly version: number
  readonly reads: readonly ReplayedRange[]
  readonly emit: Emit
}

/** Heals the letters whose records pass now: durable before the commit that lands them, as a redrive does. Returns how many. */
export async function healReplayed(
  world: Pick<World, 'lake' | 'clock' | 'runId'>,
  { table, version, reads, emit }: HealRequest,
): Promise<number> {
  const store = world.lake.at('_errors')
  const lane = { layer: 'bronze', table } as const
  const atMs = world.clock.nowMs()
  const healings = new Map<string, Healing>()
  for (const { range, found } of reads) {
    const { topic, partition, epoch, first, next } = range
    const within = { topic, partition, epoch, stage: 'contract', firstOffset: first, nextOffset: next } as const
    for await (const { row_id, offset } of readLetters(store, lane, within)) {
      const at = BigInt(offset ?? '0')
      if (intersectRanges(found.landed, [{ first: at, next: at + 1n }]).length > 0)
        healings.set(row_id, { rowId: row_id, table: `bronze.${table}`, version, atMs })
    }
  }
  const newId = (): string => world.clock.newId()
  const written = await writeHealings({ store, ...lane, runId: world.runId, healings: [...healings.values()], newId })
  if (written !== null) emit({ type: 'healings.written', table, healings: written.healings, path: written.path })
  return healings.size
}
