import { readProposals } from '../settings/read-proposals.ts'
import { seedRegistry } from '../contract/registration/seed-registry.ts'
import { SluiceError } from '../domain/errors.ts'
import { parseTableName } from '../domain/identifier.ts'
import type { SourceSettings } from '../domain/settings.ts'
import type { SourceOutcome } from '../extract/run-source.ts'
import { withHeartbeat } from '../ingest/lane/heartbeat.ts'
import { runIngest, type TableReport } from '../ingest/run-ingest.ts'
import { openSnapshot } from '../lake/snapshot.ts'
import { judgeLanded } from '../operate/gate/bronze/judge-landed.ts'
import type { GateReport } from '../operate/gate/report/gate-report.ts'
import { expireGateLetters, expireLetters } from '../operate/expire-letters.ts'
import { readPauseNotes, type PausablePart } from '../operate/status/pause-note.ts'
import { noteStops } from '../operate/status/stop-note.ts'
import { selectTables } from '../operate/verify.ts'
import type { World } from '../ports/world.ts'
import { loadModels } from '../settings/model-file.ts'
import type { AsOfTime } from '../transform/as-of/as-of-time.ts'
import type { AsOfOutcome } from '../transform/as-of/build-as-of.ts'
import type { ModelOutcome } from '../transform/build.ts'
import { ensureTopics } from '../extract/ensure-topics.ts'

/** The three stages of a pass, as `connect`, `ingest`, `build`, `run` and `demo` call them; each is loaded with its first use. */

const LEASE_POLL_MS = 200

/** A source's outcome, or that an operator has paused it. */
export interface SourceReport extends Omit<SourceOutcome, 'outcome'> {
  readonly outcome: SourceOutcome['outcome'] | 'paused'
}

export interface LaneReport extends TableReport {
  /** An operator has paused it: nothing was read. */
  readonly paused?: true
  /** What its suite says of the rows that landed; absent where it asks nothing of them. */
  readonly gate?: GateReport
}

/** What the stages need before any of them begins: the registry's subjects and the broker's topics. */
export async function prepareFlow(world: World): Promise<void> {
  await seedContracts(world)
  await ensureTopics(world)
}

/**
 * Sources → topics. A source that another live process reads is waited for, a paused one is left alone; the others go
 * on when one stops.
 */
export async function connectPass(world: World, names: readonly string[]): Promise<SourceReport[]> {
  const selected = selectSources(world, names)
  await prepareFlow(world)
  const paused = await pausedNames(world, 'source', new Set(selected.map(({ name }) => name)))
  const sources = selected.filter(({ name }) => !paused.has(name))
  const { runSource } = await import('../extract/run-source.ts')
  const outcomes: SourceOutcome[] = []
  const left = new Map(sources.map((source) => [source.name, source]))
  const membership = await world.assignment.join('connect', [...left.keys()])
  try {
    while (left.size > 0 && !world.signal.aborted) {
      const held = await membership.poll()
      const mine = [...left.values()].filter((source) => held.has(source.name))
      if (mine.length === 0) await world.clock.sleep(LEASE_POLL_MS, world.signal).catch(() => undefined)
      for (const source of mine) {
        outcomes.push(await withHeartbeat(membership, () => runSource({ source, world })))
        left.delete(source.name)
        await membership.release([source.name])
      }
    }
  } finally {
    await membership.leave()
  }
  await noteStops(
    world,
    outcomes.map((each) => ({
      kind: 'source',
      name: each.source,
      errors: sourceErrors([each]),
      finished: each.outcome === 'caught_up',
    })),
  )
  const idle = { outcome: 'paused', read: 0, appended: 0, refused: 0, error: null } as const
  return [...outcomes, ...[...paused].map((source) => ({ source, ...idle }))]
}

/**
 * Topics → bronze; then what landed is judged, and letters past their retention go. A verdict never fails the pass: it
 * keeps models from the rows. A paused lane is left alone.
 */
export async function ingestPass(world: World, names: readonly string[]): Promise<LaneReport[]> {
  await seedContracts(world)
  const tables = selectTables(world.settings.tables, names)
  const paused = await pausedNames(world, 'lane', new Set(tables.map(({ table }) => `bronze.${table}`)))
  const reports = await runIngest(
    world,
    tables.filter(({ table }) => !paused.has(`bronze.${table}`)),
  )
  await noteStops(
    world,
    reports.map(({ table, errors }) => ({ kind: 'lane', name: table, errors, finished: !world.signal.aborted })),
  )
  const judged: LaneReport[] = []
  for (const report of reports) {
    const gate = world.signal.aborted ? null : await judgeLanded(world, parseTableName(report.table))
    judged.push(gate === null ? report : { ...report, gate })
  }
  for (const { table } of tables) await expireLetters(world, table)
  return [...judged, ...(await Promise.all([...paused].map((table) => pausedReport(world, table))))]
}

