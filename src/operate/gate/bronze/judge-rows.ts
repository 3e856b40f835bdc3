import { labelOf, type Expectation } from '../../../domain/expectation.ts'
import type { Snapshot } from '../../../lake/snapshot.ts'
import type { EngineInput } from '../../../ports/model-engine.ts'
import { decideGate } from '../../../quality/verdict.ts'
import { filesInput, readRange, wholeInput, type OpenInput } from '../../../transform/model-inputs.ts'
import { judgeViews, type GateWorld } from '../judge-staged.ts'
import type { GateJudgement } from '../report/judgement.ts'
import { enginePattern, JUDGED_VIEW, openParents, type JudgedViews } from '../judged-view.ts'
import type { SampleBounds } from '../report/keep-report.ts'
import { acceptedApp } from './accept-rows.ts'

/** Makes a row of bronze the same over time. */
const BRONZE_KEY = ['_topic', '_partition', '_epoch', '_offset']

export interface RowsRequest {
  readonly world: GateWorld
  readonly input: OpenInput
  readonly expectations: readonly Expectation[]
  /** Rows that came with later versions are judged; null: all. */
  readonly after: number | null
  readonly samples: SampleBounds
}

/**
 * Holds the rows that came after a version to the suite, all of the table where the log no longer tells which those
 * are. An expectation that a person let pass up to some version looks at what came after that one.
 */
export async function judgeRows(request: RowsRequest): Promise<GateJudgement> {
  const { expectations, input, after } = request
  const parts: GateJudgement[] = []
  for (const [start, group] of groupByStart(expectations, input.snapshot, after)) {
    const part = await judgeAfter({ ...request, expectations: group, after: start })
    if (part !== null) parts.push(part)
  }
  const findings = parts.flatMap((part) => part.findings)
  const verdict = decideGate(findings)
  const told = parts.filter((part) => part.verdict.outcome === verdict.outcome)
  const reason = told
    .flatMap((part) => part.verdict.reason)
    .filter((each) => each !== '')
    .join('; ')
  return { findings, verdict: { ...verdict, reason }, counts: new Map(), hidden: parts[0]?.hidden ?? null }
}

function groupByStart(
  expectations: readonly Expectation[],
  { txns }: Snapshot,
  after: number | null,
): ReadonlyMap<number | null, readonly Expectation[]> {
  const groups = new Map<number | null, Expectation[]>()
  for (const expectation of expectations) {
    const accepted = txns.get(acceptedApp(expectation))
    const start = accepted === undefined ? after : Math.max(after ?? -1, Number(accepted))
    groups.set(start, [...(groups.get(start) ?? []), expectation])
  }
  return groups
}

/** Null where no rows came. */
async function judgeAfter(request: RowsRequest): Promise<GateJudgement | null> {
  const { world, input, expectations, after, samples } = request
  const rows = await newRows(input, after)
  if (rows === null) return null
  return judgeViews({
    world,
    views: await bronzeViews(request, rows),
    expectations,
    bypass: [],
    inputVersions: [`${input.name}@${after ?? 'start'}-${input.snapshot.version}`],
    samples,
  })
}

/** Whether any row came after the version. */
export async function bringsRows(input: OpenInput, after: number | null): Promise<boolean> {
  return (await newRows(input, after)) !== null
}

async function newRows(input: OpenInput, after: number | null): Promise<EngineInput | null> {
  if (after !== null && after >= input.snapshot.version) return null
  const range = after === null ? null : await readRange(input, after)
  if (range === null || range.tableIdChanged) return wholeInput(JUDGED_VIEW, input)
  if (range.added.length === 0) return null
  return (await filesInput(JUDGED_VIEW, input, range.added)) ?? wholeInput(JUDGED_VIEW, input)
}

async function bronzeViews(
  { world, input, expectations }: Pick<RowsRequest, 'world' | 'input' | 'expectations'>,
  rows: EngineInput,
): Promise<JudgedViews> {
  const { fields } = input.snapshot.metadata
  const views = new Map<string, EngineInput>()
  const self = { name: input.name, fields }
  const parents = await openParents({ lake: world.lake, expectations, inputs: [], self, views })
  return {
    inputs: [rows, ...views.values()],
    table: {
      name: input.table,
      view: JUDGED_VIEW,
      fields,
      key: BRONZE_KEY,
      bornAt: fields.some(({ name }) => name === '_ingest_ts') ? { column: '_ingest_ts' } : null,
      nowMs: world.clock.nowMs(),
      parent: (name) => parents.get(name) ?? null,
      deletions: null,
      pattern: enginePattern,
    },
  }
}

/** Tells one suite from another. */
export function suiteText(expectations: readonly Expectation[]): string {
  return JSON.stringify(
    expectations.map(({ type, kwargs, severity }) => [type, severity, kwargs, labelOf({ type, kwargs })]),
  )
}
