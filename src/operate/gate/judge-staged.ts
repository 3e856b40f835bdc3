import { columnsOf, type Expectation } from '../../domain/expectation.ts'
import type { Happening } from '../../domain/events.ts'
import type { GateAssertion } from '../../domain/gate-result.ts'
import type { TableName } from '../../domain/identifier.ts'
import { formatTableName } from '../../domain/identifier.ts'
import { writeLetters } from '../../error-lane/write-letters.ts'
import type { World } from '../../ports/world.ts'
import { describeFinding, type Finding } from '../../quality/finding.ts'
import { judgeSuite } from '../../quality/judge-suite.ts'
import { decideGate, type GateVerdict } from '../../quality/verdict.ts'
import type { StagedModel } from '../../transform/build.ts'
import type { OpenInput } from '../../transform/model-inputs.ts'
import { privateColumns, type PrivateColumns } from '../look/private-columns.ts'
import { expectationsOf, type Suites } from './expectations-of.ts'
import { gateLetters } from './gate-letters.ts'
import { openStagedViews, type JudgedViews } from './judged-view.ts'

export type GateWorld = Pick<
  World,
  'settings' | 'clock' | 'events' | 'runId' | 'traceId' | 'lake' | 'engine' | 'registry' | 'stagingFolder'
>

/** Rows kept as samples and dead letters, each expectation. */
const MAX_SAMPLES = 20

export interface GateJudgement {
  readonly verdict: GateVerdict
  readonly findings: readonly Finding[]
  readonly hidden: PrivateColumns | null
}

export interface StagedRequest {
  readonly world: GateWorld
  readonly staged: StagedModel
  readonly inputs: readonly OpenInput[]
  readonly suites: Suites
  /** Expectations that a person lets pass. */
  readonly bypass: readonly string[]
}

/** Holds a staged result to its suite, and tells. Rows that block it are kept in the error lane. */
export async function judgeStaged({ world, staged, inputs, suites, bypass }: StagedRequest): Promise<GateJudgement> {
  const expectations = expectationsOf(staged.node, suites)
  const nowMs = world.clock.nowMs()
  const views = await openStagedViews({ lake: world.lake, staged, inputs, expectations, nowMs })
  return judgeViews({
    world,
    views,
    expectations,
    bypass,
    inputVersions: inputs.map(({ name, snapshot }) => `${name}@${snapshot.version}`),
  })
}

export interface ViewsRequest {
  readonly world: GateWorld
  readonly views: JudgedViews
  readonly expectations: readonly Expectation[]
  readonly bypass: readonly string[]
  readonly inputVersions: readonly string[]
}

export async function judgeViews(request: ViewsRequest): Promise<GateJudgement> {
  const { world, views, expectations, bypass, inputVersions } = request
  if (expectations.length === 0) return { verdict: decideGate([]), findings: [], hidden: null }
  const { table, inputs } = views
  const engine = await world.engine()
  const findings = await judgeSuite({ engine, inputs, table, expectations, samples: MAX_SAMPLES })
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
  return { verdict: { ...verdict, reason: reasonOf(verdict, hidden) }, findings, hidden }
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

function reasonOf({ blocking, bypassed, warnings }: GateVerdict, hidden: PrivateColumns | null): string {
  const told = blocking.length > 0 ? blocking : bypassed.length > 0 ? bypassed : warnings
  return told.map((finding) => describeShown(finding, hidden)).join('; ')
}

function describeShown(finding: Finding, hidden: PrivateColumns | null): string {
  return describeFinding({ ...finding, actual: shownActual(finding, hidden) })
}

export function toAssertion(finding: Finding, hidden: PrivateColumns | null): GateAssertion {
  const { expectation, success, offending, expected, impossible } = finding
  const mostly = expectation.kwargs['mostly']
  return {
    expectation: expectation.type,
    column: columnsOf(expectation).join(', ') || null,
    severity: expectation.severity,
    success,
    offending,
    expected: expected ?? (typeof mostly === 'number' ? `${mostly} of all` : null),
    actual: impossible ?? shownActual(finding, hidden),
  }
}

const VALUES = new Set(['expect_column_min_to_be_between', 'expect_column_max_to_be_between'])

/** The least or greatest value is a value of a row. */
function shownActual({ expectation, actual }: Finding, hidden: PrivateColumns | null): string | null {
  if (actual === null || !VALUES.has(expectation.type)) return actual
  const [column = ''] = columnsOf(expectation)
  const plain = column.replaceAll('_', '').toLowerCase()
  return hidden !== null && !hidden.fields.has(plain) ? actual : 'a value (hidden: PII)'
}
