import { SluiceError } from '../domain/errors.ts'
import { normalizeRanges, type OffsetRange } from '../domain/offset-range.ts'
import { engineInput } from '../lake/engine-input.ts'
import type { AddFile, Snapshot } from '../lake/snapshot.ts'
import type { EngineRow, ModelEngine } from '../ports/model-engine.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Offsets that a bronze table's data files hold, read from the files themselves and from nothing that ingest counted. */
export interface LandedOffsets {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  /** Normalized. */
  readonly landed: readonly OffsetRange[]
  /** Offsets that more than one row carries, normalized. */
  readonly doubled: readonly OffsetRange[]
}

const COORDINATES = '_topic, _partition, _epoch'

/** Gaps and islands: offsets that follow each other share `_offset - row_number`, so that a range comes back as one row. */
function islands(source: string): string {
  return `select ${COORDINATES}, min(_offset) as first_offset, max(_offset) as last_offset from (
    select ${COORDINATES}, _offset, _offset - row_number() over (partition by ${COORDINATES} order by _offset) as island from ${source}
  ) numbered group by ${COORDINATES}, island`
}

/** Of all files, or of some. */
export async function readLandedOffsets(
  engine: ModelEngine,
  store: ObjectStore,
  snapshot: Snapshot,
  files: Iterable<AddFile> = snapshot.files.values(),
): Promise<LandedOffsets[]> {
  const input = await engineInput({ name: 'bronze_rows', store, snapshot, files })
  const [landed, doubled] = await engine.ask({
    inputs: [input],
    steps: [
      {
        name: 'counted',
        sql: `select ${COORDINATES}, _offset, count(*) as copies from bronze_rows group by ${COORDINATES}, _offset`,
      },
    ],
    questions: [islands('counted'), islands('(select * from counted where copies > 1) more')],
  })
  const byPartition = new Map<
    string,
    { topic: string; partition: number; epoch: number; landed: OffsetRange[]; doubled: OffsetRange[] }
  >()
  const collect = (rows: readonly EngineRow[] | undefined, into: 'landed' | 'doubled'): void => {
    for (const row of rows ?? []) {
      const at = { topic: textOf(row, '_topic'), partition: Number(row['_partition']), epoch: Number(row['_epoch']) }
      const key = `${at.topic}/${at.partition}/${at.epoch}`
      const entry = byPartition.get(key) ?? { ...at, landed: [], doubled: [] }
      byPartition.set(key, entry)
      entry[into].push({ first: BigInt(textOf(row, 'first_offset')), next: BigInt(textOf(row, 'last_offset')) + 1n })
    }
  }
  collect(landed, 'landed')
  collect(doubled, 'doubled')
  return [...byPartition.values()].map((entry) => ({
    ...entry,
    landed: normalizeRanges(entry.landed),
    doubled: normalizeRanges(entry.doubled),
  }))
}

function textOf(row: EngineRow, column: string): string {
  const value = row[column]
  if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'number') return value.toString()
  throw new SluiceError('BUG', `the engine answered no ${column} for a landed row`)
}
