import { SluiceError, classifyError } from '../domain/errors.ts'
import type { Happening, JobEnd } from '../domain/events.ts'
import { formatTableName } from '../domain/identifier.ts'
import type { ModelDefinition } from '../domain/model.ts'
import type { CommittedChange } from './stage/changed-rows.ts'
import type { JudgeStaged } from './commit-model.ts'
import { orderModels, selectModels } from './graph.ts'
import type { ModelNode } from './graph.ts'
import type { ModelOutcome } from './model-outcome.ts'
import { runModel } from './run-model.ts'
import type { BuildWorld, MayRead, StillBlocked } from './run-model.ts'

export type { Bypass, JudgeStaged, StagedModel, Verdict } from './commit-model.ts'
export type { ModelOutcome } from './model-outcome.ts'
export type { BuildWorld } from './run-model.ts'

export interface BuildOptions {
  readonly world: BuildWorld
  /** All models of the project, whatever is selected. */
  readonly models: readonly ModelDefinition[]
  /** As `selectModels` reads them; none means all. */
  readonly select: readonly string[]
  readonly fullRefresh: boolean
  readonly dryRun: boolean
  /** Judges a staged result before its commit (I10); without it everything passes. */
  readonly judge?: JudgeStaged
  /** Asked of what a model is about to be built from. */
  readonly mayRead?: MayRead
  /** Asked before anything is worked out, but where a full refresh is wanted. */
  readonly stillBlocked?: StillBlocked
  /** See `GraphFacts.after`. */
  readonly after?: ReadonlyMap<string, readonly string[]>
}

/**
 * Builds the selected models, each after what it reads. Models downstream of one that failed or was blocked are
 * skipped by name, the others go on. Throws only for what no model can be built with: a model that cannot be read, a
 * circle, a selector that names nothing.
 */
export async function buildModels(options: BuildOptions): Promise<ModelOutcome[]> {
  const { world, models, select } = options
  const bronze = new Map([...world.settings.tables.values()].map(({ table, key }) => [table, key]))
  const nodes = orderModels({ models, bronze, after: options.after ?? new Map() })
  const outcomes = new Map<string, ModelOutcome>()
  const committed = new Map<string, CommittedChange>()
  const selected = selectModels(nodes, select)
  const read = new Set(selected.flatMap(({ inputs }) => inputs.map(formatTableName)))
  for (const node of selected) {
    const emit = (happening: Happening): void =>
      world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: `build:${node.name}`, ...happening })
    const startedMs = world.clock.nowMs()
    const outcome = await buildModel({ options, node, nodes, emit, outcomes, committed, read })
    outcomes.set(node.name, outcome)
    if (outcome.error !== null) {
      emit({ type: 'model.failed', model: node.name, code: outcome.error.code, message: outcome.error.message })
    }
    emit({
      type: 'model.done',
      model: node.name,
      outcome: outcome.outcome,
      rows: outcome.rows ?? 0,
      version: outcome.version,
      ms: world.clock.nowMs() - startedMs,
    })
  }
  return [...outcomes.values()]
}

function isIdle({ outcome, mode }: ModelOutcome): boolean {
  return outcome === 'skipped' || (outcome === 'unchanged' && mode === 'nothing')
}

function endOf({ error }: ModelOutcome): JobEnd {
  if (error === null) return { outcome: 'completed' }
  return { outcome: 'failed', code: error.code, message: error.message }
}

/** What keeps the models downstream from being built. */
const STOPS: ReadonlySet<ModelOutcome['outcome']> = new Set(['failed', 'blocked', 'skipped', 'staged'])

interface ModelTurn {
  readonly options: BuildOptions
  readonly node: ModelNode
  readonly nodes: readonly ModelNode[]
  readonly emit: (happening: Happening) => void
  /** Of the models before it in this build. */
  readonly outcomes: ReadonlyMap<string, ModelOutcome>
  readonly committed: Map<string, CommittedChange>
  /** Tables that models of this build read. */
  readonly read: ReadonlySet<string>
}

async function buildModel(turn: ModelTurn): Promise<ModelOutcome> {
  const { options, node, emit, outcomes } = turn
  const { world, dryRun } = options
  const upstream = upstreamOf(node, outcomes)
  const stopped = upstream.find(({ outcome }) => STOPS.has(outcome))
  if (stopped !== undefined) {
    return without(
      node,
      'skipped',
      stopped.outcome === 'skipped'
        ? `${stopped.model} was skipped`
        : `${stopped.model} ${{ failed: 'failed', staged: 'is staged and not committed' }[stopped.outcome as string] ?? 'was blocked'}`,
    )
  }
  if (world.signal.aborted) return without(node, 'skipped', 'the build was asked to end')
  if (dryRun) return tryBuild(turn)
  const startedMs = world.clock.nowMs()
  emit({
    type: 'job.started',
    stage: 'build',
    inputs: node.inputs.map((input) => ({ kind: 'table', name: formatTableName(input) })),
    outputs: [{ kind: 'table', name: node.name }],
  })
  const outcome = await tryBuild(turn)
  const ms = world.clock.nowMs() - startedMs
  emit({ type: 'job.ended', stage: 'build', idle: isIdle(outcome), ms, ...endOf(outcome) })
  return outcome
}

async function tryBuild({ options, node, nodes, emit, outcomes, committed, read }: ModelTurn): Promise<ModelOutcome> {
  const { world, fullRefresh, dryRun } = options
  const upstream = upstreamOf(node, outcomes)
  try {
    const outcome = await runModel({
      world,
      node,
      nodes,
      fullRefresh,
      dryRun,
      judge: options.judge ?? (async () => ({ kind: 'passed' })),
      ...(options.mayRead === undefined ? {} : { mayRead: options.mayRead }),
      ...(options.stillBlocked === undefined || fullRefresh ? {} : { stillBlocked: options.stillBlocked }),
      emit,
      committed,
      isReadNext: read.has(node.name),
    })
    const planned = upstream.find((each) => each.outcome === 'planned')
    if (planned === undefined || outcome.outcome === 'planned') return outcome
    return { ...outcome, outcome: 'planned', mode: 'increment', reason: `${planned.model} would change` }
  } catch (error) {
    const failure = classifyError(error)
    const where = { model: node.name, ...failure.where }
    return {
      ...without(node, 'failed', failure.message),
      error: new SluiceError(failure.code, failure.message, { where, hint: failure.hint, cause: failure }),
    }
  }
}

function upstreamOf(node: ModelNode, outcomes: ModelTurn['outcomes']): ModelOutcome[] {
  return node.inputs.flatMap((input) => outcomes.get(formatTableName(input)) ?? [])
}

function without(node: ModelNode, outcome: ModelOutcome['outcome'], reason: string): ModelOutcome {
  return { model: node.name, outcome, mode: 'nothing', reason, rows: null, version: null, error: null }
}
