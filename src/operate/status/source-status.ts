import type { SourceSettings } from '../../domain/settings.ts'
import type { World } from '../../ports/world.ts'
import { judgePart, type PartStatus } from './part-status.ts'
import { noteName, type StopNote } from './stop-note.ts'

export interface SourceStatus extends PartStatus {
  readonly source: string
  readonly connector: string
  readonly topic: string
  /** Appends so far. */
  readonly sequence: bigint
  /** Entries of its progress: one a file, or a watermark. */
  readonly entries: number
}

/** A source says nothing of itself until it is read: beyond its progress this is what the last pass met. */
export async function sourceStatus(
  world: Pick<World, 'log' | 'assignment'>,
  { name, connector, topic }: SourceSettings,
  notes: ReadonlyMap<string, StopNote>,
): Promise<SourceStatus> {
  const { sequence, entries } = await world.log.sourceState(name)
  const held = await world.assignment.held('connect')
  const noted = notes.get(noteName({ kind: 'source', name }))?.stops[0] ?? null
  return {
    ...judgePart({
      found: null,
      noted,
      running: held.has(name),
      lastCommitMs: null,
      catchUp: noted === null ? null : `sluice connect ${name}`,
    }),
    source: name,
    connector,
    topic,
    sequence,
    entries: entries.size,
  }
}
