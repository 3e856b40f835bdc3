import type { SourceSettings } from '../domain/settings.ts'
import type { ReadBounds, SourceBatch } from '../ports/source-connector.ts'
import type { ExtractWorld } from './run-source.ts'
import { StagedAppend } from './staged-append.ts'
import type { WireContract } from './wire-contract.ts'

export interface LookAtRange {
  readonly world: ExtractWorld
  readonly source: SourceSettings
  readonly wire: WireContract
  /** Where it begins. */
  readonly from: ReadonlyMap<string, string>
  readonly bounds: ReadBounds
  /** Takes what would be appended, all of it in partition 0, batch by batch. */
  readonly look: (staged: StagedAppend, batch: SourceBatch) => Promise<void>
}

export interface RangeSight {
  readonly rows: number
  /** Rows that the wire schema cannot hold. */
  readonly refused: number
  readonly bytes: number
}

/** Reads and encodes a range as `runSource` would, and appends none of it. Throws what the source throws. */
export async function lookAtRange({ world, source, wire, from, bounds, look }: LookAtRange): Promise<RangeSight> {
  const connector = world.connector(source)
  const { runId, traceId, clock } = world
  let [rows, refused, bytes] = [0, 0, 0]
  try {
    for await (const batch of connector.read(from, bounds)) {
      const staged = new StagedAppend({
        source,
        wire,
        partitions: 1,
        runId,
        traceId,
        batchId: runId,
        nowMs: clock.nowMs(),
      })
      staged.add(batch)
      rows += staged.read
      refused += staged.letters.length
      bytes += staged.bytes
      await look(staged, batch)
    }
  } finally {
    await connector.close()
  }
  return { rows, refused, bytes }
}
