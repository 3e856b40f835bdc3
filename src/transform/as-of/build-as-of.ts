import { SluiceError, classifyError } from '../../domain/errors.ts'
import type { Happening, JobEnd } from '../../domain/events.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import type { JudgeStaged } from '../commit-model.ts'
import { orderModels, selectModels } from '../graph.ts'
import type { ModelNode } from '../graph.ts'
import { tableStore } from '../model-inputs.ts'
import type { ModelOutcome } from '../model-outcome.ts'
import { runModel } from '../run-model.ts'
import type { BuildWorld, MayRead } from '../run-model.ts'
import type { AsOfTime } from './as-of-time.ts'
import { cutByRecord } from './as-of-sql.ts'
import { overlayLake } from './scratch-lake.ts'
import { commitSnapshot } from './commit-snapshot.ts'

export interface AsOfOptions {
  readonly world: BuildWorld & Pick<World, 'storeAt'>
  /** All models of the project, whatever is selected. */
  readonly models: readonly ModelDefinition[]
  /** As `selectModels` reads them; none means all. */
  readonly select: readonly string[]
  readonly asOf: AsOfTime
  readonly dryRun: boolean
  /** Judges each result before a snapshot of it (I10), by the tables of the lake that it is given; without it all pass. */
  readonly judge?: (lake: ObjectStore) => JudgeStaged
  /** Asked of what a model is about to be worked out from. */
  readonly mayRead?: MayRead
}

export interface AsOfOutcome extends ModelOutcome {
  /** `layer.table_snapshot` */
  readonly table: string
}

/**
 * The selected models' tables as of a time in the data, each into one partition of `<table>_snapshot`. The models are
 * worked out again from bronze in a lake of their own, with what they read cut at that time, so that no version of
 * silver or gold need be there any more; then only the snapshots are committed. Other dates stay as they are, and
 * a date that comes out the same commits nothing. A result that its gate blocks has no snapshot, nor has what is made
 * of it; a model that was not selected, but stopped one that was, is among the outcomes.
 */
export async function buildAsOf(options: AsOfOptions): Promise<AsOfOutcome[]> {
  const { world, models, select, asOf } = options
  const bronze = new Map([...world.settings.tables.values()].map(({ table, key }) => [table, key]))
  const nodes = orderModels({ models, bronze }).map((node) => ({ ...node, beforeMicros: asOf.beforeMicros }))
  const chosen = selectModels(nodes, select)
  const taken = new Set(nodes.map(({ name }) => name))
  for (const node of chosen) {
    const table = formatTableName(snapshotTable(node))
    if (!taken.has(table)) continue
    throw new SluiceError('MODEL_INVALID', `${table} is a model, and the snapshots of ${node.name} would go there`, {
      where: { model: table },
      hint: 'Name the model otherwise.',
    })
  }
  if (options.dryRun) return Promise.all(chosen.map((node) => planned(options, node)))
  const scratch = overlayLake(world.lake, world.storeAt(await world.stagingFolder('as-of')))
  const needed = neededFor(nodes, chosen)
  const built = await buildScratch(options, needed, scratch)
  const outcomes = needed.flatMap((node): AsOfOutcome[] => {
    const outcome = built.get(node.name)
    const stops = !chosen.includes(node) && outcome !== undefined && outcome.error !== null
    return stops ? [{ ...outcome, table: formatTableName(snapshotTable(node)) }] : []
  })
  for (const node of chosen) outcomes.push(await snapshotOf({ options, node, built: built.get(node.name)!, scratch }))
  return outcomes
}

export function snapshotTable({ model }: ModelNode): TableName {
  return { layer: model.layer, table: `${model.table}_snapshot` }
}

/** What the chosen are built from, and the facts that give a chosen dimension its unknown member. */
function neededFor(nodes: readonly ModelNode[], chosen: readonly ModelNode[]): readonly ModelNode[] {
  const names = new Set(chosen.map(({ name }) => name))
  const facts = nodes.filter((node) => node.lookups.some(({ dimension }) => names.has(formatTableName(dimension))))
  return selectModels(
    nodes,
    [...chosen, ...facts].map(({ name }) => `+${name}`),
  )
}

async function buildScratch(
  { world, asOf, judge: judgeIn, mayRead }: AsOfOptions,
  nodes: readonly ModelNode[],
  scratch: World['lake'],
): Promise<ReadonlyMap<string, ModelOutcome>> {
  const judge = judgeIn?.(scratch) ?? (async () => ({ kind: 'passed' as const }))
  const outcomes = new Map<string, ModelOutcome>()
  for (const node of nodes) {
    const emit = emitter(world, node, (happening) => happening.type === 'warning')
    outcomes.set(
      node.name,
      await buildNode({
        world,
        node,
        nodes,
        scratch,
        outcomes,
        judge,
        emit,
        ...(mayRead === undefined ? {} : { mayRead }),
      }),
    )
    for (const table of cutByRecord(node)) {
      emit({
        type: 'warning',
        message: `${node.name} reads ${table} beside its changes; as of ${asOf.date} that is cut by the time of its records (_record_ts)`,
        where: { model: node.name, table },
      })
    }
  }
  return outcomes
}

