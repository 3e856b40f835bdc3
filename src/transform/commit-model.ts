import type { ColumnField } from '../domain/column-batch.ts'
import type { ColumnLineage } from '../domain/dataset.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Happening } from '../domain/events.ts'
import { formatTableName } from '../domain/identifier.ts'
import type { GateNote } from './model-outcome.ts'
import { commitTransaction } from '../lake/commit.ts'
import { addStagedFile } from '../lake/data-file.ts'
import type { NewFile } from '../lake/data-file.ts'
import { keepNotNull } from '../lake/files/not-null.ts'
import { nameFact } from '../lake/name-fact.ts'
import type { AddFile, Snapshot } from '../lake/snapshot.ts'
import type { StagedFile } from '../ports/model-engine.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { World } from '../ports/world.ts'
import type { ChangedRows } from './stage/changed-rows.ts'
import { DEFINITION_APP, inputApp } from './definition.ts'
import type { ModelNode } from './graph.ts'
import { sameFields } from './model-inputs.ts'
import type { OpenInput } from './model-inputs.ts'
import { modelLineage } from './rows/model-lineage.ts'
import { addUnknownMember, dropUnknownMember, unknownFiles } from './unknown-member.ts'

/** A model's result before its commit: what a gate judges. */
export interface StagedModel {
  readonly node: ModelNode
  readonly mode: 'rebuild' | 'increment'
  readonly reason: string
  readonly fields: readonly ColumnField[]
  /** What the result was worked out against; null where there is no table yet. */
  readonly target: Snapshot | null
  readonly files: readonly StagedFile[]
  readonly rows: number
  /** Files of the target that the result takes the place of. */
  readonly removes: readonly AddFile[]
  /** The rows are those of the target: only what it was built from moves. */
  readonly isSame: boolean
  /** The rows that differ from the target's; null where they are not known apart. */
  readonly changes: ChangedRows | null
  /** A lookup: some fact is on the dimension's unknown member. */
  readonly needsUnknown: readonly boolean[]
}

/**
 * `held`: it may be committed, and is kept for a person to do so. `gateCounts`: what the gate counted, for the commit to keep.
 */
export type Verdict =
  | { readonly kind: 'passed'; readonly gate?: GateNote; readonly gateCounts?: string }
  | { readonly kind: 'blocked' | 'held'; readonly reason: string; readonly gate?: GateNote }

/** Between staging and commit (I10). `inputs` are what the result was made from. */
export type JudgeStaged = (staged: StagedModel, inputs: readonly OpenInput[]) => Promise<Verdict>

/** What a person let pass once, and why: it stands in the commit. */
export interface Bypass {
  readonly expectations: readonly string[]
  readonly reason: string
}

export interface CommitRequest {
  readonly world: Pick<World, 'clock' | 'engine' | 'stagingFolder' | 'settings' | 'lake' | 'runId'>
  readonly node: ModelNode
  readonly nodes: readonly ModelNode[]
  readonly staged: StagedModel
  readonly store: ObjectStore
  readonly inputs: readonly OpenInput[]
  readonly bypass?: Bypass
  /** What the gate counted of the result: stands in the commit. */
  readonly gateCounts?: string
  readonly emit: (happening: Happening) => void
}

export type ModelCommit =
  | { readonly kind: 'committed'; readonly version: number; readonly rows: number | null }
  | { readonly kind: 'conflicted'; readonly reason: string }

/**
 * One commit with the rows, the definition and the versions of all inputs that they were made from, if the table
 * still states those that were read: of two builds of one model, one commits (I3, I11).
 */
export async function commitModel(request: CommitRequest): Promise<ModelCommit> {
  const { world, node, staged, store, emit } = request
  const members = await settleMembers(request)
  if (members.kind === 'conflicted') return members
  const { target } = staged
  const fields = target === null ? staged.fields : keepNotNull(store.uri, target.metadata.fields, staged.fields)
  const partitionColumns = target?.metadata.partitionColumns ?? node.model.partitionBy
  const adds: NewFile[] = []
  for (const file of staged.files) {
    const add = await addStagedFile({
      store,
      staged: file,
      fields,
      partitionColumns,
      newId: () => world.clock.newId(),
    })
    adds.push(add)
    emit({ type: 'data_file.written', table: node.name, path: add.path, rows: file.rows, bytes: add.bytes })
  }
  const txns = new Map([[DEFINITION_APP, node.definition], ...members.versions])
  const metadata = target !== null && !sameFields(target.metadata.fields, fields) ? { metadata: { fields } } : {}
  const outcome = await commitTransaction({
    store,
    snapshot: target,
    ...(target === null ? { create: { fields, partitionColumns, configuration: {}, name: node.model.table } } : {}),
    ...metadata,
    adds,
    removes: staged.removes,
    txns,
    expectTxns: new Map([...txns.keys()].map((app) => [app, target?.txns.get(app) ?? null])),
    // not only the partitions or keys that were worked out: the gate judged the table whole
    reads: 'table',
    dataChange: true,
    operation: {
      name: staged.mode === 'rebuild' ? 'WRITE' : 'MERGE',
      parameters: {
        ...(staged.mode === 'rebuild' ? { mode: 'Overwrite' } : {}),
        model: node.name,
        runId: world.runId,
        reason: staged.reason,
        ...(request.gateCounts === undefined ? {} : { gateCounts: request.gateCounts }),
        ...(request.bypass === undefined
          ? {}
          : { gateBypass: request.bypass.expectations.join(', '), gateBypassReason: request.bypass.reason }),
      },
      metrics: {
        numOutputRows: String(staged.rows),
        numAddedFiles: String(adds.length),
        numRemovedFiles: String(staged.removes.length),
      },
    },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, node.name)),
  })
  if (outcome.kind === 'conflicted') return outcome
  await dropMembers(request)
  tellDatasets(request, { version: outcome.version, adds })
  return { kind: 'committed', version: outcome.version, rows: rowsAfter(staged, adds) }
}

