import { SluiceError } from '../domain/errors.ts'
import type { Happening } from '../domain/events.ts'
import { formatTableName } from '../domain/identifier.ts'
import { openSnapshot } from '../lake/snapshot.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { World } from '../ports/world.ts'
import { rowsOf } from './stage/changed-rows.ts'
import type { CommittedChange } from './stage/changed-rows.ts'
import { commitModel } from './commit-model.ts'
import type { JudgeStaged } from './commit-model.ts'
import type { ModelNode } from './graph.ts'
import { openInputs, readRange, tableStore } from './model-inputs.ts'
import type { OpenInput, RangeFiles } from './model-inputs.ts'
import type { GateNote, ModelOutcome } from './model-outcome.ts'
import { planChanges, planModel } from './plan.ts'
import { stageWork } from './stage/stage-work.ts'
import type { Bearings, Work } from './stage/stage-work.ts'

export type BuildWorld = Pick<
  World,
  'settings' | 'clock' | 'events' | 'runId' | 'traceId' | 'lake' | 'engine' | 'stagingFolder' | 'signal'
>

export interface RunRequest {
  readonly world: BuildWorld
  readonly node: ModelNode
  /** All models, for what facts share. */
  readonly nodes: readonly ModelNode[]
  readonly fullRefresh: boolean
  readonly dryRun: boolean
  /** Between staging and commit (I10). */
  readonly judge: JudgeStaged
  /** None: all may be read. */
  readonly mayRead?: MayRead
  /** None: all is worked out. */
  readonly stillBlocked?: StillBlocked
  /** What the build changed so far; takes what this model changes, where `isReadNext`. */
  readonly committed?: Map<string, CommittedChange>
  readonly isReadNext?: boolean
  readonly emit: (happening: Happening) => void
}

/** Why rows of these inputs, just as they are open, must not be built on; null where they may. */
export type MayRead = (inputs: readonly OpenInput[]) => Promise<GateNote | null>

/** What a gate said of just this result, which it blocked before and which waits; null where it is to be worked out. */
export type StillBlocked = (
  node: ModelNode,
  target: Snapshot | null,
  inputs: readonly OpenInput[],
) => Promise<GateNote | null>

const MAX_ATTEMPTS = 5

/** Plans, stages, has judged, commits. When another writer was faster, all of it again from what stands now. */
export async function runModel(request: RunRequest): Promise<ModelOutcome> {
  let reason = ''
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const outcome = await tryModel(request)
    if (outcome.kind === 'done') return outcome.outcome
    reason = outcome.reason
  }
  throw new SluiceError(
    'COMMIT_CONTENDED',
    `${request.node.name}: other writers won ${MAX_ATTEMPTS} times: ${reason}`,
    {
      where: { model: request.node.name, table: request.node.name },
    },
  )
}

type Attempt =
  | { readonly kind: 'done'; readonly outcome: ModelOutcome }
  | { readonly kind: 'again'; readonly reason: string }

