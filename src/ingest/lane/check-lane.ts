import type { PartitionPosition } from '../../domain/position.ts'
import type { PartitionDescription } from '../../ports/topic-log.ts'

/** Whether a lane may read on from where its table says it stands (I8, I18). Pure. */

export type LaneCheck =
  | {
      readonly kind: 'go'
      readonly from: bigint
      readonly startSkip: { readonly first: bigint; readonly next: bigint } | null
    }
  /** `held`: what the log under that name has now, or that it has no such partition. */
  | {
      readonly kind: 'source_changed'
      readonly next: bigint
      readonly held: { readonly start: bigint; readonly end: bigint } | null
    }
  | { readonly kind: 'out_of_range'; readonly next: bigint; readonly start: bigint; readonly end: bigint }

export interface LaneSight {
  readonly position: PartitionPosition | null
  readonly source: bigint
  readonly log: PartitionDescription
}

/**
 * A lane without a position begins at the log's start and writes a skip `[0, start)`; one with a position reads on
 * there or stops. It is never moved to where the log happens to begin.
 */
export function checkLane({ position, source, log }: LaneSight): LaneCheck {
  if (position === null) {
    return { kind: 'go', from: log.start, startSkip: log.start > 0n ? { first: 0n, next: log.start } : null }
  }
  if (position.source !== null && position.source !== source) {
    return { kind: 'source_changed', next: position.next, held: { start: log.start, end: log.end } }
  }
  if (position.next < log.start || position.next > log.limit) {
    return { kind: 'out_of_range', next: position.next, start: log.start, end: log.limit }
  }
  return { kind: 'go', from: position.next, startSkip: null }
}
