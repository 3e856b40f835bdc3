import { HELD_SHARE_OF_MEMORY } from '../flush-policy.ts'

/** What all lanes of a process hold together, so that the memory limit holds for all of them (I12). */
export class HeldBytes {
  readonly #byLane = new Map<string, number>()

  set(lane: string, bytes: number): void {
    if (bytes === 0) this.#byLane.delete(lane)
    else this.#byLane.set(lane, bytes)
  }

  sight(lane: string): HeldSight {
    let totalBytes = 0
    let largestOtherBytes = 0
    for (const [name, bytes] of this.#byLane) {
      totalBytes += bytes
      if (name !== lane) largestOtherBytes = Math.max(largestOtherBytes, bytes)
    }
    return { ownBytes: this.#byLane.get(lane) ?? 0, totalBytes, largestOtherBytes }
  }
}

export interface HeldSight {
  readonly ownBytes: number
  readonly totalBytes: number
  readonly largestOtherBytes: number
}

/**
 * What a lane does under the limit of all lanes: the one that holds most commits, the others read nothing more until
 * it has. Pure. What may come on top is one fetch a lane.
 */
export function decideShare(
  { ownBytes, totalBytes, largestOtherBytes }: HeldSight,
  memoryLimitBytes: number,
): 'read' | 'flush' | 'wait' {
  if (totalBytes < memoryLimitBytes / HELD_SHARE_OF_MEMORY) return 'read'
  return ownBytes >= largestOtherBytes ? 'flush' : 'wait'
}
