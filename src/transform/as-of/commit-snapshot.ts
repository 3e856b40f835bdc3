import type { ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { addStagedFile } from '../../lake/data-file.ts'
import type { NewFile } from '../../lake/data-file.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { keepNotNull } from '../../lake/files/not-null.ts'
import { nameFact } from '../../lake/name-fact.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { AddFile, Snapshot } from '../../lake/snapshot.ts'
import type { StageResult } from '../../ports/model-engine.ts'
import type { World } from '../../ports/world.ts'
import type { ModelNode } from '../graph.ts'
import { sameFields, tableStore, wholeInput } from '../model-inputs.ts'
import type { OpenInput } from '../model-inputs.ts'
import type { AsOfTime } from './as-of-time.ts'

export interface SnapshotRequest {
  readonly world: Pick<World, 'clock' | 'engine' | 'stagingFolder' | 'settings' | 'lake' | 'runId'>
  readonly node: ModelNode
  /** The snapshot table. */
  readonly table: TableName
  readonly asOf: AsOfTime
  /** The model's table as of the time. */
  readonly source: Pick<OpenInput, 'store' | 'snapshot'>
  readonly emit: (happening: Happening) => void
}

export interface SnapshotCommit {
  /** `same`: the partition holds these rows already. */
  readonly kind: 'committed' | 'same'
  readonly version: number
  /** Of the date. */
  readonly rows: number
}

export const AS_OF_DATE: ColumnField = { name: 'as_of_date', type: { kind: 'date' }, nullable: true }
const SOURCE_VIEW = 'sluice_as_of'
const TARGET_VIEW = 'sluice_target'
const MAX_ATTEMPTS = 5

/** Replaces one date's partition. Of two builds of one date one commits first and the other replaces it; dates never meet. */
export async function commitSnapshot(request: SnapshotRequest): Promise<SnapshotCommit> {
  let reason = ''
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const outcome = await tryCommit(request)
    if (outcome.kind !== 'conflicted') return outcome
    reason = outcome.reason
  }
  const table = formatTableName(request.table)
  throw new SluiceError('COMMIT_CONTENDED', `${table}: other writers won ${MAX_ATTEMPTS} times: ${reason}`, {
    where: { table },
  })
}

type Attempt = SnapshotCommit | { readonly kind: 'conflicted'; readonly reason: string }

async function tryCommit(request: SnapshotRequest): Promise<Attempt> {
  const { world, node, table, asOf, emit } = request
  const store = tableStore(world.lake, table)
  const target = await openSnapshot(store)
  const planned = plannedFields(request, target)
  const fields = target === null ? planned : keepNotNull(store.uri, target.metadata.fields, planned)
  const old = [...(target?.files.values() ?? [])].filter((file) => file.partitionValues[AS_OF_DATE.name] === asOf.date)
  const { staged, isSame } = await stage(request, { store, target, fields, old })
  if (isSame && target !== null) return { kind: 'same', version: target.version, rows: staged.rows }
  const partitionColumns = [AS_OF_DATE.name]
  const name = formatTableName(table)
  const adds: NewFile[] = []
  for (const file of staged.files) {
    const newId = (): string => world.clock.newId()
    const add = await addStagedFile({ store, staged: file, fields, partitionColumns, newId })
    adds.push(add)
    emit({ type: 'data_file.written', table: name, path: add.path, rows: file.rows, bytes: add.bytes })
  }
  const app = `sluice/as-of/${asOf.date}`
  const before = target?.txns.get(app) ?? null
  const outcome = await commitTransaction({
    store,
    snapshot: target,
    ...(target === null ? { create: { fields, partitionColumns, configuration: {}, name: table.table } } : {}),
    ...(target !== null && !sameFields(target.metadata.fields, fields) ? { metadata: { fields } } : {}),
    adds,
    removes: old,
    txns: new Map([[app, (before ?? 0n) + 1n]]),
    expectTxns: new Map([[app, before]]),
    reads: 'removed-files',
    dataChange: true,
    operation: {
      name: 'WRITE',
      parameters: {
        mode: 'Overwrite',
        predicate: `${AS_OF_DATE.name} = '${asOf.date}'`,
        model: node.name,
        runId: world.runId,
        before: new Date(Number(asOf.beforeMicros / 1000n)).toISOString(),
      },
      metrics: {
        numOutputRows: String(staged.rows),
        numAddedFiles: String(adds.length),
        numRemovedFiles: String(old.length),
      },
    },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, name)),
  })
  if (outcome.kind === 'conflicted') return outcome
  const { version } = outcome
  emit({ type: 'dataset.written', kind: 'table', name, rows: staged.rows, files: adds.length, version, fields })
  return { kind: 'committed', version, rows: staged.rows }
}

