import type { SourceSettings } from '../../domain/settings.ts'
import type { World } from '../../ports/world.ts'
import { judgePart, type PartStatus, type StatusNotes } from './part-status.ts'
import { pauseKey } from './pause-note.ts'
import { noteName } from './stop-note.ts'

/** Whose members read a source now. */
export const CONNECT_GROUP = 'connect'
/** Whose members read a source again and again. */
export const UP_SOURCES_GROUP = 'up/sources'

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
  notes: StatusNotes,
): Promise<SourceStatus> {
  const { sequence, entries } = await world.log.sourceState(name)
  const reading = await world.assignment.held(CONNECT_GROUP)
  const caredFor = await world.assignment.held(UP_SOURCES_GROUP)
  const noted = notes.stops.get(noteName({ kind: 'source', name }))?.stops[0] ?? null
  return {
    ...judgePart({
      found: null,
      noted,
      running: reading.has(name) || (noted === null && caredFor.has(name)),
      paused: notes.pauses.get(pauseKey({ kind: 'source', name })) ?? null,
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