/** For lineage: which versions became which. */
function tellDatasets(
  { node, staged, inputs, emit }: CommitRequest,
  { version, adds }: { readonly version: number; readonly adds: readonly NewFile[] },
): void {
  for (const { name, snapshot } of inputs) {
    emit({
      type: 'dataset.read',
      kind: 'table',
      name,
      version: snapshot.version,
      fields: snapshot.metadata.fields,
    })
  }
  const fieldsOf = new Map(inputs.map(({ name, snapshot }) => [name, snapshot.metadata.fields]))
  emit({
    type: 'dataset.written',
    kind: 'table',
    name: node.name,
    rows: staged.rows,
    bytes: adds.reduce((sum, file) => sum + file.bytes, 0),
    files: adds.length,
    version,
    fields: staged.fields,
    ...lineageOf(node, staged.fields, fieldsOf),
  })
}

/** Nothing rather than a failed build where the text of a SELECT is beyond what lineage reads: the rows are committed. */
function lineageOf(
  { model, lookups }: ModelNode,
  fields: readonly ColumnField[],
  inputs: ReadonlyMap<string, readonly ColumnField[]>,
): { readonly columns?: ColumnLineage } {
  const dimensionKeys = lookups.map((lookup) => lookup.surrogateKey)
  try {
    return { columns: modelLineage({ model, dimensionKeys, fields, inputs }) }
  } catch {
    return {}
  }
}

type Members =
  | { readonly kind: 'settled'; readonly versions: ReadonlyMap<string, bigint> }
  | { readonly kind: 'conflicted'; readonly reason: string }

/** The versions of all inputs; a dimension to which this fact brought the unknown member counts with it. */
async function settleMembers({ world, node, staged, inputs, emit }: CommitRequest): Promise<Members> {
  const versions = new Map(
    inputs.map((input) => [inputApp(input.table, input.snapshot.metadata.id), BigInt(input.snapshot.version)]),
  )
  const settled = new Set<string>()
  for (const [index, lookup] of node.lookups.entries()) {
    const dimension = dimensionOf(inputs, lookup.dimension)
    if (staged.needsUnknown[index] !== true || settled.has(dimension.name)) continue
    settled.add(dimension.name)
    if ((await unknownFiles(world, dimension, lookup.surrogateKey)).length > 0) continue
    const outcome = await addUnknownMember({ world, lookup, dimension, emit })
    if (outcome.kind === 'conflicted') return { kind: 'conflicted', reason: `${dimension.name}: ${outcome.reason}` }
    // a later version would hold what was not read
    if (outcome.version !== dimension.snapshot.version + 1) {
      return { kind: 'conflicted', reason: `${dimension.name} moved on` }
    }
    versions.set(inputApp(dimension.table, dimension.snapshot.metadata.id), BigInt(outcome.version))
  }
  return { kind: 'settled', versions }
}

async function dropMembers({ world, node, nodes, staged, inputs, emit }: CommitRequest): Promise<void> {
  for (const [index, lookup] of node.lookups.entries()) {
    if (staged.needsUnknown[index] === true) continue
    const dimension = dimensionOf(inputs, lookup.dimension)
    await dropUnknownMember({ world, lookup, dimension, emit }, nodes)
  }
}

function dimensionOf(inputs: readonly OpenInput[], table: OpenInput['table']): OpenInput {
  const found = inputs.find((input) => input.name === formatTableName(table))
  if (found === undefined) throw new SluiceError('BUG', `dimension ${formatTableName(table)} is not open`)
  return found
}

/** Null where some file does not say how many it has. */
function rowsAfter({ target, removes }: StagedModel, adds: readonly NewFile[]): number | null {
  let rows = 0
  for (const file of target?.files.values() ?? []) rows += file.rows ?? Number.NaN
  for (const file of removes) rows -= file.rows ?? Number.NaN
  for (const file of adds) rows += file.rows ?? Number.NaN
  return Number.isNaN(rows) ? null : rows
}
