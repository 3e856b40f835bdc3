import { SluiceError } from '../../domain/errors.ts'
import { labelOf, type Expectation } from '../../domain/expectation.ts'
import { formatTableName, type TableName } from '../../domain/identifier.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { nameFact } from '../../lake/name-fact.ts'
import { openSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { EngineInput } from '../../ports/model-engine.ts'
import { decideGate } from '../../quality/verdict.ts'
import type { Bypass } from '../../transform/build.ts'
import { inputApp } from '../../transform/definition.ts'
import type { ModelNode } from '../../transform/graph.ts'
import type { GateNote } from '../../transform/model-outcome.ts'
import { filesInput, readRange, tableStore, wholeInput, type OpenInput } from '../../transform/model-inputs.ts'
import { landedExpectations, type Suites } from './expectations-of.ts'
import { judgeViews, type GateJudgement, type GateWorld } from './judge-staged.ts'
import { enginePattern, JUDGED_VIEW, openParents, type JudgedViews } from './judged-view.ts'

/** Makes a row of bronze the same over time. */
const BRONZE_KEY = ['_topic', '_partition', '_epoch', '_offset']

/**
 * Bronze rows are judged once they landed, and before a model reads them: those that came since the version that the
 * model has seen. A critical failure blocks the models that read them, never ingest. What a person let pass stands in
 * the bronze table's own log, up to the version that was looked at.
 */
export class BronzeGate {
  readonly #world: GateWorld
  readonly #suites: Suites
  /** Models that read the same new rows share a judgement. */
  readonly #judged = new Map<string, GateJudgement>()

  constructor(world: GateWorld, suites: Suites) {
    this.#world = world
    this.#suites = suites
  }

  /** Why the model may not read what its bronze tables hold now, or null. */
  async mayRead(node: ModelNode): Promise<GateNote | null> {
    for (const table of node.inputs) {
      const expectations = table.layer === 'bronze' ? landedExpectations(table.table, this.#suites) : []
      if (expectations.length === 0) continue
      const input = await openBronze(this.#world, table)
      if (input === null) continue
      const target = await openSnapshot(tableStore(this.#world.lake, node.model))
      const seen = seenVersion(target, input)
      const { verdict } = await this.judge(input, expectations, seen)
      if (verdict.outcome !== 'blocked') continue
      const reason = `${input.name} was blocked: ${verdict.reason}`
      return { outcome: 'blocked', expectations: expectations.length, reason }
    }
    return null
  }

  /** The rows that came after `seen`; all where it is null, or the log no longer tells. */
  async judge(input: OpenInput, expectations: readonly Expectation[], seen: number | null): Promise<GateJudgement> {
    const parts: GateJudgement[] = []
    for (const [after, group] of groupByStart(expectations, input.snapshot, seen)) {
      const key = JSON.stringify([input.name, after, input.snapshot.version, group.map(labelOf)])
      const known = this.#judged.get(key) ?? (await this.#judgeAfter(input, group, after))
      this.#judged.set(key, known)
      parts.push(known)
    }
    const findings = parts.flatMap((part) => part.findings)
    const verdict = decideGate(findings)
    const reason = parts
      .flatMap((part) => (part.verdict.outcome === verdict.outcome ? part.verdict.reason : []))
      .join('; ')
    return { findings, verdict: { ...verdict, reason }, hidden: parts[0]?.hidden ?? null }
  }

  async #judgeAfter(
    input: OpenInput,
    expectations: readonly Expectation[],
    after: number | null,
  ): Promise<GateJudgement> {
    const nothing: GateJudgement = { verdict: decideGate([]), findings: [], hidden: null }
    const rows = await newRows(input, after)
    if (rows === null) return nothing
    const world = this.#world
    return judgeViews({
      world,
      views: await bronzeViews({ world, input, rows, expectations }),
      expectations,
      bypass: [],
      inputVersions: [`${input.name}@${after ?? 'start'}-${input.snapshot.version}`],
    })
  }
}

export async function openBronze({ lake }: Pick<GateWorld, 'lake'>, table: TableName): Promise<OpenInput | null> {
  const store = tableStore(lake, table)
  const snapshot = await openSnapshot(store)
  return snapshot === null ? null : { table, name: formatTableName(table), store, snapshot }
}

/** The version of a bronze table that a model was last built from. */
export function seenVersion(target: Snapshot | null, { table, snapshot }: OpenInput): number | null {
  const seen = target?.txns.get(inputApp(table, snapshot.metadata.id))
  return seen === undefined ? null : Number(seen)
}

/** Each expectation looks at what came after the model's version, and after the one that a person let pass. */
function groupByStart(
  expectations: readonly Expectation[],
  { txns }: Snapshot,
  seen: number | null,
): ReadonlyMap<number | null, readonly Expectation[]> {
  const groups = new Map<number | null, Expectation[]>()
  for (const expectation of expectations) {
    const accepted = txns.get(acceptedApp(expectation))
    const after = accepted === undefined ? seen : Math.max(seen ?? -1, Number(accepted))
    groups.set(after, [...(groups.get(after) ?? []), expectation])
  }
  return groups
}

/** Null where no rows came. */
async function newRows(input: OpenInput, after: number | null): Promise<EngineInput | null> {
  if (after !== null && after >= input.snapshot.version) return null
  const range = after === null ? null : await readRange(input, after)
  if (range === null || range.tableIdChanged) return wholeInput(JUDGED_VIEW, input)
  if (range.added.length === 0) return null
  return (await filesInput(JUDGED_VIEW, input, range.added)) ?? wholeInput(JUDGED_VIEW, input)
}

interface BronzeViewRequest {
  readonly world: GateWorld
  readonly input: OpenInput
  readonly rows: EngineInput
  readonly expectations: readonly Expectation[]
}

async function bronzeViews({ world, input, rows, expectations }: BronzeViewRequest): Promise<JudgedViews> {
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
      bornAt: fields.some(({ name }) => name === '_ingest_ts') ? 'r._ingest_ts' : null,
      nowMs: world.clock.nowMs(),
      parent: (name) => parents.get(name) ?? null,
      deletions: null,
      pattern: enginePattern,
    },
  }
}

function acceptedApp(expectation: Expectation): string {
  return `sluice-gate/${labelOf(expectation)}`
}

/** Lets pass, once, what the rows up to this version break: an empty commit of the bronze table says so. */
export async function acceptRows(
  world: GateWorld,
  { table, name, store, snapshot }: OpenInput,
  accepted: { readonly expectations: readonly Expectation[]; readonly bypass: Bypass },
): Promise<number> {
  const { expectations, bypass } = accepted
  const txns = new Map(expectations.map((each) => [acceptedApp(each), BigInt(snapshot.version)]))
  const { runId, traceId, events } = world
  const outcome = await commitTransaction({
    store,
    snapshot,
    adds: [],
    removes: [],
    txns,
    expectTxns: new Map([...txns.keys()].map((app) => [app, snapshot.txns.get(app) ?? null])),
    reads: 'nothing',
    dataChange: false,
    operation: {
      name: 'GATE BYPASS',
      parameters: { gateBypass: expectations.map(labelOf).join(', '), gateBypassReason: bypass.reason, runId },
      metrics: {},
    },
    clock: world.clock,
    onEvent: (fact) => events.emit({ runId, traceId, jobName: 'gate', ...nameFact(fact, name) }),
  })
  if (outcome.kind === 'committed') return outcome.version
  throw new SluiceError('COMMIT_CONTENDED', `${formatTableName(table)}: ${outcome.reason}`, { where: { table: name } })
}
