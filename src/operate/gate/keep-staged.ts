import type { Snapshot } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { StagedFile } from '../../ports/model-engine.ts'
import type { StagedModel } from '../../transform/build.ts'
import type { ModelNode } from '../../transform/graph.ts'
import { openInputs, readRange, tableStore, type OpenInput } from '../../transform/model-inputs.ts'
import { UNKNOWN_MEMBER_OPERATIONS } from '../../transform/unknown-member.ts'
import { readHistory } from '../../lake/history.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { GateWorld } from './judge-staged.ts'
import { toAssertion, type GateJudgement } from './report/judgement.ts'
import { STAGED_MS, stagedStore, writeManifest } from './staged-manifest.ts'
import type { JudgedWith, ManifestFile, StagedManifest } from './staged-manifest.ts'

export interface KeepRequest {
  readonly world: GateWorld
  readonly staged: StagedModel
  readonly inputs: readonly OpenInput[]
  readonly judgement: GateJudgement
  /** As it stood before it was judged. */
  readonly judgedWith: JudgedWith
}

/**
 * Moves a staged result into the lake, where it waits for a day. A process that dies on the way leaves files that no
 * manifest names: they are swept, and what was staged before still stands.
 */
export async function keepStaged({
  world,
  staged,
  inputs,
  judgement,
  judgedWith,
}: KeepRequest): Promise<StagedManifest> {
  const { node, target } = staged
  const store = stagedStore(world.lake, node.name)
  const id = world.clock.newId()
  const files: ManifestFile[] = []
  for (const [at, file] of staged.files.entries()) {
    const path = `${id}/part-${at}.parquet`
    await store.putFile(path, file.localFile)
    files.push({ path, partition_values: file.partitionValues, bytes: file.bytes, rows: file.rows, stats: file.stats })
  }
  const nowMs = world.clock.nowMs()
  const manifest: StagedManifest = {
    form: 1,
    model: node.name,
    run_id: world.runId,
    staged_at: new Date(nowMs).toISOString(),
    expires_at: new Date(nowMs + STAGED_MS).toISOString(),
    mode: staged.mode,
    reason: staged.reason,
    definition: node.definition.toString(),
    target: target === null ? null : { table_id: target.metadata.id, version: target.version },
    inputs: inputs.map(({ name, snapshot }) => ({
      table: name,
      table_id: snapshot.metadata.id,
      version: snapshot.version,
    })),
    fields: staged.fields,
    partition_columns: target?.metadata.partitionColumns ?? node.model.partitionBy,
    files,
    rows: staged.rows,
    removes: staged.removes.map(({ path }) => path),
    needs_unknown: staged.needsUnknown,
    outcome: judgement.verdict.outcome,
    gate_reason: judgement.verdict.reason,
    assertions: judgement.findings.map((finding) => toAssertion(finding, judgement.hidden)),
    judged_with: judgedWith,
  }
  await writeManifest(world.lake, manifest)
  return manifest
}

/** A staged result as it may still be committed, or why it may not. */
export type Reopened =
  | { readonly kind: 'standing'; readonly staged: StagedModel; readonly inputs: readonly OpenInput[] }
  | { readonly kind: 'moved_on'; readonly reason: string }

/** What it was made from, and what it was made against, must stand as they did: else it is no increment of anything. */
export async function reopenStaged(lake: ObjectStore, manifest: StagedManifest, node: ModelNode): Promise<Reopened> {
  if (node.definition.toString() !== manifest.definition) return movedOn('the model changed since')
  const store = tableStore(lake, node.model)
  const target = await openSnapshot(store)
  if (!(await standsAs(store, target, manifest.target))) {
    return movedOn(`${manifest.model} has version ${target?.version ?? 'none'} now`)
  }
  const opened = await openInputs(lake, node.inputs)
  if ('missing' in opened) return movedOn(`${opened.missing} is gone`)
  for (const input of opened.inputs) {
    const reason = await inputMoved(input, manifest)
    if (reason !== null) return movedOn(reason)
  }
  const files = await localFiles(lake, manifest)
  if (files === null) return movedOn('files of the staged result are gone')
  const removes = removedFiles(target, manifest)
  if (removes === null) return movedOn(`files that it takes the place of are gone from ${manifest.model}`)
  return {
    kind: 'standing',
    inputs: opened.inputs,
    staged: {
      node,
      mode: manifest.mode,
      reason: manifest.reason,
      fields: manifest.fields,
      target,
      files,
      rows: manifest.rows,
      removes,
      isSame: false,
      changes: null,
      needsUnknown: manifest.needs_unknown,
    },
  }
}

/** The same files and columns; versions that only tell of themselves, as a vacuum's do, may have come since. */
async function standsAs(store: ObjectStore, target: Snapshot | null, was: StagedManifest['target']): Promise<boolean> {
  if (was === null || target === null) return was === null && target === null
  if (target.metadata.id !== was.table_id || target.version < was.version) return false
  for await (const { version, filesAdded, filesRemoved, movesRows } of readHistory(store)) {
    if (version <= was.version) return true
    if (filesAdded + filesRemoved > 0 || movesRows) return false
  }
  return target.version === was.version
}

/** A version that changed no rows, as compaction leaves it, moves nothing. */
async function inputMoved(input: OpenInput, manifest: StagedManifest): Promise<string | null> {
  const was = manifest.inputs.find(({ table }) => table === input.name)
  if (was === undefined) return `${input.name} was not an input`
  const { snapshot } = input
  if (was.table_id !== snapshot.metadata.id) return `${input.name} is another table`
  if (was.version === snapshot.version) return null
  const moved = `${input.name} went from version ${was.version} to ${snapshot.version}`
  if (was.version > snapshot.version) return moved
  if (await onlyUnknownMember(input, was.version)) return null
  const range = await readRange(input, was.version)
  return range === null || range.tableIdChanged || range.added.length > 0 || range.removed.length > 0 ? moved : null
}

/**
 * The unknown member comes and goes with the facts that need it, a fact that was killed while it was released among
 * them: it is no row that a lookup finds, so the staged result still stands.
 */
async function onlyUnknownMember(input: OpenInput, after: number): Promise<boolean> {
  for await (const { version, operation, filesAdded, filesRemoved } of readHistory(input.store)) {
    if (version <= after) return true
    if (filesAdded + filesRemoved > 0 && !UNKNOWN_MEMBER_OPERATIONS.has(operation ?? '')) return false
  }
  return false
}

export async function localFiles(lake: ObjectStore, manifest: StagedManifest): Promise<StagedFile[] | null> {
  const store = stagedStore(lake, manifest.model)
  const files: StagedFile[] = []
  for (const { path, partition_values: partitionValues, bytes, rows, stats } of manifest.files) {
    const localFile = await store.localFile(path)
    if (localFile === null) return null
    files.push({ localFile, partitionValues, bytes, rows, stats })
  }
  return files
}

function removedFiles(target: Snapshot | null, manifest: StagedManifest): StagedModel['removes'] | null {
  const files = manifest.removes.flatMap((path) => target?.files.get(path) ?? [])
  return files.length === manifest.removes.length ? files : null
}

function movedOn(reason: string): Reopened {
  return { kind: 'moved_on', reason }
}
