import { hasWatermark } from '../../domain/database-source.ts'
import { SluiceError } from '../../domain/errors.ts'
import { formatWatermark, noRange, parseWatermark, WATERMARK_ENTRY, type Watermark } from '../../domain/watermark.ts'
import type { SourceState } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { mirrorName } from '../../extract/publish-watermark.ts'
import { clearStops } from '../status/stop-note.ts'

export interface PreparedSourceReset {
  readonly source: string
  readonly state: SourceState
  /** Where it reads on: behind this row, or, without a key, from the first row of its value; null: the beginning. */
  readonly to: Watermark | null
}

/** Throws SOURCE_UNKNOWN, and SOURCE_NO_RANGE for a `to` where the source has no watermark. */
export async function prepareSourceReset(
  { settings, log }: Pick<World, 'settings' | 'log'>,
  source: string,
  to: Watermark | null,
): Promise<PreparedSourceReset> {
  const declared = settings.sources.get(source)
  if (declared === undefined) {
    throw new SluiceError('SOURCE_UNKNOWN', `there is no source ${source}`, { where: { source } })
  }
  if (to !== null && !hasWatermark(declared)) throw noRange(source)
  return { source, state: await log.sourceState(source), to }
}

/**
 * Forgets what a source has sent, so that the next pass reads it from its beginning, or from the first row of a
 * watermark. Its topic keeps what it holds: the records come again behind it, and models that take the latest per key
 * end as they were. Compare-and-set (I9): throws COMMIT_CONTENDED where the source moved since it was prepared.
 */
export async function resetSource(
  world: Pick<World, 'log' | 'lake'>,
  { source, state, to }: PreparedSourceReset,
): Promise<void> {
  const set = new Map<string, string | null>([...state.entries.keys()].map((entry) => [entry, null]))
  if (to !== null) set.set(WATERMARK_ENTRY, formatWatermark(to))
  const outcome = await world.log.append({ batches: [], state: { source, expectedSequence: state.sequence, set } })
  if (outcome.kind === 'conflicted') {
    throw new SluiceError('COMMIT_CONTENDED', `source ${source} was moved by another process`, {
      where: { source },
      hint: `Pause it first: \`sluice pause ${source} --reason TEXT\`.`,
    })
  }
  await clearStops(world, { kind: 'source', name: source })
}

/** What was published last of a source. Throws SOURCE_UNKNOWN, USAGE where nothing is published, and what the mirror throws. */
export async function mirroredWatermark(
  { settings, watermarkMirror }: Pick<World, 'settings' | 'watermarkMirror'>,
  source: string,
): Promise<Watermark> {
  const declared = settings.sources.get(source)
  if (declared === undefined) {
    throw new SluiceError('SOURCE_UNKNOWN', `there is no source ${source}`, { where: { source } })
  }
  const name = mirrorName(declared)
  const text = name === null || watermarkMirror === null ? null : await watermarkMirror.read(name)
  const watermark = text === null ? null : parseWatermark(text)
  if (watermark !== null) return watermark
  throw new SluiceError('USAGE', `no watermark of source ${source} is published`, {
    where: { source },
    hint: 'It needs `watermark_mirror` and the source’s `watermark_state_key`; else give it with --to.',
  })
}
