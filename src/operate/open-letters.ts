import type { OffsetRange } from '../domain/offset-range.ts'
import { fromLaneRecord } from '../error-lane/lane-record.ts'
import { openingKeys } from '../error-lane/seal.ts'
import { readLetters, type LetterFilter } from '../error-lane/ledger.ts'
import { readPosition } from '../ingest/lane/lane-position.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { World } from '../ports/world.ts'
import type { LandedOffsets } from './landed-offsets.ts'
import type { LogLetter } from './letter-batch.ts'

/** Whether the table holds an offset; the table decides what is healed, never a healing alone. */
export class LandedIndex {
  readonly #ranges = new Map<string, readonly OffsetRange[]>()

  constructor(landed: readonly LandedOffsets[]) {
    for (const each of landed) this.#ranges.set(`${each.topic}/${each.partition}/${each.epoch}`, each.landed)
  }

  has({ topic, partition, epoch, offset }: LogLetter['log']): boolean {
    const ranges = this.#ranges.get(`${topic}/${partition}/${epoch}`) ?? []
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (ranges[middle]!.next <= offset) low = middle + 1
      else high = middle
    }
    return low < ranges.length && ranges[low]!.first <= offset
  }
}

export interface OpenLettersRequest {
  readonly world: Pick<World, 'lake' | 'settings'>
  readonly table: string
  readonly filter: LetterFilter
  readonly snapshot: Snapshot
  readonly landed: LandedIndex
}

/** Letters held at once, and their bytes. */
const CHUNK_LETTERS = 20_000
const CHUNK_BYTES = 32 * 1024 * 1024

/**
 * The letters of stage contract whose record the table does not hold, once each, in bounded chunks. A letter at or
 * after its partition's position is a phantom: its offset will be read again, so it is not open.
 */
export async function* openLetters({
  world,
  table,
  filter,
  snapshot,
  landed,
}: OpenLettersRequest): AsyncIterable<LogLetter[]> {
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
    const position = readPosition(snapshot.txns, at)
    if (position === null || (at.epoch === position.epoch && at.offset >= position.next) || at.epoch > position.epoch)
      continue
    if (landed.has(at)) continue
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
