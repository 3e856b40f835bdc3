import { SluiceError } from '../../domain/errors.ts'
import type { SourceState } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { clearStops } from '../status/stop-note.ts'

export interface PreparedSourceReset {
  readonly source: string
  readonly state: SourceState
}

/** Throws SOURCE_UNKNOWN. */
export async function prepareSourceReset(
  { settings, log }: Pick<World, 'settings' | 'log'>,
  source: string,
): Promise<PreparedSourceReset> {
  if (!settings.sources.has(source)) {
    throw new SluiceError('SOURCE_UNKNOWN', `there is no source ${source}`, { where: { source } })
  }
  return { source, state: await log.sourceState(source) }
}

/**
 * Forgets what a source has sent, so that the next pass reads it from its beginning. Its topic keeps what it holds: the
 * records come again behind it, and models that take the latest per key end as they were. Compare-and-set (I9): throws
 * COMMIT_CONTENDED where the source moved since it was prepared.
 */
export async function resetSource(
  world: Pick<World, 'log' | 'lake'>,
  { source, state }: PreparedSourceReset,
): Promise<void> {
  const set = new Map([...state.entries.keys()].map((entry) => [entry, null]))
  const outcome = await world.log.append({ batches: [], state: { source, expectedSequence: state.sequence, set } })
  if (outcome.kind === 'conflicted') {
    throw new SluiceError('COMMIT_CONTENDED', `source ${source} was moved by another process`, {
      where: { source },
      hint: `Pause it first: \`sluice pause ${source} --reason TEXT\`.`,
    })
  }
  await clearStops(world, { kind: 'source', name: source })
}