interface NodeTurn {
  readonly world: BuildWorld
  readonly node: ModelNode
  readonly nodes: readonly ModelNode[]
  readonly scratch: World['lake']
  readonly outcomes: ReadonlyMap<string, ModelOutcome>
  readonly judge: JudgeStaged
  readonly mayRead?: MayRead
  readonly emit: (happening: Happening) => void
}

/** What has no snapshot, nor what is made of it. */
const STOPPED: ReadonlySet<ModelOutcome['outcome']> = new Set(['failed', 'blocked', 'skipped'])

async function buildNode(turn: NodeTurn): Promise<ModelOutcome> {
  const { world, node, nodes, scratch, outcomes, judge, mayRead, emit } = turn
  const stopped = node.inputs
    .flatMap((input) => outcomes.get(formatTableName(input)) ?? [])
    .find(({ outcome }) => STOPPED.has(outcome))
  if (stopped !== undefined) return without(node, 'skipped', `${stopped.model} was ${told(stopped)}`)
  if (world.signal.aborted) return without(node, 'skipped', 'the build was asked to end')
  try {
    return await runModel({
      world: { ...world, lake: scratch },
      node,
      nodes,
      fullRefresh: false,
      dryRun: false,
      judge,
      ...(mayRead === undefined ? {} : { mayRead }),
      emit,
    })
  } catch (error) {
    return failed(node, error)
  }
}

interface SnapshotTurn {
  readonly options: AsOfOptions
  readonly node: ModelNode
  readonly built: ModelOutcome
  readonly scratch: World['lake']
}

async function snapshotOf({ options, node, built, scratch }: SnapshotTurn): Promise<AsOfOutcome> {
  const { world, asOf } = options
  const table = snapshotTable(node)
  const name = formatTableName(table)
  if (STOPPED.has(built.outcome)) return { ...built, table: name }
  const emit = emitter(world, node, () => true)
  const startedMs = world.clock.nowMs()
  emit({
    type: 'job.started',
    stage: 'build',
    inputs: node.inputs.map((input) => ({ kind: 'table', name: formatTableName(input) })),
    outputs: [{ kind: 'table', name }],
  })
  const end = (outcome: ModelOutcome): AsOfOutcome => {
    if (outcome.error !== null) {
      emit({ type: 'model.failed', model: name, code: outcome.error.code, message: outcome.error.message })
    }
    const ms = world.clock.nowMs() - startedMs
    const { rows, version } = outcome
    emit({ type: 'model.done', model: name, outcome: outcome.outcome, rows: rows ?? 0, version, ms })
    emit({ type: 'job.ended', stage: 'build', idle: outcome.outcome === 'unchanged', ms, ...endOf(outcome) })
    return { ...outcome, table: name }
  }
  try {
    const store = tableStore(scratch, node.model)
    const source = await openSnapshot(store)
    if (source === null) throw new SluiceError('BUG', `${node.name} was built and is not there`)
    const committed = await commitSnapshot({ world, node, table, asOf, source: { store, snapshot: source }, emit })
    return end({
      ...without(node, committed.kind === 'committed' ? 'built' : 'unchanged', reasonOf(asOf, committed.kind)),
      mode: 'rebuild',
      rows: committed.rows,
      version: committed.version,
      ...(built.gate === undefined ? {} : { gate: built.gate }),
    })
  } catch (error) {
    return end(failed(node, error))
  }
}

async function planned({ world, asOf }: AsOfOptions, node: ModelNode): Promise<AsOfOutcome> {
  const table = snapshotTable(node)
  const target = await openSnapshot(tableStore(world.lake, table))
  return {
    ...without(node, 'planned', `as of ${asOf.date}`),
    mode: 'rebuild',
    version: target?.version ?? null,
    table: formatTableName(table),
  }
}

function reasonOf({ date }: AsOfTime, kind: 'committed' | 'same'): string {
  return kind === 'committed' ? `as of ${date}` : `as of ${date}, and the rows are the same`
}

function emitter(
  world: BuildWorld,
  node: ModelNode,
  wanted: (happening: Happening) => boolean,
): (happening: Happening) => void {
  return (happening) => {
    if (!wanted(happening)) return
    world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: `as-of:${node.name}`, ...happening })
  }
}

function endOf({ error }: ModelOutcome): JobEnd {
  if (error === null) return { outcome: 'completed' }
  return { outcome: 'failed', code: error.code, message: error.message }
}

function told({ outcome }: ModelOutcome): string {
  return outcome === 'failed' ? 'not built: it failed' : outcome
}

function failed(node: ModelNode, error: unknown): ModelOutcome {
  const failure = classifyError(error)
  const where = { model: node.name, ...failure.where }
  return {
    ...without(node, 'failed', failure.message),
    error: new SluiceError(failure.code, failure.message, { where, hint: failure.hint, cause: failure }),
  }
}

function without(node: ModelNode, outcome: ModelOutcome['outcome'], reason: string): ModelOutcome {
  return { model: node.name, outcome, mode: 'nothing', reason, rows: null, version: null, error: null }
}
