import type { Expectation } from '../../domain/expectation.ts'
import type { Happening } from '../../domain/events.ts'
import type { TableName } from '../../domain/identifier.ts'
import { formatTableName } from '../../domain/identifier.ts'
import { writeLetters } from '../../error-lane/write-letters.ts'
import type { World } from '../../ports/world.ts'
import type { Since } from '../../quality/count-changes.ts'
import { judgeSuite } from '../../quality/judge-suite.ts'
import { decideGate } from '../../quality/verdict.ts'
import type { StagedModel } from '../../transform/build.ts'
import type { OpenInput } from '../../transform/model-inputs.ts'
import { privateColumns, type PrivateColumns } from '../look/private-columns.ts'
import { countsSince } from './counts-since.ts'
import { expectationsOf, type Suites } from './expectations-of.ts'
import { gateLetters } from './gate-letters.ts'
import { openStagedViews, type JudgedViews } from './judged-view.ts'
import { readGateReport } from './report/gate-report.ts'
import { describeShown, reasonOf, toAssertion, type GateJudgement } from './report/judgement.ts'
import { keepReport, sampleBounds, type SampleBounds } from './report/keep-report.ts'

export type GateWorld = Pick<
  World,
  'settings' | 'clock' | 'events' | 'runId' | 'traceId' | 'lake' | 'engine' | 'registry' | 'stagingFolder'
>

export interface StagedRequest {
  readonly world: GateWorld
  readonly staged: StagedModel
  readonly inputs: readonly OpenInput[]
  readonly suites: Suites
  /** Expectations that a person lets pass. */
  readonly bypass: readonly string[]
}

/**
 * Holds a staged result to its suite, and tells. Rows that block it are kept in the error lane; some of all that break
 * it, warnings too, in the table's report.
 */
export async function judgeStaged({ world, staged, inputs, suites, bypass }: StagedRequest): Promise<GateJudgement> {
  const { node } = staged
  const expectations = expectationsOf(node, suites)
  const nowMs = world.clock.nowMs()
  const before = expectations.length === 0 ? null : await readGateReport(world.lake, node.name)
  const views = await openStagedViews({ lake: world.lake, staged, inputs, expectations, nowMs })
  const since = expectations.length === 0 ? null : await countsSince(world.lake, staged)
  const judgement = await judgeViews({
    world,
    views,
    since,
    expectations,
    bypass,
    inputVersions: inputs.map(({ name, snapshot }) => `${name}@${snapshot.version}`),
    samples: sampleBounds(before, nowMs),
  })
  if (expectations.length > 0) await keepReport({ world, table: node.model, judgement, before, landed: null })
  return judgement
}

export interface ViewsRequest {
  readonly world: GateWorld
  readonly views: JudgedViews
  readonly since?: Since | null
  readonly expectations: readonly Expectation[]
  readonly bypass: readonly string[]
  readonly inputVersions: readonly string[]
  readonly samples: SampleBounds
}

export async function judgeViews(request: ViewsRequest): Promise<GateJudgement> {
  const { world, views, since = null, expectations, bypass, inputVersions, samples } = request
  if (expectations.length === 0) return { verdict: decideGate([]), findings: [], counts: new Map(), hidden: null }
  const { table, inputs } = views
  const engine = await world.engine()
  const { findings, counts } = await judgeSuite({ engine, inputs, table, expectations, samples, since })
  const verdict = decideGate(findings, bypass)
  const hidden = await hiddenColumns(world, table.name)
  // rows of bronze have landed: they stand in the table and in no error lane
  const refused = table.name.layer === 'bronze' ? [] : verdict.blocking
  const letters = gateLetters(refused, {
    table: table.name,
    key: table.key,
    inputVersions,
    hidden,
    runId: world.runId,
    batchId: world.clock.newId(),
    nowMs: table.nowMs,
  })
  const emit = (happening: Happening): void => tell(world, table.name, happening)
  const written = await writeLetters({
    store: world.lake.at('_errors'),
    letters,
    sealKey: null,
    newId: () => world.clock.newId(),
  })
  const name = formatTableName(table.name)
  if (written !== null) emit({ type: 'letters.written', table: name, letters: written.letters, path: written.path })
  emit({
    type: 'gate.judged',
    model: name,
    outcome: verdict.outcome,
    critical: verdict.blocking.length + verdict.bypassed.length,
    warned: verdict.warnings.length,
    quarantined: letters.length,
    assertions: findings.map((finding) => toAssertion(finding, hidden)),
  })
  for (const finding of verdict.warnings) {
    emit({ type: 'warning', message: `${name}: ${describeShown(finding, hidden)}`, where: { table: name } })
  }
  return { verdict: { ...verdict, reason: reasonOf(verdict, hidden) }, findings, counts, hidden }
}

function tell(world: GateWorld, table: TableName, happening: Happening): void {
  const { runId, traceId } = world
  world.events.emit({
    runId,
    traceId,
    jobName: `${table.layer === 'bronze' ? 'gate' : 'build'}:${formatTableName(table)}`,
    ...happening,
  })
}

/** Null where no contract tells what is private: all is then masked. */
async function hiddenColumns(world: GateWorld, table: TableName): Promise<PrivateColumns | null> {
  try {
    return await privateColumns(world, table)
  } catch {
    return null
  }
}
