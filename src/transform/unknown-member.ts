import { SluiceError } from '../domain/errors.ts'
import { formatTableName } from '../domain/identifier.ts'
import type { Happening } from '../domain/events.ts'
import type { CommitOutcome } from '../domain/outcome.ts'
import { commitTransaction } from '../lake/commit.ts'
import { addStagedFile } from '../lake/data-file.ts'
import { engineInput } from '../lake/engine-input.ts'
import { pruneFiles } from '../lake/files/prune.ts'
import { nameFact } from '../lake/name-fact.ts'
import { openSnapshot } from '../lake/snapshot.ts'
import type { AddFile, Snapshot } from '../lake/snapshot.ts'
import type { World } from '../ports/world.ts'
import type { ModelNode } from './graph.ts'
import { filePaths, tableStore } from './model-inputs.ts'
import type { OpenInput } from './model-inputs.ts'
import type { Lookup } from './rows/lookups.ts'
import { UNKNOWN_MEMBER } from './rows/surrogate-key.ts'
import { TARGET_VIEW, unknownMemberSql } from './stage/stage-sql.ts'

/**
 * The unknown member stands in a dimension exactly while some fact needs it: the fact's build brings it before its
 * own commit, so that no reader ever finds a fact without its member, and takes it away after, when none needs it.
 */

const ADD = 'ADD UNKNOWN MEMBER'
const DROP = 'DROP UNKNOWN MEMBER'

/** Operations in the log of a dimension that bring or take the unknown member, and change nothing else. */
export const UNKNOWN_MEMBER_OPERATIONS: ReadonlySet<string> = new Set([ADD, DROP])

export type MemberWorld = Pick<World, 'clock' | 'engine' | 'stagingFolder' | 'settings' | 'lake'>

export interface MemberRequest {
  readonly world: MemberWorld
  readonly lookup: Lookup
  readonly dimension: OpenInput
  readonly emit: (happening: Happening) => void
}

/** Files that hold the unknown member; none where the table has no such column (yet). */
export async function unknownFiles(
  world: Pick<World, 'engine'>,
  input: Pick<OpenInput, 'store' | 'snapshot'>,
  column: string | null,
): Promise<readonly string[]> {
  if (column === null || !input.snapshot.metadata.fields.some((field) => field.name === column)) return []
  const { store, snapshot } = input
  const { files, metadata } = snapshot
  const near = pruneFiles(files.values(), metadata, [{ column, min: UNKNOWN_MEMBER, max: UNKNOWN_MEMBER }])
  if (near.length === 0) return []
  const engine = await world.engine()
  const [rows] = await engine.ask({
    inputs: [await engineInput({ name: TARGET_VIEW, store, snapshot, files: near })],
    questions: [`select distinct _file as file from ${TARGET_VIEW} where ${column} = '${UNKNOWN_MEMBER}'`],
  })
  return filePaths(rows ?? [])
}

export async function addUnknownMember(request: MemberRequest): Promise<CommitOutcome> {
  const { lookup, dimension } = request
  const { fields } = dimension.snapshot.metadata
  const sql = unknownMemberSql({ model: lookup.model, stored: fields })
  return replaceFiles(request, { sql, reads: false, files: [], name: ADD })
}

/** Takes the unknown member away if no fact of `nodes` is on it. Losing the race to another writer is no matter. */
export async function dropUnknownMember(request: MemberRequest, nodes: readonly ModelNode[]): Promise<void> {
  const { world, lookup, emit } = request
  const store = tableStore(world.lake, lookup.dimension)
  const snapshot = await openSnapshot(store)
  if (snapshot === null) return
  const dimension = { ...request.dimension, snapshot }
  const files = await unknownFiles(world, dimension, lookup.surrogateKey)
  if (files.length === 0 || (await someFactNeeds(world, lookup, nodes))) return
  const columns = snapshot.metadata.fields.map((field) => field.name).join(', ')
  const sql = `select ${columns} from ${TARGET_VIEW} where ${lookup.surrogateKey} is distinct from '${UNKNOWN_MEMBER}'`
  const outcome = await replaceFiles({ world, lookup, dimension, emit }, { sql, reads: true, files, name: DROP })
  if (outcome.kind === 'conflicted') {
    emit({
      type: 'warning',
      message: `the unknown member stays in ${dimension.name}: ${outcome.reason}`,
      where: { table: dimension.name },
    })
  }
}

async function someFactNeeds(world: MemberWorld, lookup: Lookup, nodes: readonly ModelNode[]): Promise<boolean> {
  for (const node of nodes) {
    for (const other of node.lookups) {
      if (formatTableName(other.dimension) !== formatTableName(lookup.dimension)) continue
      const store = tableStore(world.lake, node.model)
      const snapshot = await openSnapshot(store)
      if (snapshot !== null && (await unknownFiles(world, { store, snapshot }, other.as)).length > 0) return true
    }
  }
  return false
}

interface Replacement {
  readonly sql: string
  /** The SQL reads the replaced files, as the view of the target. */
  readonly reads: boolean
  readonly files: readonly string[]
  readonly name: string
}

async function replaceFiles(
  { world, dimension, emit }: MemberRequest,
  { sql, reads, files, name }: Replacement,
): Promise<CommitOutcome> {
  const { store, snapshot } = dimension
  const { fields, partitionColumns } = snapshot.metadata
  const removes = files.map((path) => fileOf(snapshot, path))
  const engine = await world.engine()
  const staged = await engine.stage({
    inputs: reads ? [await engineInput({ name: TARGET_VIEW, store, snapshot, files: removes })] : [],
    steps: [],
    probes: [],
    output: {
      sql,
      fields,
      partitionBy: partitionColumns,
      folder: await world.stagingFolder(`member-${dimension.name}`),
      targetFileBytes: world.settings.performance.partitionSizeBytes,
    },
  })
  const adds = []
  for (const file of staged.files) {
    adds.push(await addStagedFile({ store, staged: file, fields, partitionColumns, newId: () => world.clock.newId() }))
  }
  return commitTransaction({
    store,
    snapshot,
    adds,
    removes,
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'table',
    dataChange: true,
    operation: { name, parameters: {}, metrics: {} },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, dimension.name)),
  })
}

function fileOf(snapshot: Snapshot, path: string): AddFile {
  const file = snapshot.files.get(path)
  if (file === undefined) throw new SluiceError('BUG', `the engine named ${path}, which is no file of the table`)
  return file
}
