import type { TableName } from '../domain/identifier.ts'
import { normalizeRanges, type OffsetRange } from '../domain/offset-range.ts'
import { readSkips } from '../error-lane/ledger.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { LandedOffsets } from './landed-offsets.ts'

/** A record's place in the log. */
export interface OffsetPlace {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  readonly offset: bigint
}

export interface IndexedRanges extends Omit<OffsetPlace, 'offset'> {
  /** Normalized. */
  readonly ranges: readonly OffsetRange[]
}

/** Whether offsets of a lane are among some that were read before. */
export class OffsetIndex {
  readonly #ranges = new Map<string, readonly OffsetRange[]>()

  constructor(indexed: readonly IndexedRanges[]) {
    for (const each of indexed) this.#ranges.set(placeKey(each), each.ranges)
  }

  has(place: OffsetPlace): boolean {
    const ranges = this.#ranges.get(placeKey(place)) ?? []
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (ranges[middle]!.next <= place.offset) low = middle + 1
      else high = middle
    }
    return low < ranges.length && ranges[low]!.first <= place.offset
  }
}

/** The table decides what is healed, never a healing alone. */
export function indexLanded(landed: readonly LandedOffsets[]): OffsetIndex {
  return new OffsetIndex(landed.map((each) => ({ ...each, ranges: each.landed })))
}

/**
 * Offsets that a skip of a table passes over, whatever its reason. A letter there is not open: its row would
 * stand against the skip (I17: L ∩ S is empty). `store` is rooted at `_errors`. Read it after the snapshot that it is
 * asked beside: a skip below a position is durable before the position.
 */
export async function indexSkips(store: ObjectStore, table: TableName): Promise<OffsetIndex> {
  const skipped = new Map<string, Omit<OffsetPlace, 'offset'> & { readonly ranges: OffsetRange[] }>()
  for await (const { topic, partition, epoch, first, next } of readSkips(store, table)) {
    const key = placeKey({ topic, partition, epoch })
    const entry = skipped.get(key) ?? { topic, partition, epoch, ranges: [] }
    skipped.set(key, entry)
    entry.ranges.push({ first, next })
  }
  return new OffsetIndex([...skipped.values()].map((each) => ({ ...each, ranges: normalizeRanges(each.ranges) })))
}

function placeKey({ topic, partition, epoch }: Omit<OffsetPlace, 'offset'>): string {
  return `${topic}/${partition}/${epoch}`
}
