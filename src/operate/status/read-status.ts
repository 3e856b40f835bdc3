import { classifyError, SluiceError } from '../../domain/errors.ts'
import type { World } from '../../ports/world.ts'
import { readCostNote, type CostNote } from '../cost/lake-cost.ts'
import { gateStatuses, type GateStatus } from './gate-status.ts'
import { jobStatuses, type JobStatus } from './job-status.ts'
import { laneStatuses, type LaneStatus, type LaneWorld } from './lane-status.ts'
import { modelStatus, orderedModels, type ModelStatus } from './model-status.ts'
import { sourceStatus, type SourceStatus } from './source-status.ts'
import { readPauseNotes } from './pause-note.ts'
import type { StatusNotes } from './part-status.ts'
import { readStopNotes } from './stop-note.ts'

export interface Status {
  readonly lanes: readonly LaneStatus[]
  readonly sources: readonly SourceStatus[]
  readonly models: readonly ModelStatus[]
  readonly gates: readonly GateStatus[]
  readonly jobs: readonly JobStatus[]
  /** As it was measured last; null where nobody did. */
  readonly cost: CostNote | null
  /** Why the models cannot be read, where they cannot. */
  readonly modelsError: SluiceError | null
}

export async function readStatus(world: LaneWorld & Pick<World, 'clock'>): Promise<Status> {
  const notes: StatusNotes = { stops: await readStopNotes(world.lake), pauses: await readPauseNotes(world.lake) }
  const lanes: LaneStatus[] = []
  for (const table of world.settings.tables.values()) lanes.push(...(await laneStatuses(world, table, notes)))
  const sources: SourceStatus[] = []
  for (const source of world.settings.sources.values()) sources.push(await sourceStatus(world, source, notes))
  const gates = await gateStatuses(world)
  const models: ModelStatus[] = []
  let modelsError: SluiceError | null = null
  try {
    for (const node of orderedModels(world)) models.push(await modelStatus(world, node, { stops: notes.stops, gates }))
  } catch (error) {
    modelsError = classifyError(error)
  }
  const jobs = await jobStatuses(world, notes.pauses)
  const cost = await readCostNote(world.lake)
  return { lanes, sources, models, gates, jobs, cost, modelsError }
}

/** One error that names everything that is stopped; null where nothing is. */
export function stoppedError({ lanes, sources, models }: Status): SluiceError | null {
  const parts = [
    ...lanes.map((lane) => ({ name: laneName(lane), ...lane })),
    ...sources.map((source) => ({ name: `source ${source.source}`, ...source })),
    ...models.map((model) => ({ name: `model ${model.model}`, ...model })),
  ].filter(({ state }) => state === 'stopped')
  const [first] = parts
  if (first === undefined) return null
  const named = parts.map(({ name, stop }) => `${name} (${stop?.code})`)
  return new SluiceError('LANE_STOPPED', `stopped until a person acts: ${named.join(', ')}`, {
    ...(first.stop === null ? {} : { where: first.stop.where }),
    hint: first.nextCommand === null ? (first.stop?.hint ?? '') : `Type: ${first.nextCommand}`,
  })
}

export function laneName({ topic, partition, table }: Pick<LaneStatus, 'topic' | 'partition' | 'table'>): string {
  return `${topic}${partition === null ? '' : `/${partition}`} → ${table}`
}
