import { classifyError, SluiceError } from '../../domain/errors.ts'
import { formatTableName } from '../../domain/identifier.ts'
import { describeTable } from '../../lake/describe.ts'
import { openSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { orderModels, type ModelNode } from '../../transform/graph.ts'
import { openInputs, readRange, tableStore, type OpenInput } from '../../transform/model-inputs.ts'
import { planChanges, planModel, type InputChanges } from '../../transform/plan.ts'
import { loadModels } from '../../settings/model-file.ts'
import { bronzeHint } from '../../transform/run-model.ts'
import type { GateStatus } from './gate-status.ts'
import { judgePart, type PartStatus } from './part-status.ts'
import { noteName, type Stop, type StopNote } from './stop-note.ts'

export interface ModelStatus extends PartStatus {
  readonly model: string
  readonly kind: string
  readonly version: number | null
  readonly rows: number | null
  /** It is not what its inputs make of it now. */
  readonly behind: boolean
  /** Why, or why not. */
  readonly reason: string
}

export interface ModelFacts {
  readonly stops: ReadonlyMap<string, StopNote>
  readonly gates: readonly GateStatus[]
}

export type ModelWorld = Pick<World, 'settings' | 'lake' | 'assignment'>

/** Whose members run a job again and again. */
export const UP_JOBS_GROUP = 'up/jobs'
export const BUILD_JOB = 'build'

/** All models in their order. Throws where they cannot be read or ordered. */
export function orderedModels({ settings }: Pick<World, 'settings'>): readonly ModelNode[] {
  const bronze = new Map([...settings.tables.values()].map(({ table, key }) => [table, key]))
  return orderModels({ models: loadModels(settings.paths.models), bronze })
}

/** What a build would do, asked of the same plan that it follows. */
export async function modelStatus(
  world: ModelWorld,
  node: ModelNode,
  { stops, gates }: ModelFacts,
): Promise<ModelStatus> {
  const blocks = blockedInputs(node, gates)
  const last = stops.get(noteName({ kind: 'model', name: node.name }))?.stops[0] ?? null
  const noted = last !== null && wasOpened(last, blocks) ? null : last
  const caredFor = (await world.assignment.held(UP_JOBS_GROUP)).has(BUILD_JOB)
  const sight = await look(world, node)
  const about = sight.snapshot === null ? null : describeTable(sight.snapshot)
  return {
    ...judgePart({
      found: sight.found ?? (sight.behind && blocks.length > 0 ? gateError(node, blocks[0]!) : null),
      noted,
      running: caredFor && noted === null,
      lastCommitMs: sight.snapshot?.timestampMs ?? null,
      catchUp: sight.buildable && (sight.behind || noted !== null) ? catchUp(node, noted, gates) : null,
    }),
    model: node.name,
    kind: node.model.kind,
    version: about?.version ?? null,
    rows: about?.rows ?? null,
    behind: sight.behind,
    reason: sight.reason,
  }
}

/** Bronze tables that it reads and that are blocked; rows that came since and nobody judged open nothing by themselves. */
function blockedInputs({ inputs }: ModelNode, gates: readonly GateStatus[]): GateStatus[] {
  const names = new Set(inputs.filter(({ layer }) => layer === 'bronze').map(formatTableName))
  return gates.filter(({ table, outcome }) => names.has(table) && outcome === 'blocked')
}

/** The last build met a block of bronze rows that stands no more. */
function wasOpened({ code, where }: Stop, blocks: readonly GateStatus[]): boolean {
  const { table } = where
  return (
    code === 'GATE_BLOCKED' && table?.startsWith('bronze.') === true && !blocks.some((each) => each.table === table)
  )
}

/** A result that waits is judged again; all else is built. */
function catchUp({ name }: ModelNode, noted: Stop | null, gates: readonly GateStatus[]): string {
  const own = noted?.code === 'GATE_BLOCKED' ? gates.find(({ table }) => table === name) : undefined
  return own?.nextCommand ?? `sluice build ${name}`
}

function gateError(node: ModelNode, { table, reason }: GateStatus): SluiceError {
  return new SluiceError('GATE_BLOCKED', `${node.name}: ${table} was blocked: ${reason}`, {
    where: { model: node.name, table },
    hint: bronzeHint(table),
  })
}

interface Sight {
  readonly snapshot: Snapshot | null
  readonly found: SluiceError | null
  readonly behind: boolean
  readonly reason: string
  /** All that it reads exists. */
  readonly buildable: boolean
}

async function look({ lake }: Pick<World, 'lake'>, node: ModelNode): Promise<Sight> {
  let snapshot: Snapshot | null = null
  try {
    snapshot = await openSnapshot(tableStore(lake, node.model))
    const opened = await openInputs(lake, node.inputs)
    if ('missing' in opened)
      return { snapshot, found: null, behind: true, reason: `${opened.missing} does not exist yet`, buildable: false }
    return { snapshot, found: null, buildable: true, ...(await compare(node, snapshot, opened.inputs)) }
  } catch (error) {
    const found = classifyError(error)
    return { snapshot, found, behind: true, reason: found.message, buildable: true }
  }
}

async function compare(
  { definition }: ModelNode,
  target: Snapshot | null,
  inputs: readonly OpenInput[],
): Promise<Pick<Sight, 'behind' | 'reason'>> {
  const plan = planModel({
    target,
    definition,
    fullRefresh: false,
    inputs: inputs.map(({ table, snapshot }) => ({ table, tableId: snapshot.metadata.id, version: snapshot.version })),
  })
  if (plan.mode !== 'look') return { behind: plan.mode === 'rebuild', reason: plan.reason }
  const changes: InputChanges[] = []
  for (const { table, after } of plan.ranges) {
    const input = inputs.find((each) => each.table.layer === table.layer && each.table.table === table.table)!
    const range = await readRange(input, after)
    const files =
      range === null
        ? null
        : { added: range.added.length, removed: range.removed.length, tableIdChanged: range.tableIdChanged }
    changes.push({ table, files })
  }
  const { mode, reason } = planChanges(changes)
  return { behind: mode !== 'nothing', reason }
}