/** The model's columns and the date; columns that only older snapshots have stay, as nulls. */
function plannedFields({ node, table, source }: SnapshotRequest, target: Snapshot | null): readonly ColumnField[] {
  const wanted = source.snapshot.metadata.fields
  if (wanted.some(({ name }) => name.toLowerCase() === AS_OF_DATE.name)) {
    throw new SluiceError('MODEL_INVALID', `${node.name} has a column ${AS_OF_DATE.name}, which its snapshots add`, {
      where: { file: node.model.sqlFile, model: node.name },
      hint: 'Name the column otherwise.',
    })
  }
  if (target === null) return [...wanted, AS_OF_DATE]
  const standing = new Map(target.metadata.fields.map((field) => [field.name, field]))
  for (const field of wanted) {
    const other = standing.get(field.name)
    if (other === undefined || sameFields([field], [other])) continue
    throw new SluiceError(
      'TABLE_TYPE_CONFLICT',
      `column ${field.name} of ${formatTableName(table)} is ${other.type.kind}, and ${node.name} gives ${field.type.kind} now`,
      {
        where: { table: formatTableName(table), key: field.name },
        hint: 'Move the snapshot table away: every date can be built again.',
      },
    )
  }
  return [...target.metadata.fields, ...wanted.filter(({ name }) => !standing.has(name))]
}

interface StageTarget {
  readonly store: OpenInput['store']
  readonly target: Snapshot | null
  readonly fields: readonly ColumnField[]
  readonly old: readonly AddFile[]
}

async function stage(
  { world, table, asOf, source }: SnapshotRequest,
  { store, target, fields, old }: StageTarget,
): Promise<{ readonly staged: StageResult; readonly isSame: boolean }> {
  const own = new Set(source.snapshot.metadata.fields.map(({ name }) => name))
  const columns = fields.filter(({ name }) => name !== AS_OF_DATE.name).map(({ name }) => name)
  const selected = columns.map((name) => (own.has(name) ? name : `null as ${name}`)).join(', ')
  const rows = `select ${selected} from ${SOURCE_VIEW}`
  const inputs = [await wholeInput(SOURCE_VIEW, source)]
  if (target !== null) {
    const input = { name: TARGET_VIEW, store, snapshot: target, files: old }
    // columns that are new have no values in the files that stand
    inputs.push(await engineInput({ ...input, fields }))
  }
  const names = columns.join(', ')
  const sides = `select ${names}, 1 as sluice_side from (${rows}) a union all select ${names}, -1 as sluice_side from ${TARGET_VIEW}`
  const different = `select ${names} from (${sides}) sides group by ${names} having sum(sluice_side) <> 0`
  const engine = await world.engine()
  const staged = await engine.stage({
    inputs,
    steps: [],
    probes: target === null ? [] : [`select count(*) as count from (${different}) d`],
    output: {
      sql: `select ${names}, cast('${asOf.date}' as date) as ${AS_OF_DATE.name} from (${rows}) r`,
      fields,
      partitionBy: [AS_OF_DATE.name],
      folder: await world.stagingFolder(formatTableName(table)),
      targetFileBytes: world.settings.performance.partitionSizeBytes,
    },
  })
  return { staged, isSame: target !== null && Number(staged.probes[0]?.[0]?.['count'] ?? 0) === 0 }
}
