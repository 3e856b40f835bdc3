import { classifyError } from '../../domain/errors.ts'
import type { World } from '../../ports/world.ts'
import { orderedModels } from '../status/model-status.ts'
import { fail, look, ok, warn, type Check, type Finding } from './check.ts'
import { checkContracts } from './contracts-check.ts'
import { judgeClock, judgeTables, lookAtTables, type LakeSight } from './lake-check.ts'
import { checkRegistry } from './registry-check.ts'
import { checkPutIfAbsent } from './store-check.ts'
import { checkWriters } from './writers-check.ts'

export type DoctorWorld = Pick<
  World,
  'settings' | 'lake' | 'storeAt' | 'log' | 'assignment' | 'registry' | 'connector' | 'clock'
>

/** Looks at everything that a pass would use. Changes nothing but a probe, which it removes. Never throws. */
export async function examine(world: DoctorWorld): Promise<Check[]> {
  let sight: LakeSight = { tables: 0, problems: [], newestCommitMs: null }
  return [
    await look('put-if-absent', () => checkPutIfAbsent(world)),
    await look('broker', () => checkBroker(world)),
    await look('registry', () => checkRegistry(world)),
    await look('contracts', () => checkContracts(world)),
    await look('tables', async () => judgeTables((sight = await lookAtTables(world)))),
    await look('writers', () => checkWriters(world)),
    await look('clock', () => judgeClock(world.clock.nowMs(), sight.newestCommitMs)),
    await look('sources', () => checkSources(world)),
    await look('models', () => checkModels(world)),
  ]
}

/** That topics can be seen and read, and the group looked at: what a broker may allow one by one. */
async function checkBroker({ log, assignment, settings }: DoctorWorld): Promise<Finding> {
  const { broker } = settings
  const where = broker.kind === 'kafka' ? ` at ${broker.brokers.join(', ')}` : ''
  const topics = [...settings.topics.keys()]
  const described = await Promise.all(topics.map((topic) => log.describe(topic)))
  const readable = new Set([...settings.tables.values()].map(({ topic }) => topic))
  for (const topic of described) {
    const first = topic?.partitions[0]
    if (topic === null || first === undefined || !readable.has(topic.topic)) continue
    await log.fetch({ topic: topic.topic, partition: 0, from: first.start, maxBytes: 1, waitMs: 0 })
  }
  await assignment.held('ingest')
  const missing = topics.filter((_, i) => described[i] === null)
  const later = missing.length === 0 ? '' : `; made by the next run: ${missing.join(', ')}`
  return ok(`answers${where}, ${topics.length - missing.length} topics${later}`)
}

async function checkSources({ settings, connector }: DoctorWorld): Promise<Finding> {
  const seen: string[] = []
  const problems = []
  for (const source of settings.sources.values()) {
    try {
      const opened = connector(source)
      try {
        const { objects } = await opened.discover()
        seen.push(`${source.name}: ${objects.length === 0 ? 'nothing to read' : `${objects.length} to read`}`)
      } finally {
        await opened.close()
      }
    } catch (error) {
      problems.push(classifyError(error))
    }
  }
  const [first] = problems
  if (first !== undefined) return fail(problems.map(({ message }) => message).join('; '), first.hint)
  if (seen.length === 0)
    return warn('the settings name no sources', 'Name them under sources, or produce to the topics yourself.')
  return ok(seen.join(', '))
}

function checkModels(world: DoctorWorld): Finding {
  const models = orderedModels(world)
  return ok(models.length === 0 ? `none in ${world.settings.paths.models}` : `${models.length} can be read and ordered`)
}
