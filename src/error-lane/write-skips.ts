import type { Skip } from '../domain/dead-letter.ts'
import type { Layer } from '../domain/identifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { skipPath } from './lane-path.ts'

/** A line of `_skips`. */
export interface SkipRecord {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  readonly first: string
  /** Exclusive. */
  readonly next: string
  readonly reason: Skip['reason']
  readonly run_id: string
}

export interface WriteSkipsRequest {
  /** Rooted at `_errors`. */
  readonly store: ObjectStore
  readonly layer: Layer
  readonly table: string
  readonly runId: string
  readonly skips: readonly Skip[]
  readonly newId: () => string
}

/** Durable when it returns, so that the commit that passes the offsets may follow. Null where there are none. */
export async function writeSkips(request: WriteSkipsRequest): Promise<{ path: string; skips: number } | null> {
  const { store, layer, table, runId, skips, newId } = request
  if (skips.length === 0) return null
  const path = skipPath({ layer, table }, newId())
  const lines = skips.map((skip) => `${JSON.stringify(toSkipRecord(skip, runId))}\n`).join('')
  await store.put(path, Buffer.from(lines, 'utf8'))
  return { path, skips: skips.length }
}

function toSkipRecord({ topic, partition, epoch, first, next, reason }: Skip, runId: string): SkipRecord {
  return { topic, partition, epoch, first: first.toString(), next: next.toString(), reason, run_id: runId }
}