async function tryModel(request: RunRequest): Promise<Attempt> {
  const { world, node } = request
  const store = tableStore(world.lake, node.model)
  const target = await openSnapshot(store)
  const opened = await openInputs(world.lake, node.inputs)
  if ('missing' in opened) {
    return done(node, target, { outcome: 'skipped', mode: 'nothing', reason: `${opened.missing} has no table yet` })
  }
  const { isReadNext = false } = request
  const at: Bearings = { world, node, emit: request.emit, inputs: opened.inputs, store, target, isReadNext }
  const work = await planWork(at, request)
  request.emit({ type: 'model.planned', model: node.name, mode: work.mode, reason: work.reason })
  if (work.mode === 'nothing') return done(node, target, { outcome: 'unchanged', mode: 'nothing', reason: work.reason })
  if (request.dryRun) return done(node, target, { outcome: 'planned', mode: work.mode, reason: work.reason })
  const refused = (await request.mayRead?.(at.inputs)) ?? null
  if (refused !== null) return done(node, target, refusal(node, refused))
  const waiting = (await request.stillBlocked?.(node, target, at.inputs)) ?? null
  if (waiting !== null) return done(node, target, { ...blocked(node, waiting.reason), mode: 'nothing', gate: waiting })
  const staged = await stageWork(at, work)
  if (staged === null) {
    return done(node, target, {
      outcome: 'unchanged',
      mode: 'increment',
      reason: `${work.reason}, and no fact with it`,
    })
  }
  request.emit({ type: 'model.staged', model: node.name, rows: staged.rows, files: staged.files.length })
  const verdict = await request.judge(staged, at.inputs)
  const gate = verdict.gate === undefined ? {} : { gate: verdict.gate }
  if (verdict.kind === 'held') {
    return done(node, target, { outcome: 'staged', mode: staged.mode, reason: verdict.reason, ...gate })
  }
  if (verdict.kind === 'blocked') {
    return done(node, target, { ...blocked(node, verdict.reason), mode: staged.mode, ...gate })
  }
  const committed = await commitModel({
    ...request,
    ...(verdict.kind !== 'passed' || verdict.gateCounts === undefined ? {} : { gateCounts: verdict.gateCounts }),
    staged,
    store,
    inputs: at.inputs,
  })
  if (committed.kind === 'conflicted') return { kind: 'again', reason: committed.reason }
  if (staged.changes !== null && target !== null && committed.version === target.version + 1) {
    const { version } = committed
    request.committed?.set(node.name, {
      ...staged.changes,
      tableId: target.metadata.id,
      after: target.version,
      version,
    })
  }
  return done(node, target, {
    outcome: staged.isSame ? 'unchanged' : 'built',
    mode: staged.mode,
    reason: staged.isSame ? `${staged.reason}, and the rows are the same` : staged.reason,
    rows: committed.rows,
    version: committed.version,
    ...gate,
  })
}

function blocked({ name }: ModelNode, reason: string): Pick<ModelOutcome, 'outcome' | 'reason' | 'error'> {
  const error = new SluiceError('GATE_BLOCKED', `${name}: ${reason}`, { where: { model: name } })
  return { outcome: 'blocked', reason, error }
}

/** What to do where rows of a bronze table keep models from being built. */
export function bronzeHint(table: string): string {
  return `Look with \`sluice table describe ${table}\`; then \`sluice gate ${table}\`, or with --bypass EXPECTATION --reason TEXT.`
}

function refusal(
  node: ModelNode,
  { reason, table }: GateNote,
): Pick<ModelOutcome, 'outcome' | 'mode' | 'reason' | 'error'> {
  const where = { model: node.name, ...(table === undefined ? {} : { table }) }
  const hint = table === undefined ? {} : { hint: bronzeHint(table) }
  const error = new SluiceError('GATE_BLOCKED', `${node.name}: ${reason}`, { where, ...hint })
  return { outcome: 'blocked', mode: 'nothing', reason, error }
}

async function planWork(
  { node, inputs, target }: Bearings,
  { fullRefresh, committed }: Pick<RunRequest, 'fullRefresh' | 'committed'>,
): Promise<Work> {
  const plan = planModel({
    target,
    definition: node.definition,
    fullRefresh,
    inputs: inputs.map(({ table, snapshot }) => ({ table, tableId: snapshot.metadata.id, version: snapshot.version })),
  })
  if (plan.mode !== 'look') return plan
  const ranges: RangeFiles[] = []
  const changes = []
  for (const { table, after } of plan.ranges) {
    const input = inputs.find(({ name }) => name === formatTableName(table))!
    const range = await readRange(input, after, committed)
    if (range !== null) ranges.push(range)
    changes.push({
      table,
      files:
        range === null
          ? null
          : { added: range.added.length, removed: range.removed.length, tableIdChanged: range.tableIdChanged },
    })
  }
  const decided = planChanges(changes)
  return decided.mode === 'increment' ? { ...decided, ranges: ranges.filter(hasRows) } : decided
}

function hasRows({ added, removed }: RangeFiles): boolean {
  return added.length > 0 || removed.length > 0
}

function done(
  node: ModelNode,
  target: Snapshot | null,
  what: Pick<ModelOutcome, 'outcome' | 'mode' | 'reason'> & Partial<ModelOutcome>,
): Attempt {
  const rows = target === null ? null : rowsOf(target.files.values())
  const version = target?.version ?? null
  return { kind: 'done', outcome: { model: node.name, rows, version, error: null, ...what } }
}