/** Of these, the ones that an operator has paused; each is told. */
async function pausedNames(
  { lake, events, runId, traceId }: World,
  kind: PausablePart['kind'],
  names: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const notes = [...(await readPauseNotes(lake)).values()].filter((note) => note.kind === kind && names.has(note.name))
  for (const { name, reason } of notes)
    events.emit({ runId, traceId, jobName: `${kind}:${name}`, type: 'part.paused', kind, name, reason })
  return new Set(notes.map(({ name }) => name))
}

async function pausedReport({ lake }: World, table: string): Promise<LaneReport> {
  const { version } = (await openSnapshot(lake.at(table.replace('.', '/')))) ?? { version: null }
  return { table, read: 0, landed: 0, quarantined: 0, skipped: 0, version, committed: false, errors: [], paused: true }
}

/** The registry learns the subjects that it does not have; what it has is changed by `contract register` alone. */
async function seedContracts({ registry, settings }: World): Promise<void> {
  const folder = settings.paths.schemas
  await seedRegistry(registry, await readProposals({ folder, named: [], cwd: folder }))
}

export interface BuildRequest {
  readonly select: readonly string[]
  readonly fullRefresh: boolean
  readonly dryRun: boolean
  /** Stage and judge, never commit. */
  readonly stageOnly?: boolean
}

/** Bronze → silver and gold. With no models there is nothing to build. */
export async function buildPass(world: World, request: BuildRequest): Promise<ModelOutcome[]> {
  const models = loadModels(world.settings.paths.models)
  if (models.length === 0 && request.select.length === 0) return []
  const [{ dropReleased, openBuildGate }, { buildModels }] = await Promise.all([
    import('../operate/gate/build-gate.ts'),
    import('../transform/build.ts'),
  ])
  const gate = await openBuildGate({ world, models, stageOnly: request.stageOnly === true, dryRun: request.dryRun })
  const outcomes = await buildModels({ models, world, ...request, ...gate })
  if (request.dryRun) return outcomes
  await dropReleased(world, outcomes)
  await expireGateLetters(world, models)
  await noteStops(
    world,
    outcomes.map((each) => ({
      kind: 'model',
      name: each.model,
      errors: modelErrors([each]),
      finished: each.outcome === 'built' || each.outcome === 'unchanged',
    })),
  )
  return outcomes
}

export interface AsOfRequest {
  readonly select: readonly string[]
  readonly asOf: AsOfTime
  readonly dryRun: boolean
}

/** The models' tables as of a time in the data, into their snapshot tables; the tables themselves are left alone. */
export async function asOfPass(world: World, request: AsOfRequest): Promise<AsOfOutcome[]> {
  const models = loadModels(world.settings.paths.models)
  if (models.length === 0 && request.select.length === 0) return []
  const [{ openAsOfGate }, { buildAsOf }] = await Promise.all([
    import('../operate/gate/open-gate.ts'),
    import('../transform/as-of/build-as-of.ts'),
  ])
  return buildAsOf({ models, world, ...request, ...openAsOfGate(world, models) })
}

export function selectSources(world: Pick<World, 'settings'>, names: readonly string[]): SourceSettings[] {
  const { sources } = world.settings
  if (names.length === 0) return [...sources.values()]
  return names.map((name) => {
    const source = sources.get(name)
    if (source !== undefined) return source
    throw new SluiceError(
      'SOURCE_UNKNOWN',
      `there is no source ${JSON.stringify(name)}; there are ${[...sources.keys()].join(', ') || 'none'}`,
      {
        where: { source: name },
      },
    )
  })
}

export function sourceErrors(outcomes: readonly Pick<SourceOutcome, 'error'>[]): SluiceError[] {
  return outcomes.flatMap((outcome) => (outcome.error === undefined || outcome.error === null ? [] : [outcome.error]))
}

export function tableErrors(reports: readonly TableReport[]): SluiceError[] {
  return reports.flatMap((report) => report.errors)
}

export function modelErrors(outcomes: readonly ModelOutcome[]): SluiceError[] {
  return outcomes.flatMap((outcome) => (outcome.error === undefined || outcome.error === null ? [] : [outcome.error]))
}
