import { fromLaneRecord } from '../error-lane/lane-record.ts'
import { openingKeys } from '../error-lane/seal.ts'
import { readLetters, type LetterFilter } from '../error-lane/ledger.ts'
import { hasPassed } from '../ingest/lane/lane-position.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { World } from '../ports/world.ts'
import type { LogLetter } from './letter-batch.ts'
import { indexSkips, type OffsetIndex } from './offset-index.ts'

export interface OpenLettersRequest {
  readonly world: Pick<World, 'lake' | 'settings'>
  readonly table: string
  readonly filter: LetterFilter
  readonly snapshot: Snapshot
  readonly landed: OffsetIndex
}

/** Letters held at once, and their bytes. */
const CHUNK_LETTERS = 20_000
const CHUNK_BYTES = 32 * 1024 * 1024

/**
 * The letters of stage contract whose record the table does not hold, once each, in bounded chunks. A letter at or
 * after its partition's position is a phantom: its offset will be read again, so it is not open. Nor is one under a skip:
 * an operator or time passed over its record since.
 */
export async function* openLetters({
  world,
  table,
  filter,
  snapshot,
  landed,
}: OpenLettersRequest): AsyncIterable<LogLetter[]> {
  const skipped = await indexSkips(world.lake.at('_errors'), { layer: 'bronze', table })
  const seen = new Set<string>()
  let chunk: LogLetter[] = []
  let bytes = 0
  for await (const record of readLetters(
    world.lake.at('_errors'),
    { layer: 'bronze', table },
    { ...filter, stage: 'contract' },
  )) {
    if (record.topic === null || seen.has(record.row_id)) continue
    seen.add(record.row_id)
    const at = {
      topic: record.topic,
      partition: record.partition ?? 0,
      epoch: record.epoch ?? 0,
      offset: BigInt(record.offset ?? '0'),
    }
    if (!hasPassed(snapshot.txns, at) || landed.has(at) || skipped.has(at)) continue
    chunk.push({ ...fromLaneRecord(record, openingKeys(world.settings.errors)), log: at })
    bytes += (record.raw?.length ?? 0) + 256
    if (chunk.length >= CHUNK_LETTERS || bytes >= CHUNK_BYTES) {
      yield chunk
      chunk = []
      bytes = 0
    }
  }
  if (chunk.length > 0) yield chunk
}
