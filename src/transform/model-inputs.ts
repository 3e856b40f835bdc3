import type { ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import { formatTableName } from '../domain/identifier.ts'
import type { TableName } from '../domain/identifier.ts'
import type { ChangedRows, CommittedChanges } from './stage/changed-rows.ts'
import { readChanges } from '../lake/changes.ts'
import { engineInput } from '../lake/engine-input.ts'
import { openSnapshot } from '../lake/snapshot.ts'
import type { AddFile, Snapshot } from '../lake/snapshot.ts'
import type { EngineInput, EngineRow } from '../ports/model-engine.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** A table that a model reads, as one version left it. */
export interface OpenInput {
  readonly table: TableName
  readonly name: string
  readonly store: ObjectStore
  readonly snapshot: Snapshot
}

export function tableStore(lake: ObjectStore, { layer, table }: TableName): ObjectStore {
  return lake.at(`${layer}/${table}`)
}

/** The first that has no table yet is named. */
export async function openInputs(
  lake: ObjectStore,
  tables: readonly TableName[],
): Promise<{ readonly inputs: readonly OpenInput[] } | { readonly missing: string }> {
  const inputs: OpenInput[] = []
  for (const table of tables) {
    const store = tableStore(lake, table)
    const snapshot = await openSnapshot(store)
    if (snapshot === null) return { missing: formatTableName(table) }
    inputs.push({ table, name: formatTableName(table), store, snapshot })
  }
  return { inputs }
}

export function keepsDeleted(snapshot: Snapshot): boolean {
  return snapshot.metadata.fields.some((field) => field.name === '_deleted')
}

export function wholeInput(
  view: string,
  { store, snapshot }: Pick<OpenInput, 'store' | 'snapshot'>,
): Promise<EngineInput> {
  return engineInput({ name: view, store, snapshot })
}

/** The view with its columns and no rows: enough to learn what a SELECT gives. */
export function emptyInput(view: string, { snapshot }: Pick<OpenInput, 'snapshot'>): EngineInput {
  const { fields, partitionColumns } = snapshot.metadata
  return { name: view, fields, partitionColumns, files: [] }
}

/** Null where a file is no longer there: vacuumed, since a later version no longer holds it. */
export async function filesInput(
  view: string,
  input: OpenInput,
  files: readonly AddFile[],
): Promise<EngineInput | null> {
  try {
    return await engineInput({ name: view, store: input.store, snapshot: input.snapshot, files })
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'TABLE_FILES_MISSING') return null
    throw error
  }
}

/** What a range of versions brought and took, by whole files. */
export interface RangeFiles {
  readonly input: OpenInput
  readonly added: readonly AddFile[]
  readonly removed: readonly AddFile[]
  readonly tableIdChanged: boolean
  /** What those files differ by, where the build itself made them. */
  readonly rows: ChangedRows | null
}

/** Null where the log no longer reaches back. */
export async function readRange(
  input: OpenInput,
  after: number,
  committed: CommittedChanges = new Map(),
): Promise<RangeFiles | null> {
  const { version, metadata } = input.snapshot
  const changes = await readChanges(input.store, { after, to: version, stored: metadata.stored })
  if (changes === null) return null
  const own = committed.get(input.name)
  const isWhole = own?.tableId === metadata.id && own.after === after && own.version === version
  return { input, ...changes, rows: isWhole ? own : null }
}

/** Names and types alike, in order; whether a column may be null is not looked at. */
export function sameFields(a: readonly ColumnField[], b: readonly ColumnField[]): boolean {
  return describeFields(a) === describeFields(b)
}

function describeFields(fields: readonly ColumnField[]): string {
  return JSON.stringify(fields, (key, value: unknown) =>
    key === 'nullable' || key === 'elementNullable' || key === 'valueNullable' ? undefined : value,
  )
}

/** The paths that a question for `_file as file` was answered with. */
export function filePaths(rows: readonly EngineRow[]): readonly string[] {
  return rows.flatMap(({ file }) => (typeof file === 'string' ? [file] : []))
}
